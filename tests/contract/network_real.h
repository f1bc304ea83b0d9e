/* network_real.h: the real driver in a lab (support/net_lab.h). */
#ifndef SK_CONTRACT_NETWORK_REAL_H
#define SK_CONTRACT_NETWORK_REAL_H

#include "contract/network_calls.h"
#include "support/net_lab.h"

#include "drivers/nftables/nftables.h"

struct real {
    struct network_suite suite; /* first */
    struct net_lab lab;
    struct sk_nftables *driver;
    struct sk_nftables_options options;
};

static const struct sk_cidr forbidden = {{false, {192, 0, 2, 64}}, 26};
static const struct sk_cidr pool4 = {{false, {10, 213}}, 24};
static const struct sk_cidr pool6 = {{true, {0xFD, 0x5A, 0x4B, 0x01}}, 112};

static inline bool real_start(struct real *r)
{
    struct sk_err err;
    if (sk_nftables_open(r->suite.loop, NULL, &r->options, &r->driver, &err) != SK_OK) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    r->suite.network = sk_nftables_base(r->driver);
    return true;
}

static inline void real_stop(struct real *r)
{
    struct sk_wait w;
    sk_wait_init(&w, r->suite.loop);
    sk_nftables_close(r->driver, &w.done);
    (void)sk_wait(&w);
}

/* Nothing is taken down by closing: a killed daemon leaves the same, and its slots made ahead. */
static inline void real_restart(struct network_suite *s)
{
    struct real *r = sk_container_of(s, struct real, suite);
    real_stop(r);
    if (!real_start(r))
        abort();
}

/* 0, or what the program exits with: 77 = not possible here. `hosts`: addresses of the internet. `adjust`
 * (may be NULL): the driver's options. */
static inline int real_open_as(struct real *r, const char *hosts,
                               void (*adjust)(struct sk_nftables_options *options))
{
    static const uint16_t ports[] = {53, 80, 443, 8080};
    struct sk_err err;
    if (geteuid() != 0 || !lab_open(&r->lab))
        return 77;
    if (!lab_add_internet(&r->lab, hosts) || sk_loop_new(&r->suite.loop, &err) != SK_OK)
        return 1;
    r->lab.answering = lab_serve(r->lab.internet, ports, sk_array_len(ports));
    r->options = (struct sk_nftables_options){.run_dir = r->lab.dir,
                                              .name = "skl",
                                              .ipv4 = pool4,
                                              .ipv6 = pool6,
                                              .masquerade_ipv6 = true,
                                              .rest = SK_SEC(5),
                                              .ready_slots = 2,
                                              .forbidden = &forbidden,
                                              .forbidden_count = 1,
                                              .log_group = 5};
    if (adjust)
        adjust(&r->options);
    r->suite.restart = real_restart;
    r->suite.addresses = 253;
    return r->lab.answering > 0 && real_start(r) ? 0 : 1;
}

static inline int real_open(struct real *r, const char *hosts)
{
    return real_open_as(r, hosts, NULL);
}

static inline void real_close(struct real *r)
{
    real_stop(r);
    sk_loop_free(r->suite.loop);
    lab_close(&r->lab);
}

/* Until so many packets of it were denied at least; the packets' own way there may take a while. */
static inline bool await_denials(struct network_suite *s, const char *id, uint64_t least)
{
    struct sk_network_counts counts;
    for (int waited = 0; waited < LAB_COMES_MS; waited += 50) {
        if (read_counts(s, id, &counts) != SK_OK)
            return false;
        if (counts.denied_packets >= least)
            return true;
        (void)usleep(50 * 1000);
    }
    return false;
}

#endif
