#include "web/web.h"

#include "core/usage.h"
#include "net/ip_port.h"
#include "web/pages.h"
#include "web/visitors.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Whoever is at the other end, so much and no more. */
#define CONNECTIONS_MAX 64U /* more than SK_VISITORS_MAX: while it is reached nobody gets in */
#define FROM_ONE_MAX    16U /* where others than this machine come */
#define MEMORY_EACH     ((size_t)16 * 1024) /* a request's head and the answer's */
#define IDLE_SECONDS    10U
#define BACKLOG         64
#define TRY_EVERY       SK_SEC(10)
#define KEY_MAX         512

struct sk_web {
    struct sk_web_options options;
    char *listen, *certificate, *key; /* owned; the last two may be NULL */
    struct sk_ip_port address;
    struct sk_entry entry;
    struct MHD_Daemon *mhd; /* NULL: it does not listen */
    struct sk_watch *watch; /* of its epoll descriptor */
    uint16_t port;
    bool told; /* that the address cannot be had */
    struct sk_visitors visitors;
    struct sk_timer timer; /* of libmicrohttpd, or to listen again */
    struct sk_task turn;
    struct sk_waiter waiter; /* for a measurement … */
    struct sk_done measured;
    bool is_measuring; /* … if there is one under way */
};

/* --- one request -------------------------------------------------------------------- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool is_admin(const struct sk_web *web, const char *key)
{
    const struct sk_key_record *record =
        web->options.keys && key && strlen(key) <= KEY_MAX ? sk_keys_check(web->options.keys, key) : NULL;

    return record && record->is_admin;
}

/* "Bearer <key>", as everywhere, or what a browser asks its user for: the key as the password. */
static bool has_key(const struct sk_web *web, struct MHD_Connection *connection)
{
    const char *said = header(connection, "Authorization");
    char *password = NULL, *user;
    bool known;

    if (!said)
        return false;
    if (strncasecmp(said, "Bearer ", 7) == 0)
        return is_admin(web, said + 7 + strspn(said + 7, " "));
    user = MHD_basic_auth_get_username_password(connection, &password);
    known = is_admin(web, password);
    MHD_free(user);
    MHD_free(password);
    return known;
}

static void put_headers(struct MHD_Response *response, const struct sk_page_made *made)
{
    (void)MHD_add_response_header(response, "Content-Type", made->type);
    (void)MHD_add_response_header(response, "Content-Security-Policy", made->policy);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    if (made->status == MHD_HTTP_UNAUTHORIZED)
        (void)MHD_add_response_header(response, "WWW-Authenticate",
                                      "Basic realm=\"sandkeep\", charset=\"UTF-8\"");
    if (made->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
}

/* May be NULL. */
static struct sk_visitor *visitor_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static enum MHD_Result answer(struct MHD_Connection *connection, struct sk_page_made *made)
{
    struct sk_visitor *visitor = visitor_of(connection);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(made->len, made->body, MHD_RESPMEM_MUST_FREE);

    if (!response) {
        free(made->body);
        return MHD_NO;
    }
    put_headers(response, made);
    if (visitor)
        sk_visitor_answer(visitor);
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)made->status, response);
    MHD_destroy_response(response);
    return queued;
}

static void on_measured(struct sk_done *measured, const struct sk_err *err)
{
    (void)err; /* what was measured before stays */
    sk_container_of(measured, struct sk_web, measured)->is_measuring = false;
}

/* For whoever asks next: the page asks every few seconds. Not while the node stops, which waits for none of
 * us. */
static void measure(struct sk_web *web)
{
    if (web->is_measuring || web->options.unready(web->options.arg)[0])
        return;
    web->is_measuring = true;
    sk_done_init(&web->measured, on_measured);
    sk_node_measure(web->options.node, &web->waiter, &web->measured);
}

/* What comes with a body, which no page is for, is answered before that is read, and the connection closed.
 */
static bool has_body(struct MHD_Connection *connection)
{
    const char *length = header(connection, "Content-Length");

    return header(connection, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
}

/* First at the end of the head, then at that of the request. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data, size_t *data_len,
                                  void **state)
{
    struct sk_web *web = arg;

    (void)version;
    (void)data;
    (void)data_len;
    if (!*state && !has_body(connection)) {
        *state = web;
        return MHD_YES;
    }
    *state = web; /* so that its end is reported */
    const struct sk_request request = {
        .method = method,
        .path = path,
        .host = header(connection, "Host"),
        .has_key = !web->entry.is_loopback && web->entry.is_encrypted && has_key(web, connection),
    };
    const struct sk_verdict verdict = sk_web_judge(&web->entry, &request);
    if (verdict.page == SK_PAGE_STATUS_JSON)
        measure(web);
    struct sk_page_made made = sk_page_make(&web->options, &verdict);
    return answer(connection, &made);
}

/* --- connections ---------------------------------------------------------------------- */

static void turn(struct sk_task *task);

/* Where there was no room libmicrohttpd listens again in the first turn after one has gone, and for that
 * nothing wakes us. */
static void on_connection(void *arg, struct MHD_Connection *connection, void **visitor,
                          enum MHD_ConnectionNotificationCode what)
{
    struct sk_web *web = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *visitor = info ? sk_visitors_enter(&web->visitors, info->connect_fd) : NULL;
    else if (*visitor)
        sk_visitors_leave(&web->visitors, *visitor);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED)
        sk_loop_defer(web->options.loop, &web->turn, turn);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct sk_web *web = arg;
    struct sk_visitor *visitor = visitor_of(connection);

    (void)state;
    (void)why;
    if (visitor)
        sk_visitors_served(&web->visitors, visitor);
}

/* --- driven by the loop ------------------------------------------------------------------- */

static void on_timer(struct sk_timer *timer)
{
    turn(&sk_container_of(timer, struct sk_web, timer)->turn);
}

/* What libmicrohttpd wants next, beside its descriptor: a turn at once, or after a time. */
static void arm(struct sk_web *web)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;

    sk_timer_stop(web->options.loop, &web->timer);
    if (MHD_get_timeout(web->mhd, &ms) != MHD_YES)
        return;
    if (ms == 0)
        sk_loop_defer(web->options.loop, &web->turn, turn);
    else
        sk_timer_start(web->options.loop, &web->timer,
                       sk_instant_add(sk_loop_now(web->options.loop), SK_MSEC(ms < 60000 ? ms : 60000)),
                       on_timer);
}

static void turn(struct sk_task *task)
{
    struct sk_web *web = sk_container_of(task, struct sk_web, turn);

    (void)MHD_run(web->mhd);
    arm(web);
}

static void on_ready(void *arg, unsigned events)
{
    struct sk_web *web = arg;

    (void)events;
    turn(&web->turn);
}

/* --- listening ------------------------------------------------------------------------------ */

static socklen_t fill_address(const struct sk_ip_port *from, struct sockaddr_storage *to)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

    *to = (struct sockaddr_storage){.ss_family = from->ip.is_v6 ? AF_INET6 : AF_INET};
    if (from->ip.is_v6) {
        v6->sin6_port = htons(from->port);
        memcpy(&v6->sin6_addr, from->ip.bytes, 16);
        return sizeof(*v6);
    }
    v4->sin_port = htons(from->port);
    memcpy(&v4->sin_addr, from->ip.bytes, 4);
    return sizeof(*v4);
}

static enum sk_code open_socket(struct sk_web *web, int *out_fd, struct sk_err *err)
{
    struct sockaddr_storage at;
    socklen_t len = fill_address(&web->address, &at);
    SK_AUTO_FD int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
        (at.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes))) ||
        bind(fd, (struct sockaddr *)&at, len) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "cannot listen on %s (http_listen)", web->listen);
    /* Both families have the port in the same place. */
    web->port = ntohs(((struct sockaddr_in *)&at)->sin_port);
    *out_fd = sk_take_fd(&fd);
    return SK_OK;
}

/* TLS where others than this machine come, if there is a certificate. */
static enum sk_code start_server(struct sk_web *web, int fd_take, struct sk_err *err)
{
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, web->key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, web->certificate},
        {MHD_OPTION_END, 0, NULL},
    };

    web->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | (web->entry.is_encrypted ? MHD_USE_TLS : 0U), 0, NULL, NULL, on_request, web,
        MHD_OPTION_LISTEN_SOCKET, fd_take, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, web->entry.is_loopback ? 0U : FROM_ONE_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_EACH, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, web, MHD_OPTION_NOTIFY_COMPLETED, on_completed, web, MHD_OPTION_ARRAY,
        web->entry.is_encrypted ? tls : &tls[2], MHD_OPTION_END);
    if (web->mhd)
        return SK_OK;
    /* libmicrohttpd has closed the descriptor. */
    return sk_fail(err, SK_INTERNAL, "cannot serve HTTP on %s%s", web->listen,
                   web->entry.is_encrypted ? ": is the certificate right?" : "");
}

static enum sk_code listen_now(struct sk_web *web, struct sk_err *err)
{
    const union MHD_DaemonInfo *info;
    int fd = -1;
    enum sk_code code = open_socket(web, &fd, err);

    if (code == SK_OK)
        code = start_server(web, fd, err);
    if (code != SK_OK)
        return code;
    info = MHD_get_daemon_info(web->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    code = sk_watch_open(web->options.loop, info->epoll_fd, on_ready, web, &web->watch, err);
    if (code != SK_OK) {
        MHD_stop_daemon(sk_take(web->mhd));
        return code;
    }
    sk_watch_set(web->watch, SK_READABLE);
    return SK_OK;
}

static void on_again(struct sk_timer *timer);

static void try_to_listen(struct sk_web *web)
{
    struct sk_err err;

    if (listen_now(web, &err) == SK_OK) {
        sk_log(web->options.log, SK_INFO, "web.listening", SK_STR("address", web->listen),
               SK_INT("port", web->port));
        if (web->options.on_listening)
            web->options.on_listening(web->options.listening_arg, web->port);
        return;
    }
    web->port = 0;
    if (!web->told)
        sk_log_err(web->options.log, SK_WARN, "web.cannot_listen", &err);
    web->told = true;
    sk_timer_start(web->options.loop, &web->timer, sk_instant_add(sk_loop_now(web->options.loop), TRY_EVERY),
                   on_again);
}

static void on_again(struct sk_timer *timer)
{
    try_to_listen(sk_container_of(timer, struct sk_web, timer));
}

/* --- life ------------------------------------------------------------------------------------ */

enum sk_code sk_web_open(const struct sk_web_options *options, struct sk_web **out_web, struct sk_err *err)
{
    struct sk_ip_port address;
    enum sk_code code = sk_ip_port_parse(options->listen, &address, err);

    if (code != SK_OK)
        return code;
    struct sk_web *web = sk_alloc(sizeof(*web));
    *web = (struct sk_web){
        .options = *options,
        .address = address,
        .listen = sk_strdup(options->listen),
        .entry = {.is_loopback = sk_ip_is_loopback(&address.ip),
                  .has_public_metrics = options->has_public_metrics},
    };
    if (!web->entry.is_loopback && options->tls_certificate && options->tls_key) {
        web->certificate = sk_strdup(options->tls_certificate);
        web->key = sk_strdup(options->tls_key);
        web->entry.is_encrypted = true;
    }
    sk_visitors_init(&web->visitors, options->loop);
    try_to_listen(web);
    *out_web = web;
    return SK_OK;
}

static void stop_listening(struct sk_web *web)
{
    sk_timer_stop(web->options.loop, &web->timer);
    sk_watch_close(sk_take(web->watch));
    if (web->mhd)
        MHD_stop_daemon(sk_take(web->mhd)); /* closes what it listens on, and whom it listens to */
    sk_loop_undefer(&web->turn);
}

static void forget_certificate(struct sk_web *web)
{
    if (web->key)
        explicit_bzero(web->key, strlen(web->key));
    free(sk_take(web->key));
    free(sk_take(web->certificate));
}

void sk_web_set_public_metrics(struct sk_web *web, bool has_public_metrics)
{
    web->entry.has_public_metrics = has_public_metrics;
}

void sk_web_set_certificate(struct sk_web *web, const char *certificate, const char *key)
{
    if (!web->entry.is_encrypted || (!strcmp(certificate, web->certificate) && !strcmp(key, web->key)))
        return;
    stop_listening(web);
    forget_certificate(web);
    web->certificate = sk_strdup(certificate);
    web->key = sk_strdup(key);
    if (web->port)
        web->address.port = web->port; /* who was told which one it is finds it there again */
    try_to_listen(web);
}

void sk_web_close(struct sk_web *web)
{
    if (!web)
        return;
    assert(!web->is_measuring); /* the node has stopped, and what it does with it */
    stop_listening(web);
    sk_visitors_fini(&web->visitors);
    forget_certificate(web);
    free(web->listen);
    free(web);
}
