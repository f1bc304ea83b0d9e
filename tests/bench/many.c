#include "bench/many.h"

#include "bench/daemon.h"
#include "bench/exec.h"
#include "bench/lanes.h"
#include "bench/samples.h"
#include "bench/sandbox.h"

#include <stdio.h>

/* Both ways by turns, so that both meet the same machine. */
static void measure_width(struct caller *daemon, const char *id, int width, int total, int rounds)
{
    static const char *const command[] = {"/bin/true", NULL};
    struct answer unary = exec_unary_request(id, command), stream = exec_stream_request(id, command);
    struct samples unaries = {0}, streams = {0};
    char name[32];

    for (int i = 0; i < rounds; i++) {
        samples_add(&unaries, lanes_run(daemon, API "Exec", &unary, width, total, 1));
        samples_add(&streams, lanes_run(daemon, API "StreamExec", &stream, width, total, 2));
    }
    snprintf(name, sizeof(name), "exec-rate-%d", width);
    samples_print(&unaries, name);
    snprintf(name, sizeof(name), "stream-rate-%d", width);
    samples_print(&streams, name);
    samples_fini(&unaries);
    samples_fini(&streams);
    answer_fini(&unary);
    answer_fini(&stream);
}

void many_measure(const char *image, int total, int rounds)
{
    struct caller daemon;

    daemon_open(&daemon);
    Sandbox *sandbox = sandbox_hold(&daemon, image);
    for (int i = 0; i < 100; i++)
        exec_unary(&daemon, sandbox->sandbox_id);
    measure_width(&daemon, sandbox->sandbox_id, 1, total, 1);
    measure_width(&daemon, sandbox->sandbox_id, 8, total, 1);
    measure_width(&daemon, sandbox->sandbox_id, 64, total, rounds);
    sandbox_stop(&daemon, sandbox->sandbox_id);
    sandbox_free(sandbox);
    daemon_close(&daemon);
}
