/* frame.h: one message of a byte stream, behind its length in two bytes (RFC
 * 1035 section 4.2.2). Pure: it says where bytes go and how many it wants, and
 * never wants one that belongs to the next message, so that nothing is left
 * over when reading stops. */
#ifndef SK_DNS_FRAME_H
#define SK_DNS_FRAME_H

#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_DNS_FRAME_HEAD 2

/* Ready with `max` alone set. */
struct sk_dns_frame {
    size_t max; /* of a message */
    uint8_t head[SK_DNS_FRAME_HEAD];
    uint8_t *body; /* owned; once the length is known */
    size_t body_len;
    size_t got; /* of both */
};

/* Where the next bytes go; *out_room (at least 1) is how many. Not when it is whole. */
uint8_t *sk_dns_frame_room(struct sk_dns_frame *frame, size_t *out_room);
/* So many came. False: it is empty, or longer than may be; the stream is of no use any more. */
SK_MUST_CHECK bool sk_dns_frame_add(struct sk_dns_frame *frame, size_t len);
bool sk_dns_frame_is_whole(const struct sk_dns_frame *frame);
/* For the next one; frees. */
void sk_dns_frame_clear(struct sk_dns_frame *frame);

/* The head of a message of ours. */
void sk_dns_frame_write_head(size_t len, uint8_t out[SK_DNS_FRAME_HEAD]);

#endif
