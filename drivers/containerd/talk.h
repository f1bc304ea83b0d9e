/* talk.h: a stream by which containerd (1.7 and later) speaks to us while it
 * transfers an image: to tell how far it is, to ask for a login. We name it,
 * and the transfer refers to it by that name.
 *
 * Threads: loop only. */
#ifndef SK_CONTAINERD_TALK_H
#define SK_CONTAINERD_TALK_H

#include "containerd/types.pb-c.h"
#include "drivers/containerd/client.h"

/* The caller's, zeroed; stays until it is closed. */
struct sk_ctd_talk {
    struct sk_ctd_client *client;
    struct sk_stream_call *stream; /* NULL: not open, or over */
    char id[48];
    struct sk_done *opening; /* until it stands */
    struct sk_pulse_ear ear; /* while it is not known why it could not be opened */
    struct sk_err outcome;
    struct sk_done *awaiting; /* its end */
    struct sk_timer timer;
    /* A word of containerd's, of any type; borrowed for the call. */
    void (*on_word)(struct sk_ctd_talk *talk, const Containerd__Any *word);
    bool is_saying;
};

/* on_word is set. done fires when containerd knows it; can be cancelled. An end that comes later is not told:
 * whoever wanted to speak to us fails then. It must be closed in any case. Errors: SK_UNIMPLEMENTED (this
 * containerd has no streams). */
void sk_ctd_talk_open(struct sk_ctd_talk *talk, struct sk_ctd_client *client, const char *lease,
                      struct sk_done *done);
/* The answer to a word, from within on_word; once for each. */
void sk_ctd_talk_say(struct sk_ctd_talk *talk, const char *type, const ProtobufCMessage *message);
/* Until containerd has ended it, or `limit` has passed; then fires done, without error. */
void sk_ctd_talk_await(struct sk_ctd_talk *talk, struct sk_loop *loop, struct sk_duration limit,
                       struct sk_done *done);
/* No callback afterwards. Zeroed is fine. It must not be opening, nobody await its end. */
void sk_ctd_talk_close(struct sk_ctd_talk *talk);

/* A message as containerd wants it in its Anys; value.data is the caller's: free. */
Containerd__Any sk_ctd_wrap(const char *type, const ProtobufCMessage *message);

#endif
