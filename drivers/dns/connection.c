#include "drivers/dns/connection.h"

#include "drivers/dns/frame.h"
#include "drivers/dns/impl.h"
#include "drivers/dns/query.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* While so many of its questions are under way, or so many bytes of answers wait, no more is read; so no more
 * than OUT_CEILING can ever wait. */
enum { QUESTIONS_MAX = 16, OUT_MAX = 16384, OUT_CEILING = 65536, AT_ONCE = 8 };

struct sk_dns_connection {
    struct sk_dns *dns;
    struct sk_list link;
    int fd;
    struct sk_watch *watch;
    struct sk_timer idle;
    struct sk_dns_peer peer;
    struct sk_dns_asker *asker;
    size_t questions;
    bool has_ended; /* it will ask no more */
    struct sk_dns_frame frame;
    struct sk_buf out;
};

/* --- what it waits for ---------------------------------------------------------------- */

static bool may_read(const struct sk_dns_connection *c)
{
    return !c->has_ended && c->questions < QUESTIONS_MAX && c->out.len < OUT_MAX;
}

static void watch(struct sk_dns_connection *c)
{
    sk_watch_set(c->watch, (may_read(c) ? SK_READABLE : 0U) | (c->out.len > 0 ? SK_WRITABLE : 0U));
}

static void on_idle(struct sk_timer *timer)
{
    sk_dns_connection_close(sk_container_of(timer, struct sk_dns_connection, idle));
}

/* It has asked, was answered, or has read all of it: it is alive, and the last to be cut off for another. */
static void touch(struct sk_dns_connection *c)
{
    struct sk_dns *dns = c->dns;
    sk_list_remove(&c->link);
    sk_list_append(&dns->connections, &c->link);
    sk_timer_start(dns->loop, &c->idle, sk_instant_add(sk_loop_now(dns->loop), dns->limits.idle), on_idle);
}

/* False: it is over, and gone. */
static bool settle(struct sk_dns_connection *c)
{
    if (c->has_ended && !c->questions && c->out.len == 0) {
        sk_dns_connection_close(c);
        return false;
    }
    watch(c);
    return true;
}

void sk_dns_connection_hold(struct sk_dns_connection *connection)
{
    connection->questions++;
}

void sk_dns_connection_release(struct sk_dns_connection *connection)
{
    connection->questions--;
    (void)settle(connection);
}

/* --- out -------------------------------------------------------------------------------- */

void sk_dns_connection_send(struct sk_dns_connection *connection, const uint8_t *data, size_t len)
{
    uint8_t head[SK_DNS_FRAME_HEAD];
    sk_dns_frame_write_head(len, head);
    if (connection->out.len + sizeof(head) + len > connection->out.ceiling)
        return; /* cannot be: see OUT_CEILING */
    (void)!sk_buf_append(&connection->out, head, sizeof(head));
    (void)!sk_buf_append(&connection->out, data, len);
    touch(connection);
    watch(connection);
}

/* False: the peer is gone. */
static bool flush(struct sk_dns_connection *c)
{
    ssize_t sent = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    c->out.len -= (size_t)sent;
    memmove(c->out.data, c->out.data + sent, c->out.len);
    if (c->out.len == 0)
        touch(c);
    return true;
}

/* --- in --------------------------------------------------------------------------------- */

static void take_question(struct sk_dns_connection *c)
{
    struct sk_dns_path path = {.connection = c, .asker = c->peer};
    touch(c);
    sk_dns_query_take(c->dns, &path, c->frame.body, c->frame.body_len);
    sk_dns_frame_clear(&c->frame);
}

/* False: nothing more is to be had now; *out_alive tells whether ever. */
static bool read_piece(struct sk_dns_connection *c, bool *out_alive)
{
    size_t room;
    uint8_t *at = sk_dns_frame_room(&c->frame, &room);
    ssize_t got = recv(c->fd, at, room, MSG_DONTWAIT);
    if (got < 0) {
        *out_alive = errno == EAGAIN || errno == EINTR;
        return false;
    }
    c->has_ended = got == 0;
    *out_alive = got == 0 || sk_dns_frame_add(&c->frame, (size_t)got);
    if (got > 0 && *out_alive && sk_dns_frame_is_whole(&c->frame))
        take_question(c);
    return got > 0 && *out_alive;
}

static void on_ready(void *arg, unsigned events)
{
    struct sk_dns_connection *c = arg;
    bool alive = !(events & SK_WRITABLE) || c->out.len == 0 || flush(c);
    for (int i = 0; alive && events & SK_READABLE && may_read(c) && i < 2 * AT_ONCE; i++) {
        if (!read_piece(c, &alive))
            break;
    }
    if (alive)
        (void)settle(c);
    else
        sk_dns_connection_close(c);
}

/* --- open, close ---------------------------------------------------------------------------- */

/* A place of another's that has nothing under way. */
static void make_room(struct sk_dns *dns)
{
    sk_list_each(&dns->connections, node)
    {
        struct sk_dns_connection *c = sk_list_entry(node, struct sk_dns_connection, link);
        if (c->questions || c->out.len > 0)
            continue;
        sk_dns_connection_close(c);
        return;
    }
}

/* NULL: it is nobody of ours, or has enough of them already. */
static struct sk_dns_asker *admit(struct sk_dns *dns, const struct sk_ip *ip)
{
    if (!sk_dns_is_listened_to(dns) || dns->events.may_ask(dns->arg, ip, "") == SK_NAME_IGNORED)
        return NULL;
    struct sk_dns_asker *asker = sk_dns_askers_get(&dns->askers, ip, sk_loop_now(dns->loop));
    if (asker->connections >= dns->limits.connections_each)
        return NULL;
    if (dns->connection_count >= dns->limits.connections_all)
        make_room(dns);
    return dns->connection_count < dns->limits.connections_all ? asker : NULL;
}

void sk_dns_connection_open(struct sk_dns *dns, int fd_take, const struct sk_dns_peer *asker)
{
    SK_AUTO_FD int fd = fd_take;
    struct sk_dns_asker *account = admit(dns, &asker->ip);
    if (!account)
        return;
    struct sk_dns_connection *c = sk_alloc(sizeof(*c));
    *c = (struct sk_dns_connection){.dns = dns, .fd = fd, .peer = *asker, .asker = account};
    if (sk_watch_open(dns->loop, fd, on_ready, c, &c->watch, NULL) != SK_OK) {
        free(c);
        return;
    }
    (void)sk_take_fd(&fd);
    c->frame.max = SK_DNS_QUESTION_MAX;
    sk_buf_init(&c->out, OUT_CEILING);
    account->connections++;
    dns->connection_count++;
    touch(c);
    watch(c);
}

void sk_dns_connection_close(struct sk_dns_connection *connection)
{
    struct sk_dns *dns = connection->dns;
    if (connection->questions > 0)
        sk_dns_queries_forget(dns, connection);
    sk_timer_stop(dns->loop, &connection->idle);
    sk_watch_close(connection->watch);
    sk_close_fd(&connection->fd);
    sk_list_remove(&connection->link);
    sk_dns_frame_clear(&connection->frame);
    sk_buf_fini(&connection->out);
    connection->asker->connections--;
    dns->connection_count--;
    free(connection);
}

void sk_dns_connections_close(struct sk_dns *dns)
{
    sk_list_each(&dns->connections, node)
        sk_dns_connection_close(sk_list_entry(node, struct sk_dns_connection, link));
}
