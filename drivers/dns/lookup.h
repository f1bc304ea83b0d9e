/* lookup.h: one question put to resolvers until one of them answers: each time
 * from another port and under another id; by TCP when the answer was cut, or
 * when so many others answered that somebody must be guessing. */
#ifndef SK_DNS_LOOKUP_H
#define SK_DNS_LOOKUP_H

#include "drivers/dns/frame.h"
#include "drivers/dns/upstreams.h"
#include "net/dns_message.h"

/* The owner's, zeroed but for the first fields. */
struct sk_dns_lookup {
    struct sk_loop *loop;
    struct sk_dns_upstreams *upstreams;
    struct sk_duration one_try, whole;
    /* From the loop, once; answer is NULL when there is none, else borrowed: NOERROR or NXDOMAIN. The lookup
     * is over. */
    void (*fn)(struct sk_dns_lookup *lookup, struct sk_dns_answer *answer);

    struct sk_dns_question question;
    struct sk_instant until;
    unsigned tried, rounds; /* of all resolvers */
    struct sk_timer timer;
    struct sk_dns_peer peer;
    int fd; /* -1 between tries */
    struct sk_watch *watch;
    uint16_t id;
    unsigned others; /* answers that were none to this */
    bool by_tcp;
    size_t sent;
    struct sk_dns_frame frame;
};

void sk_dns_lookup_start(struct sk_dns_lookup *lookup, const struct sk_dns_question *question);
/* fn does not come any more. Harmless when it is over. */
void sk_dns_lookup_stop(struct sk_dns_lookup *lookup);

#endif
