#include "bench/flows.h"

#include "bench/daemon.h"
#include "bench/exec.h"
#include "bench/flow.h"
#include "bench/pipes.h"
#include "bench/samples.h"
#include "bench/sandbox.h"

#include <stdio.h>
#include <stdlib.h>

#define SINK "dd of=/dev/null bs=65536 2>/dev/null"

struct flows {
    struct caller daemon, bare;
    char source[96];
    size_t bytes;
    int rounds;
};

/* The daemon and the yardstick by turns, so that both meet the same machine. */
static void measure(struct flows *flows, const char *id)
{
    static const char *const names[] = {"out", "pipe-out", "in", "pipe-in"};
    const char *const out_command[] = {"/bin/sh", "-c", flows->source, NULL};
    const char *const in_command[] = {"/bin/sh", "-c", SINK, NULL};
    uint8_t *zeros = calloc(1, FLOW_PIECE);
    struct answer out = exec_stream_request(id, out_command), in = exec_stream_request(id, in_command);
    struct answer piece = exec_stdin_request(zeros, FLOW_PIECE), raw = {zeros, FLOW_PIECE}, none = {zeros, 1};
    struct samples rates[4] = {0};

    for (int i = 0; i < flows->rounds; i++) {
        samples_add(&rates[0], flow_out(&flows->daemon, API "StreamExec", &out, flows->bytes));
        samples_add(&rates[1], flow_out(&flows->bare, PIPES_OUT, &none, flows->bytes));
        samples_add(&rates[2], flow_in(&flows->daemon, API "StreamExec", &in, &piece, flows->bytes));
        samples_add(&rates[3], flow_in(&flows->bare, PIPES_IN, &none, &raw, flows->bytes));
    }
    for (int i = 0; i < 4; i++) {
        samples_print(&rates[i], names[i]);
        samples_fini(&rates[i]);
    }
    answer_fini(&out);
    answer_fini(&in);
    answer_fini(&piece);
    free(zeros);
}

void flows_measure(const char *image, size_t mib, int rounds)
{
    struct flows flows = {.bytes = mib * 1024 * 1024, .rounds = rounds};
    char target[64];
    int port;

    snprintf(flows.source, sizeof(flows.source), "dd if=/dev/zero bs=65536 count=%zu 2>/dev/null",
             flows.bytes / FLOW_PIECE);
    pid_t pipes = pipes_start(flows.source, SINK, &port);
    daemon_open(&flows.daemon);
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    caller_init(&flows.bare, target, "x-none", "x");
    Sandbox *sandbox = sandbox_hold(&flows.daemon, image);
    measure(&flows, sandbox->sandbox_id);
    sandbox_stop(&flows.daemon, sandbox->sandbox_id);
    sandbox_free(sandbox);
    caller_fini(&flows.bare);
    daemon_close(&flows.daemon);
    pipes_stop(pipes);
}
