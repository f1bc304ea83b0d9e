/* pulse.h: whether containerd answers: a small question every few seconds,
 * and whenever there is a doubt.
 *
 * Threads: loop only. */
#ifndef SK_CONTAINERD_PULSE_H
#define SK_CONTAINERD_PULSE_H

#include "base/list.h"
#include "loop/done.h"

struct sk_ctd_client;

struct sk_pulse {
    struct sk_ctd_client *client; /* borrowed */
    /* It has gone, or come back. */
    void (*fn)(void *arg, bool up);
    void *arg;
    struct sk_timer timer; /* the next question */
    struct sk_done felt;
    struct sk_list ears; /* struct sk_pulse_ear */
    bool asking, down, closed;
};

/* Begins to ask; containerd is taken to be well until it does not answer. */
void sk_pulse_open(struct sk_pulse *pulse, struct sk_ctd_client *client, void (*fn)(void *arg, bool up),
                   void *arg);
/* `fn` is not called any more; a question under way is given up, and answers before its client is closed. */
void sk_pulse_close(struct sk_pulse *pulse);
/* The connection broke: containerd is gone until it answers. */
void sk_pulse_broken(struct sk_pulse *pulse);
/* Somebody new listens: `fn` is called again if containerd is gone. */
void sk_pulse_retell(struct sk_pulse *pulse);

/* Called once, when it is known whether containerd answers; never inside the call. */
struct sk_pulse_ear {
    struct sk_list link;
    void (*fn)(struct sk_pulse_ear *ear);
};
void sk_pulse_feel(struct sk_pulse *pulse, struct sk_pulse_ear *ear);

#endif
