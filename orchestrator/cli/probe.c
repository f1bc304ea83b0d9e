#include "cli/probe.h"

#include "cli/pipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 256

static const char script[] =
    "if [ -d \"$1\" ]; then k=folder; elif [ -e \"$1\" ]; then k=file; else k=nothing; fi\n"
    "echo \"$k $(stat -L -c '%s %a' \"$1\" 2>/dev/null)\"\n"
    "command -v tar >/dev/null && echo tar\n"
    "exit 0";

struct sk_probe sk_probe_read(const char *answer)
{
    struct sk_probe probe = {.size = -1, .shell = true};
    char kind[16] = "", size[24] = "", mode[8] = "";
    int words = sscanf(answer, "%15[a-z] %20[0-9] %5[0-7]", kind, size, mode);

    if (words >= 2 && strlen(size) < 19)
        probe.size = strtoll(size, NULL, 10);
    if (words == 3)
        probe.mode = (mode_t)strtoul(mode, NULL, 8) & 0777;
    if (strcmp(kind, "folder") == 0)
        probe.kind = SK_PROBE_FOLDER;
    else if (strcmp(kind, "file") == 0)
        probe.kind = SK_PROBE_FILE;
    else if (strcmp(kind, "nothing") == 0)
        probe.kind = SK_PROBE_NOTHING;
    probe.tar = strstr(answer, "\ntar\n") != NULL;
    return probe;
}

enum sk_code sk_probe(struct sk_client *client, const char *sandbox_id, const char *path,
                      struct sk_probe *out_probe, struct sk_fault *fault)
{
    const char *const words[] = {"/bin/sh", "-c", script, "sandkeep", path, NULL};
    char answer[ANSWER_MAX] = "";
    struct sk_pipe pipe;
    const uint8_t *data;
    size_t len, used = 0;

    sk_pipe_open(&pipe, client, sandbox_id, words, SK_PIPE_READ);
    while (sk_pipe_read(&pipe, &data, &len)) {
        size_t take = len < sizeof(answer) - 1 - used ? len : sizeof(answer) - 1 - used;
        memcpy(answer + used, data, take);
        used += take;
    }
    enum sk_code code = sk_pipe_finish(&pipe, fault);
    sk_pipe_close(&pipe);
    if (code == SK_ABORTED) { /* it ran, as far as it could: no shell */
        *out_probe = (struct sk_probe){.size = -1};
        return SK_OK;
    }
    if (!code)
        *out_probe = sk_probe_read(answer);
    return code;
}
