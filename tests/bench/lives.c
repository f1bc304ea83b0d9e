#include "bench/lives.h"

#include "bench/daemon.h"
#include "bench/samples.h"
#include "bench/sandbox.h"

void lives_measure(const char *image, int n)
{
    struct samples creates = {0}, stops = {0};
    struct caller daemon;

    daemon_open(&daemon);
    for (int i = -WARM_UP; i < n; i++) {
        double at[3] = {now_ms()};
        Sandbox *sandbox = sandbox_hold(&daemon, image);
        at[1] = now_ms();
        sandbox_stop(&daemon, sandbox->sandbox_id);
        at[2] = now_ms();
        if (i >= 0) {
            samples_add(&creates, at[1] - at[0]);
            samples_add(&stops, at[2] - at[1]);
        }
        sandbox_free(sandbox);
    }
    samples_print(&creates, "create");
    samples_print(&stops, "stop");
    samples_fini(&creates);
    samples_fini(&stops);
    daemon_close(&daemon);
}
