#include "bench/execs.h"

#include "bench/containerd.h"
#include "bench/daemon.h"
#include "bench/exec.h"
#include "bench/samples.h"
#include "bench/sandbox.h"

#include <stdio.h>

static void measure_ours(struct caller *daemon, const char *id, int n)
{
    static const char *const names[] = {"exec", "stream", "first-byte"};
    struct samples samples[3] = {0};

    for (int i = -WARM_UP; i < n; i++) {
        double began = now_ms(), took[3];
        exec_unary(daemon, id);
        took[0] = now_ms() - began;
        began = now_ms();
        exec_stream(daemon, id);
        took[1] = now_ms() - began;
        took[2] = exec_first_byte(daemon, id);
        for (int kind = 0; kind < 3 && i >= 0; kind++)
            samples_add(&samples[kind], took[kind]);
    }
    for (int kind = 0; kind < 3; kind++) {
        samples_print(&samples[kind], names[kind]);
        samples_fini(&samples[kind]);
    }
}

static void measure_theirs(const char *id, int n)
{
    struct samples samples = {0};
    struct caller containerd;
    char target[200];

    snprintf(target, sizeof(target), "unix:%s", setting("SANDKEEP_CONTAINERD_SOCKET"));
    caller_init(&containerd, target, "containerd-namespace", "sandkeep");
    for (int i = -WARM_UP; i < n; i++) {
        double began = now_ms();
        containerd_exec(&containerd, id);
        if (i >= 0)
            samples_add(&samples, now_ms() - began);
    }
    samples_print(&samples, "containerd-exec");
    samples_fini(&samples);
    caller_fini(&containerd);
}

void execs_measure(const char *image, int n)
{
    struct caller daemon;

    daemon_open(&daemon);
    Sandbox *sandbox = sandbox_hold(&daemon, image);
    measure_ours(&daemon, sandbox->sandbox_id, n);
    measure_theirs(sandbox->sandbox_id, n / 10);
    sandbox_stop(&daemon, sandbox->sandbox_id);
    sandbox_free(sandbox);
    daemon_close(&daemon);
}
