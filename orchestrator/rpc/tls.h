/* tls.h: what servers show to those who connect by TLS. It can be changed
 * while they serve: connections that are there go on with what they began
 * with, those that come from then on get the new.
 *
 * Threads: gRPC's ask for it at each handshake; everything else is the loop's. */
#ifndef SK_RPC_TLS_H
#define SK_RPC_TLS_H

#include "base/err.h"

#include <grpc/grpc_security.h>
#include <stdbool.h>

struct sk_tls;

/* PEM texts. */
struct sk_tls_pem {
    const char *certificate; /* a chain, its own first */
    const char *key;
    const char
        *client_ca; /* NULL: clients need no certificate; else those without one of theirs are sent away */
};

/* Shared; the caller's reference. asks_clients: whether there will be a client_ca, always. pem: copied;
 * whether it can be used is not looked at here. */
struct sk_tls *sk_tls_new(bool asks_clients, const struct sk_tls_pem *pem);
struct sk_tls *sk_tls_ref(struct sk_tls *tls);
void sk_tls_unref(struct sk_tls *tls); /* NULL is fine */
void sk_tls_set(struct sk_tls *tls, const struct sk_tls_pem *pem);

/* One listener's view of it: gRPC wants to be told only of what it has not seen. Zeroed at first; of one
 * listener alone, and stays where it is until the server's listeners are gone. The caller owns the
 * credentials. */
struct sk_tls_view {
    struct sk_tls *tls; /* a reference, once there are credentials */
    unsigned seen;
};
grpc_server_credentials *sk_tls_credentials(struct sk_tls *tls, struct sk_tls_view *view);
void sk_tls_view_fini(struct sk_tls_view *view);

#endif
