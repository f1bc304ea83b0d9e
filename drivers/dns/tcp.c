#include "drivers/dns/tcp.h"

#include "drivers/dns/connection.h"
#include "drivers/dns/socket.h"

#include <errno.h>
#include <sys/socket.h>

/* Taken in one turn; waiting to be taken; without descriptors none is taken for a while. */
enum { AT_ONCE = 16, BACKLOG = 128, PAUSE_MS = 200 };

static void on_rested(struct sk_timer *timer)
{
    sk_watch_set(sk_container_of(timer, struct sk_dns_tcp, pause)->watch, SK_READABLE);
}

static void rest(struct sk_dns_tcp *tcp)
{
    sk_watch_set(tcp->watch, 0);
    sk_timer_start(tcp->dns->loop, &tcp->pause,
                   sk_instant_add(sk_loop_now(tcp->dns->loop), SK_MSEC(PAUSE_MS)), on_rested);
}

static void on_readable(void *arg, unsigned events)
{
    struct sk_dns_tcp *tcp = arg;
    (void)events;
    for (int i = 0; i < AT_ONCE; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof(from);
        int fd = accept4(tcp->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            struct sk_dns_peer asker = sk_dns_peer_of(&from);
            sk_dns_connection_open(tcp->dns, fd, &asker);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            rest(tcp);
        return;
    }
}

enum sk_code sk_dns_tcp_open(struct sk_dns *dns, const struct sk_dns_options *options,
                             const struct sk_dns_peer *at, struct sk_err *err)
{
    SK_AUTO_FD int fd = -1;
    enum sk_code code = sk_dns_socket_bind(options, at, SOCK_STREAM, &fd, err);
    if (code == SK_OK && listen(fd, BACKLOG))
        code = sk_fail_sys(err, sk_code_from_errno(errno), errno, "listen for DNS by TCP");
    if (code != SK_OK)
        return code;
    struct sk_dns_tcp *tcp = sk_alloc(sizeof(*tcp));
    tcp->dns = dns;
    tcp->fd = fd;
    code = sk_watch_open(dns->loop, fd, on_readable, tcp, &tcp->watch, err);
    if (code != SK_OK) {
        free(tcp);
        return code;
    }
    (void)sk_take_fd(&fd);
    sk_watch_set(tcp->watch, SK_READABLE);
    sk_list_append(&dns->tcps, &tcp->link);
    return SK_OK;
}

void sk_dns_tcp_close(struct sk_dns_tcp *tcp)
{
    sk_timer_stop(tcp->dns->loop, &tcp->pause);
    sk_watch_close(tcp->watch);
    sk_close_fd(&tcp->fd);
    sk_list_remove(&tcp->link);
    free(tcp);
}
