#include "bench/network/bench_network.h"

static const char *name(char id[32], int i)
{
    (void)snprintf(id, 32, "bench-%d", i);
    return id;
}

static void timed_attach(struct network_suite *s, struct samples *samples, const char *id)
{
    struct sk_network_place place;
    double start = now_ms();
    must(attach(s, id, false, &place) == SK_OK, "attach");
    samples_add(samples, now_ms() - start);
}

static void timed_apply(struct network_suite *s, struct samples *samples, const char *id)
{
    double start = now_ms();
    must(apply(s, id, policy_get()) == SK_OK, "apply");
    samples_add(samples, now_ms() - start);
}

static void timed_detach(struct network_suite *s, struct samples *samples, const char *id)
{
    double start = now_ms();
    must(detach(s, id) == SK_OK, "detach");
    samples_add(samples, now_ms() - start);
}

static void restart_with(struct real *r, size_t ready)
{
    r->options.ready_slots = ready;
    real_restart(&r->suite);
}

/* Until so many links have been made ahead. */
static void await_ready(int count)
{
    for (int tries = 0; tries < 600; tries++) {
        if (lab_run("test $(ip -o link | grep -c ': skl') -ge %d", count) == 0)
            return;
        (void)usleep(100 * 1000);
    }
    must(false, "make slots ahead");
}

static void detach_all(struct network_suite *s, int rounds)
{
    struct samples detached = {0};
    char id[32];
    for (int i = 0; i < rounds; i++)
        timed_detach(s, &detached, name(id, i));
    samples_print(&detached, "sandkeep/detach");
    samples_fini(&detached);
}

void measure_attach(struct real *r, int rounds)
{
    struct samples cold = {0}, ready = {0}, applied = {0}, detached = {0};
    char id[32];
    restart_with(r, 0);
    for (int i = 0; i < rounds; i++) {
        timed_attach(&r->suite, &cold, name(id, i));
        timed_detach(&r->suite, &detached, id);
    }
    samples_fini(&detached);
    restart_with(r, (size_t)rounds);
    await_ready(rounds);
    for (int i = 0; i < rounds; i++)
        timed_attach(&r->suite, &ready, name(id, i));
    for (int i = 0; i < rounds; i++)
        timed_apply(&r->suite, &applied, name(id, i));
    samples_print(&cold, "sandkeep/attach");
    samples_print(&ready, "sandkeep/attach-ready");
    samples_print(&applied, "sandkeep/apply");
    samples_fini(&cold);
    samples_fini(&ready);
    samples_fini(&applied);
    detach_all(&r->suite, rounds);
    restart_with(r, 0);
}
