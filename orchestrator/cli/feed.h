/* feed.h: what is copied into a sandbox, read step by step: a local file, or
 * standard input, which may keep us waiting. */
#ifndef SK_CLI_FEED_H
#define SK_CLI_FEED_H

#include "base/buf.h"
#include "cli/client.h"
#include "cli/input.h"

struct sk_feed {
    struct sk_client *client;
    int fd; /* of a file; -1: standard input */
    struct sk_input input;
    struct sk_buf piece;
    bool due, ended;
};

/* fd_take is consumed; -1 = standard input. */
SK_MUST_CHECK enum sk_code sk_feed_open(struct sk_feed *feed, struct sk_client *client, int fd_take,
                                        struct sk_err *err);
/* The next piece, valid until the next call; false at its end, at a signal, and when `*give_up` becomes
 * true. */
bool sk_feed_read(struct sk_feed *feed, const bool *give_up, const uint8_t **out_data, size_t *out_len);
void sk_feed_close(struct sk_feed *feed);

#endif
