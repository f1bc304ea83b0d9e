/* events.h: exits and OOM kills, as containerd tells them.
 *
 * containerd drops events under pressure and replays none, so after every
 * (re)subscription and every 30 seconds the listener is told to list anew. */
#ifndef SK_CONTAINERD_EVENTS_H
#define SK_CONTAINERD_EVENTS_H

#include "drivers/containerd/client.h"
#include "drivers/runtime.h"

struct sk_ctd_events {
    struct sk_ctd_client *client; /* borrowed */
    void (*fn)(void *arg, const struct sk_runtime_event *event);
    void *arg;
    struct sk_stream_call *stream; /* NULL between subscriptions */
    struct sk_timer timer;         /* back-off, or the next RESYNC */
    struct sk_duration back_off;
    struct sk_done named; /* the namespace was made, or there is no containerd */
    bool closed;
};

/* Makes the namespace if missing and subscribes, again and again until it works. */
void sk_ctd_events_open(struct sk_ctd_events *events, struct sk_ctd_client *client);
/* Passes on what others have noticed; kinds without an id. */
void sk_ctd_events_tell(struct sk_ctd_events *events, enum sk_runtime_event_kind kind);
/* No event fires any more. A call may still be under way: the client must be closed before *events goes. */
void sk_ctd_events_close(struct sk_ctd_events *events);

#endif
