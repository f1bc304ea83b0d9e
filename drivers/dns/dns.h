/* dns.h: what sandboxes ask of names, answered: questions come by UDP and TCP,
 * resolvers are asked anew for each (nothing is kept: what a name stands for
 * is opened for who asked, and for nobody else), and only addresses are told.
 *
 * Questions of other types than A and AAAA are answered here: HTTPS and SVCB
 * with "there is none", since clients ask them along with addresses and go on;
 * all others with NOTIMP, since "there is none" would be a lie (about CAA or
 * TLSA, a dangerous one).
 *
 * Addresses that no public name should stand for are left out of answers. When
 * none is left the answer is empty, which clients take as final for that
 * family alone.
 *
 * Threads: loop only. */
#ifndef SK_DNS_DNS_H
#define SK_DNS_DNS_H

#include "base/log.h"
#include "drivers/names.h"

#define SK_DNS_UPSTREAMS_MAX 8

/* 0 = what stands behind it. */
struct sk_dns_limits {
    size_t questions_each, questions_all;     /* under way: 64 of one asker, 2000 */
    size_t connections_each, connections_all; /* 8 of one asker, 256 */
    struct sk_duration idle;                  /* a connection without a question: 10 s */
    struct sk_duration one_try, whole;        /* for a resolver's answer: 2 s, 6 s in all */
};

/* Copied. */
struct sk_dns_options {
    /* Makes the sockets that questions come to, where they lie in another network than ours; NULL =
     * socket(2). */
    int (*make_socket)(void *arg, int family, int type);
    void *make_socket_arg;
    const struct sk_ip *listen; /* single addresses; may come to the machine later */
    size_t listen_count;
    uint16_t port;                /* 0 = 53 */
    const char *const *upstreams; /* "192.0.2.53", "192.0.2.53:5353", "[2001:db8::53]:5353"; tried in order */
    size_t upstream_count;        /* 0 = those of resolv_conf, read again when it changes */
    const char *resolv_conf;      /* NULL = /etc/resolv.conf */
    /* "repo.example.com", "*.lan.example.com" (any depth below): may stand for internal addresses. */
    const char *const *internal_names;
    size_t internal_name_count;
    unsigned rate; /* questions a second of one asker, twice as many at once; 0 = 100 */
    struct sk_dns_limits limits;
};

struct sk_dns;

/* Heap. Errors: SK_INVALID_ARGUMENT (an option), else by cause (an address that is in use, ports below 1024
 * without the right to them). */
SK_MUST_CHECK enum sk_code sk_dns_open(struct sk_loop *loop, const struct sk_log *log,
                                       const struct sk_dns_options *options, struct sk_dns **out_dns,
                                       struct sk_err *err);
/* Other rate and internal names, from the next question on. Errors: SK_INVALID_ARGUMENT (a name): all stays.
 */
SK_MUST_CHECK enum sk_code sk_dns_configure(struct sk_dns *dns, unsigned rate,
                                            const char *const *internal_names, size_t internal_name_count,
                                            struct sk_err *err);
/* Frees; what is under way ends without an answer. */
void sk_dns_close(struct sk_dns *dns, struct sk_done *done);
struct sk_names *sk_dns_base(struct sk_dns *dns);

#endif
