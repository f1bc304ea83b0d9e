#include "drivers/dns/udp.h"

#include "drivers/dns/query.h"
#include "drivers/dns/socket.h"

#include <sys/socket.h>

/* Read at once: what everybody may ask at once must not be lost while the loop is elsewhere. */
enum { BATCH = 32, RECEIVE_BUFFER = 1 << 20 };

/* One call for many: a crowd of sandboxes asks in bursts. */
struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_storage from[BATCH];
    uint8_t data[BATCH][SK_DNS_QUESTION_MAX];
};

static void batch_init(struct batch *batch)
{
    for (size_t i = 0; i < BATCH; i++) {
        batch->parts[i] = (struct iovec){batch->data[i], sizeof(batch->data[i])};
        batch->messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &batch->from[i],
                                                          .msg_namelen = sizeof(batch->from[i]),
                                                          .msg_iov = &batch->parts[i],
                                                          .msg_iovlen = 1}};
    }
}

static void on_readable(void *arg, unsigned events)
{
    struct sk_dns_udp *udp = arg;
    struct batch batch;
    (void)events;
    batch_init(&batch);
    int count = recvmmsg(udp->fd, batch.messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        struct sk_dns_path path = {.udp = udp, .asker = sk_dns_peer_of(&batch.from[i])};
        if (!(batch.messages[i].msg_hdr.msg_flags & MSG_TRUNC))
            sk_dns_query_take(udp->dns, &path, batch.data[i], batch.messages[i].msg_len);
    }
}

enum sk_code sk_dns_udp_open(struct sk_dns *dns, const struct sk_dns_options *options,
                             const struct sk_dns_peer *at, struct sk_err *err)
{
    const int room = RECEIVE_BUFFER;
    SK_AUTO_FD int fd = -1;
    enum sk_code code = sk_dns_socket_bind(options, at, SOCK_DGRAM, &fd, err);
    if (code != SK_OK)
        return code;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)); /* as much as we may */
    struct sk_dns_udp *udp = sk_alloc(sizeof(*udp));
    udp->dns = dns;
    udp->fd = fd;
    code = sk_watch_open(dns->loop, fd, on_readable, udp, &udp->watch, err);
    if (code != SK_OK) {
        free(udp);
        return code;
    }
    (void)sk_take_fd(&fd);
    sk_watch_set(udp->watch, SK_READABLE);
    sk_list_append(&dns->udps, &udp->link);
    return SK_OK;
}

void sk_dns_udp_close(struct sk_dns_udp *udp)
{
    sk_watch_close(udp->watch);
    sk_close_fd(&udp->fd);
    sk_list_remove(&udp->link);
    free(udp);
}

void sk_dns_udp_send(struct sk_dns_udp *udp, const struct sk_dns_peer *to, const uint8_t *data, size_t len)
{
    struct sockaddr_storage address;
    socklen_t address_len = sk_dns_peer_address(to, &address);
    (void)sendto(udp->fd, data, len, MSG_DONTWAIT, (const struct sockaddr *)&address, address_len);
}
