#include "bench/pair.h"

#include "bench/daemon.h"
#include "bench/exec.h"
#include "bench/samples.h"
#include "bench/sandbox.h"

#include <stdio.h>

static double timed(struct caller *daemon, const char *id)
{
    double began = now_ms();
    exec_unary(daemon, id);
    return now_ms() - began;
}

/* Who goes first changes from round to round. */
static void measure(struct caller daemons[2], char *const ids[2], int n)
{
    static const char *const names[] = {"first", "second"};
    struct samples samples[2] = {0};

    for (int i = -WARM_UP; i < n; i++) {
        for (int turn = 0; turn < 2; turn++) {
            int which = (i ^ turn) & 1;
            double took = timed(&daemons[which], ids[which]);
            if (i >= 0)
                samples_add(&samples[which], took);
        }
    }
    for (int which = 0; which < 2; which++) {
        samples_print(&samples[which], names[which]);
        samples_fini(&samples[which]);
    }
}

void pair_measure(const char *image, int n)
{
    static char bearer[200];
    struct caller daemons[2];
    Sandbox *sandboxes[2];

    daemon_open(&daemons[0]);
    snprintf(bearer, sizeof(bearer), "Bearer %s", setting("SANDKEEP_API_KEY_2"));
    caller_init(&daemons[1], setting("SANDKEEP_ADDRESS_2"), "authorization", bearer);
    for (int which = 0; which < 2; which++)
        sandboxes[which] = sandbox_hold(&daemons[which], image);
    measure(daemons, (char *const[]){sandboxes[0]->sandbox_id, sandboxes[1]->sandbox_id}, n);
    for (int which = 0; which < 2; which++) {
        sandbox_stop(&daemons[which], sandboxes[which]->sandbox_id);
        sandbox_free(sandboxes[which]);
    }
    caller_fini(&daemons[1]);
    daemon_close(&daemons[0]);
}
