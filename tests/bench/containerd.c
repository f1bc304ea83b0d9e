#include "bench/containerd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Just enough of protobuf to write a message of strings. */
struct writer {
    uint8_t data[1024];
    size_t len;
};

static void put_bytes(struct writer *to, unsigned field, const void *data, size_t len)
{
    to->data[to->len++] = (uint8_t)(field << 3 | 2);
    if (len >= 128)
        to->data[to->len++] = (uint8_t)(len | 128);
    to->data[to->len++] = (uint8_t)(len >= 128 ? len >> 7 : len);
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

static void put_text(struct writer *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

static void containerd_must(struct caller *containerd, const char *path, const struct writer *request)
{
    grpc_status_code code = caller_unary(containerd, path, request->data, request->len, NULL);
    if (code != GRPC_STATUS_OK) {
        fprintf(stderr, "bench: %s: status %d\n", path, (int)code);
        exit(1);
    }
}

void containerd_exec(struct caller *containerd, const char *id)
{
    static unsigned serial;
    const char *process = "{\"args\":[\"/bin/true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0},"
                          "\"env\":[\"PATH=/usr/bin:/bin\"],\"noNewPrivileges\":true}";
    struct writer any = {0}, exec = {0}, named = {0};
    char exec_id[32];

    snprintf(exec_id, sizeof(exec_id), "bench%u", serial++);
    put_text(&any, 1, "types.containerd.io/opencontainers/runtime-spec/1/Process");
    put_text(&any, 2, process);
    put_text(&exec, 1, id);
    put_bytes(&exec, 6, any.data, any.len);
    put_text(&exec, 7, exec_id);
    put_text(&named, 1, id);
    put_text(&named, 2, exec_id);
    containerd_must(containerd, "/containerd.services.tasks.v1.Tasks/Exec", &exec);
    containerd_must(containerd, "/containerd.services.tasks.v1.Tasks/Start", &named);
    containerd_must(containerd, "/containerd.services.tasks.v1.Tasks/Wait", &named);
    containerd_must(containerd, "/containerd.services.tasks.v1.Tasks/DeleteProcess", &named);
}
