/* bench: measures sandkeepd over gRPC, containerd's own Exec on the same
 * container, and command lines, one row a kind. Which of them is said by the first
 * argument; see usage. Settings by environment: SANDKEEP_ADDRESS, CWSANDBOX_API_KEY,
 * SANDKEEP_CONTAINERD_SOCKET. */
#include "bench/call.h"
#include "bench/command.h"
#include "bench/containerd.h"
#include "bench/exec.h"
#include "bench/file.h"
#include "bench/flow.h"
#include "bench/follow.h"
#include "bench/lanes.h"
#include "bench/pipes.h"
#include "bench/samples.h"
#include "bench/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const SLEEP[] = {"/bin/sleep", "100000", NULL};

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "bench: %s is not set\n", name);
        exit(2);
    }
    return value;
}

static void daemon_init(struct caller *daemon)
{
    static char bearer[200];
    snprintf(bearer, sizeof(bearer), "Bearer %s", setting("CWSANDBOX_API_KEY"));
    caller_init(daemon, setting("SANDKEEP_ADDRESS"), "authorization", bearer);
}

/* --- lives and single commands ---------------------------------------------- */

static void run_lives(struct caller *daemon, const char *image, int n)
{
    struct samples creates = {0}, stops = {0};
    for (int i = -WARM_UP; i < n; i++) {
        double began = now_ms(), created, stopping;
        Sandbox *sandbox = sandbox_create(daemon, image, SLEEP);
        sandbox_reach_running(daemon, sandbox);
        created = now_ms();
        stopping = now_ms();
        sandbox_stop(daemon, sandbox->sandbox_id);
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
    struct samples unary = {0}, stream = {0}, first = {0}, theirs = {0};
    Sandbox *sandbox = sandbox_run(daemon, image, SLEEP);
    char *id = sandbox->sandbox_id;

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
        samples_add(&first, exec_first_byte(daemon, id));
    }
    for (int i = -WARM_UP; i < n / 10; i++) {
        double began = now_ms();
        containerd_exec(containerd, id);
        if (i >= 0)
            samples_add(&theirs, now_ms() - began);
    }
    samples_print(&unary, "exec");
    samples_print(&stream, "stream");
    samples_print(&first, "first-byte");
    samples_print(&theirs, "containerd-exec");
    sandbox_stop(daemon, id);
    sandbox_free(sandbox);
    samples_fini(&unary);
    samples_fini(&stream);
    samples_fini(&first);
    samples_fini(&theirs);
}

static void run_sandkeep(const char *image, int lives, int execs)
{
    struct caller daemon, containerd;
    char target[200];

    snprintf(target, sizeof(target), "unix:%s", setting("SANDKEEP_CONTAINERD_SOCKET"));
    grpc_init();
    daemon_init(&daemon);
    caller_init(&containerd, target, "containerd-namespace", "sandkeep");
    run_lives(&daemon, image, lives);
    run_execs(&daemon, &containerd, image, execs);
    caller_fini(&daemon);
    caller_fini(&containerd);
    grpc_shutdown_blocking();
}

/* --- many at a time ----------------------------------------------------------- */

static void run_many(const char *image, int total)
{
    static const char *const command[] = {"/bin/true", NULL};
    static const int widths[] = {1, 8, 64};
    struct caller daemon;
    char name[32];

    grpc_init();
    daemon_init(&daemon);
    Sandbox *sandbox = sandbox_run(&daemon, image, SLEEP);
    struct answer unary = exec_unary_request(sandbox->sandbox_id, command);
    struct answer stream = exec_stream_request(sandbox->sandbox_id, command);
    (void)lanes_run(&daemon, API "Exec", &unary, 8, 100, 1);
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        snprintf(name, sizeof(name), "exec-rate-%d", widths[i]);
        rate_print(lanes_run(&daemon, API "Exec", &unary, widths[i], total, 1), name);
        snprintf(name, sizeof(name), "stream-rate-%d", widths[i]);
        rate_print(lanes_run(&daemon, API "StreamExec", &stream, widths[i], total, 2), name);
    }
    answer_fini(&unary);
    answer_fini(&stream);
    sandbox_stop(&daemon, sandbox->sandbox_id);
    sandbox_free(sandbox);
    caller_fini(&daemon);
    grpc_shutdown_blocking();
}

/* --- streams ------------------------------------------------------------------ */

/* The daemon and the yardstick by turns, so that both meet the same machine. */
static void run_flows(const char *image, size_t mib, int rounds)
{
    const size_t bytes = mib * 1024 * 1024;
    char out_script[96], target[64];
    snprintf(out_script, sizeof(out_script), "dd if=/dev/zero bs=65536 count=%zu 2>/dev/null",
             bytes / FLOW_PIECE);
    const char *const out_command[] = {"/bin/sh", "-c", out_script, NULL};
    const char *const in_command[] = {"/bin/sh", "-c", "dd of=/dev/null bs=65536 2>/dev/null", NULL};
    struct caller daemon, bare;
    int port;
    pid_t pipes = pipes_start(out_script, in_command[2], &port);

    grpc_init();
    daemon_init(&daemon);
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    caller_init(&bare, target, "x-none", "x");
    Sandbox *sandbox = sandbox_run(&daemon, image, SLEEP);
    uint8_t *zeros = calloc(1, FLOW_PIECE);
    struct answer out = exec_stream_request(sandbox->sandbox_id, out_command);
    struct answer in = exec_stream_request(sandbox->sandbox_id, in_command);
    struct answer piece = exec_stdin_request(zeros, FLOW_PIECE), raw = {zeros, FLOW_PIECE}, none = {zeros, 1};
    struct samples rates[4] = {0};
    static const char *const names[] = {"out", "pipe-out", "in", "pipe-in"};
    for (int i = 0; i < rounds; i++) {
        samples_add(&rates[0], flow_out(&daemon, API "StreamExec", &out, bytes));
        samples_add(&rates[1], flow_out(&bare, PIPES_OUT, &none, bytes));
        samples_add(&rates[2], flow_in(&daemon, API "StreamExec", &in, &piece, bytes));
        samples_add(&rates[3], flow_in(&bare, PIPES_IN, &none, &raw, bytes));
    }
    for (int i = 0; i < 4; i++) {
        samples_print(&rates[i], names[i]);
        samples_fini(&rates[i]);
    }
    answer_fini(&out);
    answer_fini(&in);
    answer_fini(&piece);
    free(zeros);
    sandbox_stop(&daemon, sandbox->sandbox_id);
    sandbox_free(sandbox);
    caller_fini(&daemon);
    caller_fini(&bare);
    grpc_shutdown_blocking();
    pipes_stop(pipes);
}

/* --- files and logs --------------------------------------------------------------- */

static void run_size(struct caller *daemon, const char *id, const char *size, size_t len, int n)
{
    static const char *const kinds[] = {"write", "read", "tar-write", "tar-read"};
    struct samples samples[4] = {0};
    uint8_t *content = calloc(1, len);
    char name[32];

    for (int i = -WARM_UP; i < n; i++) {
        double at[5] = {now_ms()};
        file_write(daemon, id, content, len);
        at[1] = now_ms();
        file_read(daemon, id, len);
        at[2] = now_ms();
        file_write_tar(daemon, id, content, len);
        at[3] = now_ms();
        file_read_tar(daemon, id, len);
        at[4] = now_ms();
        for (int kind = 0; kind < 4 && i >= 0; kind++)
            samples_add(&samples[kind], at[kind + 1] - at[kind]);
    }
    for (int kind = 0; kind < 4; kind++) {
        snprintf(name, sizeof(name), "%s-%s", kinds[kind], size);
        samples_print(&samples[kind], name);
        samples_fini(&samples[kind]);
    }
    free(content);
}

static void run_files(const char *image, int n)
{
    struct caller daemon;

    grpc_init();
    daemon_init(&daemon);
    Sandbox *sandbox = sandbox_run(&daemon, image, SLEEP);
    run_size(&daemon, sandbox->sandbox_id, "1k", 1024, n);
    run_size(&daemon, sandbox->sandbox_id, "1m", 1024 * 1024, n);
    run_size(&daemon, sandbox->sandbox_id, "32m", 32 * 1024 * 1024, n / 5);
    sandbox_stop(&daemon, sandbox->sandbox_id);
    sandbox_free(sandbox);
    caller_fini(&daemon);
    grpc_shutdown_blocking();
}

static void run_follow(const char *image, int n)
{
    struct samples samples = {0};
    struct caller daemon;

    grpc_init();
    daemon_init(&daemon);
    follow_lines(&daemon, image, n, &samples);
    samples_print(&samples, "follow");
    samples_fini(&samples);
    caller_fini(&daemon);
    grpc_shutdown_blocking();
}

/* --- which of them -------------------------------------------------------------- */

static int usage(void)
{
    fprintf(stderr, "use: bench sandkeep IMAGE LIVES EXECS\n"
                    "     bench many IMAGE EXECS\n"
                    "     bench flows IMAGE MIB ROUNDS\n"
                    "     bench files IMAGE N\n"
                    "     bench follow IMAGE LINES\n"
                    "     bench command NAME N BEFORE AFTER COMMAND...\n");
    return 2;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "sandkeep") == 0)
        run_sandkeep(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (argc == 4 && strcmp(argv[1], "many") == 0)
        run_many(argv[2], atoi(argv[3]));
    else if (argc == 5 && strcmp(argv[1], "flows") == 0)
        run_flows(argv[2], (size_t)atoi(argv[3]), atoi(argv[4]));
    else if (argc == 4 && strcmp(argv[1], "files") == 0)
        run_files(argv[2], atoi(argv[3]));
    else if (argc == 4 && strcmp(argv[1], "follow") == 0)
        run_follow(argv[2], atoi(argv[3]));
    else if (argc >= 7 && strcmp(argv[1], "command") == 0)
        run_command(argv[2], atoi(argv[3]), argv[4], argv[5], argv + 6);
    else
        return usage();
    return 0;
}
