/* bench: measures sandkeepd over gRPC, containerd's own Exec on the same
 * container, and command lines, one row a kind. Which of them is said by the first
 * argument; see usage. Settings by environment: SANDKEEP_ADDRESS, CWSANDBOX_API_KEY,
 * SANDKEEP_CONTAINERD_SOCKET. */
#include "bench/call.h"
#include "bench/samples.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define API "/coreweave.sandbox.v1.SandboxService/"

typedef Coreweave__Sandbox__V1__Sandbox Sandbox;

extern char **environ;

enum { WARM_UP = 3, POLL_MICROSECONDS = 200 };

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "bench: %s is not set\n", name);
        exit(2);
    }
    return value;
}

/* --- sandkeep ------------------------------------------------------------- */

static Sandbox *create(struct caller *daemon, const char *image)
{
    static const char *const args[] = {"100000"};
    static unsigned serial;
    char request_id[64];
    Coreweave__Sandbox__V1__Container container = COREWEAVE__SANDBOX__V1__CONTAINER__INIT;
    Coreweave__Sandbox__V1__Container *containers[] = {&container};
    Coreweave__Sandbox__V1__SandboxSpec spec = COREWEAVE__SANDBOX__V1__SANDBOX_SPEC__INIT;
    Sandbox sandbox = COREWEAVE__SANDBOX__V1__SANDBOX__INIT;
    Coreweave__Sandbox__V1__CreateSandboxRequest request =
        COREWEAVE__SANDBOX__V1__CREATE_SANDBOX_REQUEST__INIT;

    snprintf(request_id, sizeof(request_id), "bench-%d-%u", (int)getpid(), serial++);
    container.name = (char *)"main";
    container.image = (char *)image;
    container.command = (char *)"/bin/sleep";
    container.args = (char **)args;
    container.n_args = 1;
    spec.containers = containers;
    spec.n_containers = 1;
    sandbox.spec = &spec;
    request.sandbox = &sandbox;
    request.request_id = request_id;
    return (Sandbox *)caller_must(daemon, API "CreateSandbox", &request.base,
                                  &coreweave__sandbox__v1__sandbox__descriptor);
}

static Sandbox *get(struct caller *daemon, char *id)
{
    Coreweave__Sandbox__V1__GetSandboxRequest request = COREWEAVE__SANDBOX__V1__GET_SANDBOX_REQUEST__INIT;
    request.sandbox_id = id;
    return (Sandbox *)caller_must(daemon, API "GetSandbox", &request.base,
                                  &coreweave__sandbox__v1__sandbox__descriptor);
}

static void sandbox_free(Sandbox *sandbox)
{
    protobuf_c_message_free_unpacked(&sandbox->base, NULL);
}

/* Polls until the sandbox is in one of two states. */
static void reach(struct caller *daemon, char *id, int one, int other)
{
    for (;;) {
        Sandbox *now = get(daemon, id);
        int state = (int)now->status->state;
        sandbox_free(now);
        if (state == one || state == other)
            return;
        usleep(POLL_MICROSECONDS);
    }
}

static void stop(struct caller *daemon, char *id)
{
    Coreweave__Sandbox__V1__DeleteSandboxRequest request =
        COREWEAVE__SANDBOX__V1__DELETE_SANDBOX_REQUEST__INIT;
    ProtobufCMessage *answer;

    request.sandbox_id = id;
    answer = caller_must(daemon, API "DeleteSandbox", &request.base,
                         &coreweave__sandbox__v1__delete_sandbox_response__descriptor);
    protobuf_c_message_free_unpacked(answer, NULL);
    reach(daemon, id, COREWEAVE__SANDBOX__V1__STATE__STATE_TERMINATED,
          COREWEAVE__SANDBOX__V1__STATE__STATE_COMPLETED);
}

static void exec_unary(struct caller *daemon, char *id)
{
    static const char *const command[] = {"/bin/true"};
    Coreweave__Sandbox__V1__ExecRequest request = COREWEAVE__SANDBOX__V1__EXEC_REQUEST__INIT;
    Coreweave__Sandbox__V1__ExecResponse *answer;

    request.sandbox_id = id;
    request.command = (char **)command;
    request.n_command = 1;
    answer = (Coreweave__Sandbox__V1__ExecResponse *)caller_must(
        daemon, API "Exec", &request.base, &coreweave__sandbox__v1__exec_response__descriptor);
    if (answer->exit_code != 0) {
        fprintf(stderr, "bench: true exits %d\n", answer->exit_code);
        exit(1);
    }
    protobuf_c_message_free_unpacked(&answer->base, NULL);
}

static void exec_stream(struct caller *daemon, char *id)
{
    static const char *const command[] = {"/bin/true"};
    Coreweave__Sandbox__V1__ExecStreamInit init = COREWEAVE__SANDBOX__V1__EXEC_STREAM_INIT__INIT;
    Coreweave__Sandbox__V1__ExecStreamRequest request = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__INIT;

    init.sandbox_id = id;
    init.command = (char **)command;
    init.n_command = 1;
    request.message_case = COREWEAVE__SANDBOX__V1__EXEC_STREAM_REQUEST__MESSAGE_INIT;
    request.init = &init;
    if (caller_stream(daemon, API "StreamExec", &request.base) != 2) {
        fprintf(stderr, "bench: StreamExec did not say ready and exit\n");
        exit(1);
    }
}

/* --- containerd's own Exec, on the same container --------------------------- */

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

/* Exec, Start, Wait and DeleteProcess: what one command costs there. */
static void containerd_exec(struct caller *containerd, const char *id)
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

/* --- the runs ------------------------------------------------------------- */

static void run_lives(struct caller *daemon, const char *image, int n)
{
    struct samples creates = {0}, stops = {0};
    for (int i = -WARM_UP; i < n; i++) {
        double began = now_ms(), created, stopping;
        Sandbox *sandbox = create(daemon, image);
        if (sandbox->status->state != COREWEAVE__SANDBOX__V1__STATE__STATE_RUNNING)
            reach(daemon, sandbox->sandbox_id, COREWEAVE__SANDBOX__V1__STATE__STATE_RUNNING,
                  COREWEAVE__SANDBOX__V1__STATE__STATE_FAILED);
        created = now_ms();
        stopping = now_ms();
        stop(daemon, sandbox->sandbox_id);
        if (i >= 0) {
            samples_add(&creates, created - began);
            samples_add(&stops, now_ms() - stopping);
        }
        sandbox_free(sandbox);
    }
    samples_print(&creates, "create");
    samples_print(&stops, "stop");
    samples_fini(&creates);
    samples_fini(&stops);
}

static void run_execs(struct caller *daemon, struct caller *containerd, const char *image, int n)
{
    struct samples unary = {0}, stream = {0}, theirs = {0};
    Sandbox *sandbox = create(daemon, image);
    char *id = sandbox->sandbox_id;

    reach(daemon, id, COREWEAVE__SANDBOX__V1__STATE__STATE_RUNNING,
          COREWEAVE__SANDBOX__V1__STATE__STATE_FAILED);
    for (int i = -WARM_UP; i < n; i++) {
        double a = now_ms(), b, c;
        exec_unary(daemon, id);
        b = now_ms();
        exec_stream(daemon, id);
        c = now_ms();
        if (i < 0)
            continue;
        samples_add(&unary, b - a);
        samples_add(&stream, c - b);
    }
    for (int i = -WARM_UP; i < n / 10; i++) {
        double began = now_ms();
        containerd_exec(containerd, id);
        if (i >= 0)
            samples_add(&theirs, now_ms() - began);
    }
    samples_print(&unary, "exec");
    samples_print(&stream, "stream");
    samples_print(&theirs, "containerd-exec");
    stop(daemon, id);
    sandbox_free(sandbox);
    samples_fini(&unary);
    samples_fini(&stream);
    samples_fini(&theirs);
}

/* One command line; its exit status. */
static int spawn_and_wait(char **argv)
{
    pid_t pid;
    int status = -1;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
        fprintf(stderr, "bench: cannot start %s\n", argv[0]);
        exit(1);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* "before" and "after" are shell lines around each measured command, not measured; an argument
 * "@", and BENCH_I in those lines, is the number of the round. */
static void run_command(const char *name, int n, const char *before, const char *after, char **argv)
{
    struct samples samples = {0};
    char number[16];

    for (char **arg = argv; *arg; arg++)
        if (strcmp(*arg, "@") == 0)
            *arg = number;
    for (int i = -WARM_UP; i < n; i++) {
        double began;
        snprintf(number, sizeof(number), "%d", i + WARM_UP);
        setenv("BENCH_I", number, 1);
        if (*before && system(before) != 0)
            exit(1);
        began = now_ms();
        if (spawn_and_wait(argv) != 0) {
            fprintf(stderr, "bench: %s failed\n", name);
            exit(1);
        }
        if (i >= 0)
            samples_add(&samples, now_ms() - began);
        if (*after && system(after) != 0)
            exit(1);
    }
    samples_print(&samples, name);
    samples_fini(&samples);
}

static int usage(void)
{
    fprintf(stderr, "use: bench sandkeep IMAGE LIVES EXECS\n"
                    "     bench command NAME N BEFORE AFTER COMMAND...\n");
    return 2;
}

static void run_sandkeep(const char *image, int lives, int execs)
{
    struct caller daemon, containerd;
    char target[200], bearer[200];

    snprintf(target, sizeof(target), "unix:%s", setting("SANDKEEP_CONTAINERD_SOCKET"));
    snprintf(bearer, sizeof(bearer), "Bearer %s", setting("CWSANDBOX_API_KEY"));
    grpc_init();
    caller_init(&daemon, setting("SANDKEEP_ADDRESS"), "authorization", bearer);
    caller_init(&containerd, target, "containerd-namespace", "sandkeep");
    run_lives(&daemon, image, lives);
    run_execs(&daemon, &containerd, image, execs);
    caller_fini(&daemon);
    caller_fini(&containerd);
    grpc_shutdown_blocking();
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "sandkeep") == 0)
        run_sandkeep(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (argc >= 7 && strcmp(argv[1], "command") == 0)
        run_command(argv[2], atoi(argv[3]), argv[4], argv[5], argv + 6);
    else
        return usage();
    return 0;
}
