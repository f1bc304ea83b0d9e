/* lease.h: a hold on a session, as a stream to the server that is opened again
 * whenever it breaks. */
#ifndef SK_CLI_LEASE_H
#define SK_CLI_LEASE_H

#include "cli/client.h"

struct sk_lease {
    struct sk_client *client;
    const char *session_id; /* borrowed */
    struct sk_stream_call *stream;
    struct sk_timer again;
    bool over;    /* the session is closed, or not there any more */
    bool closing; /* which is what we want: nothing to say about it */
};

void sk_lease_open(struct sk_lease *lease, struct sk_client *client, const char *session_id);
/* Lets go. */
void sk_lease_close(struct sk_lease *lease);

#endif
