/* connection.h: one asker's connection: questions behind lengths come in, one
 * after another, answers go out in the order they are there. What it may hold
 * is bounded: a peer that does not read is not read from either, and one that
 * neither asks nor reads for a while is cut off. */
#ifndef SK_DNS_CONNECTION_H
#define SK_DNS_CONNECTION_H

#include "drivers/dns/peer.h"

struct sk_dns;
struct sk_dns_connection;

/* Takes the descriptor; closes it at once when there is no room for that asker. */
void sk_dns_connection_open(struct sk_dns *dns, int fd_take, const struct sk_dns_peer *asker);
void sk_dns_connection_close(struct sk_dns_connection *connection);
void sk_dns_connections_close(struct sk_dns *dns);

/* A question that came by it is under way, is no more. The second may close it. */
void sk_dns_connection_hold(struct sk_dns_connection *connection);
void sk_dns_connection_release(struct sk_dns_connection *connection);
/* Sent later. */
void sk_dns_connection_send(struct sk_dns_connection *connection, const uint8_t *data, size_t len);

#endif
