/* http_rig.h: for the tests of drivers/http/http.h: a server on threads of
 * its own, which answers as its pages say, and a transfer that writes down
 * what happens to it. All static: one program includes it once. */
#ifndef SK_TESTS_HTTP_RIG_H
#define SK_TESTS_HTTP_RIG_H

#include "drivers/http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#define UNUSED __attribute__((unused))

enum { PERIOD = 65521, PIECE = 64 << 10, CONNECTIONS = 256, PATIENCE = 30000 };

/* Bytes that show where in the body they belong: from `at` on there are PIECE of them at
 * pattern + at % PERIOD. */
struct pattern {
    uint8_t bytes[PERIOD + PIECE];
};

static void pattern_make(struct pattern *pattern)
{
    for (size_t i = 0; i < sizeof(pattern->bytes); i++)
        pattern->bytes[i] = (uint8_t)((i % PERIOD) * 31 + (i % PERIOD) / 251);
}

/* --- the server ------------------------------------------------------------------ */

struct server;

/* One request, in the thread of its connection. */
struct exchange {
    struct server *server;
    int fd;
    const char *request; /* line and header */
    bool last;           /* set by the page: the connection ends here */
};

struct page {
    const char *path; /* NULL ends the table */
    void (*answer)(struct exchange *exchange);
};

struct connection {
    struct server *server;
    pthread_t thread;
    int fd;
};

struct server {
    const struct page *pages;
    struct pattern pattern;
    int listener, port;
    pthread_t thread;
    struct connection connections[CONNECTIONS];
    atomic_int accepted, open, open_most, requests;
    atomic_llong sent;
    pthread_mutex_t lock;
    char last[4096]; /* the last request; under the lock */
};

/* False when the peer is gone. */
static bool send_all(struct exchange *exchange, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t sent = send(exchange->fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
        atomic_fetch_add(&exchange->server->sent, sent);
    }
    return true;
}

static UNUSED bool send_text(struct exchange *exchange, const char *text)
{
    return send_all(exchange, text, strlen(text));
}

/* Bytes [from, to) of the body. */
static UNUSED bool send_pattern(struct exchange *exchange, int64_t from, int64_t to)
{
    bool alive = true;
    while (alive && from < to) {
        size_t len = to - from < PIECE ? (size_t)(to - from) : PIECE;
        alive = send_all(exchange, exchange->server->pattern.bytes + from % PERIOD, len);
        from += (int64_t)len;
    }
    return alive;
}

/* Waits until the client hangs up, or the server stops. */
static UNUSED void send_nothing(struct exchange *exchange)
{
    char byte;
    while (recv(exchange->fd, &byte, 1, 0) > 0)
        ;
    exchange->last = true;
}

static void answer(struct exchange *exchange)
{
    const char *path = strchr(exchange->request, ' ') + 1;
    for (const struct page *page = exchange->server->pages; page->path; page++) {
        size_t len = strlen(page->path);
        if (strncmp(path, page->path, len) == 0 && path[len] == ' ') {
            page->answer(exchange);
            return;
        }
    }
    (void)send_text(exchange, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

/* False at the end of the connection. */
static bool read_request(int fd, char *text, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        ssize_t got = recv(fd, text + len, 1, 0);
        if (got <= 0)
            return false;
        text[++len] = '\0';
        if (len >= 4 && strcmp(text + len - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static void note(struct server *server, const char *request)
{
    atomic_fetch_add(&server->requests, 1);
    pthread_mutex_lock(&server->lock);
    (void)snprintf(server->last, sizeof(server->last), "%s", request);
    pthread_mutex_unlock(&server->lock);
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    struct server *server = connection->server;
    char request[4096];
    struct exchange exchange = {.server = server, .fd = connection->fd, .request = request};
    while (!exchange.last && read_request(connection->fd, request, sizeof(request))) {
        note(server, request);
        answer(&exchange);
    }
    atomic_fetch_sub(&server->open, 1);
    (void)shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct server *server = arg;
    int fd, at;
    while ((at = atomic_load(&server->accepted)) < CONNECTIONS &&
           (fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        int open = atomic_fetch_add(&server->open, 1) + 1;
        if (open > atomic_load(&server->open_most))
            atomic_store(&server->open_most, open);
        server->connections[at] = (struct connection){.server = server, .fd = fd};
        atomic_store(&server->accepted, at + 1); /* before anything is answered on it */
        (void)pthread_create(&server->connections[at].thread, NULL, serve, &server->connections[at]);
    }
    return NULL;
}

static void server_start(struct server *server, const struct page *pages)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    memset(server, 0, sizeof(*server));
    server->pages = pages;
    pattern_make(&server->pattern);
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 64), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, accept_all, server), 0);
}

static void server_stop(struct server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    for (int i = 0; i < atomic_load(&server->accepted); i++)
        (void)shutdown(server->connections[i].fd, SHUT_RDWR);
    for (int i = 0; i < atomic_load(&server->accepted); i++) {
        (void)pthread_join(server->connections[i].thread, NULL);
        (void)close(server->connections[i].fd);
    }
    (void)close(server->listener);
    pthread_mutex_destroy(&server->lock);
}

/* Whether the last request has this in it. */
static UNUSED bool server_saw(struct server *server, const char *text)
{
    pthread_mutex_lock(&server->lock);
    bool saw = strstr(server->last, text) != NULL;
    pthread_mutex_unlock(&server->lock);
    return saw;
}

/* --- the client -------------------------------------------------------------------- */

struct rig {
    struct sk_loop *loop;
    struct sk_http *http;
    struct server server;
    struct sk_timer guard, wake;
    bool late;
    int awaited; /* ends until the loop stops */
};

enum when { NEVER, AT_HEAD, AT_DATA, AT_END };

struct probe {
    struct rig *rig;
    struct sk_http_transfer *transfer;
    char url[256];
    enum when close_at, pause_at; /* pause_at DATA: at every piece */
    struct probe *close_too;
    int pause_ms; /* then it goes on; 0 = the test says when */
    struct sk_timer resume;

    int heads, pieces, ends, while_paused;
    bool paused;
    int64_t first; /* where the body begins, for the pattern */
    int64_t received, wrong, most_ahead;
    struct sk_instant last; /* when the last piece came */
    size_t longest;
    struct sk_http_head head; /* its texts below */
    char location[256], type[256], digest[256], authenticate[256];
    bool inside; /* of sk_http_start */
    bool called_inside;
    struct sk_err err;
};

static void on_guard(struct sk_timer *timer)
{
    struct rig *rig = sk_container_of(timer, struct rig, guard);
    rig->late = true;
    sk_loop_stop(rig->loop);
}

static void on_wake(struct sk_timer *timer)
{
    sk_loop_stop(sk_container_of(timer, struct rig, wake)->loop);
}

static void rig_open(struct rig *rig, const struct page *pages, const char *proxy, size_t max_connections)
{
    struct sk_err err;
    memset(rig, 0, offsetof(struct rig, server));
    rig->guard = rig->wake = (struct sk_timer){0};
    rig->late = false;
    rig->awaited = 0;
    server_start(&rig->server, pages);
    assert_int_equal(sk_loop_new(&rig->loop, &err), SK_OK);
    const struct sk_http_options options = {
        .loop = rig->loop, .proxy = proxy, .max_connections = max_connections};
    assert_int_equal(sk_http_new(&options, &rig->http, &err), SK_OK);
}

static void rig_close(struct rig *rig)
{
    sk_http_free(rig->http);
    sk_loop_free(rig->loop);
    server_stop(&rig->server);
}

/* Until `ends` transfers more have ended. */
static UNUSED void rig_run(struct rig *rig, int ends)
{
    rig->awaited = ends;
    sk_timer_start(rig->loop, &rig->guard, sk_instant_add(sk_clock_boot(), SK_SEC(90)), on_guard);
    sk_loop_run(rig->loop);
    sk_timer_stop(rig->loop, &rig->guard);
    assert_false(rig->late);
}

static UNUSED void rig_run_for(struct rig *rig, int ms)
{
    sk_timer_start(rig->loop, &rig->wake, sk_instant_add(sk_clock_boot(), SK_MSEC(ms)), on_wake);
    sk_loop_run(rig->loop);
    sk_timer_stop(rig->loop, &rig->wake);
}

/* Until *count is `want` at least. */
static UNUSED void rig_await(struct rig *rig, const int *count, int want)
{
    for (int turns = 0; *count < want && turns < PATIENCE; turns++)
        rig_run_for(rig, 2);
    assert_in_range(*count, want, INT_MAX);
}

/* The same of what the server counts. */
static UNUSED void rig_await_server(struct rig *rig, atomic_int *count, int want)
{
    for (int turns = 0; atomic_load(count) < want && turns < PATIENCE; turns++)
        rig_run_for(rig, 2);
    assert_in_range(atomic_load(count), want, INT_MAX);
}

static void close_now(struct probe *probe)
{
    sk_http_close(sk_take(probe->transfer));
    if (probe->close_too)
        sk_http_close(sk_take(probe->close_too->transfer));
}

static void probe_resume(struct probe *probe)
{
    probe->paused = false;
    sk_http_resume(probe->transfer);
}

static void on_resume(struct sk_timer *timer)
{
    struct probe *probe = sk_container_of(timer, struct probe, resume);
    int64_t ahead = atomic_load(&probe->rig->server.sent) - probe->received;
    probe->most_ahead = ahead > probe->most_ahead ? ahead : probe->most_ahead;
    probe_resume(probe);
}

static void pause_now(struct probe *probe)
{
    probe->paused = true;
    sk_http_pause(probe->transfer);
    if (probe->pause_ms)
        sk_timer_start(probe->rig->loop, &probe->resume,
                       sk_instant_add(sk_loop_now(probe->rig->loop), SK_MSEC(probe->pause_ms)), on_resume);
}

static void keep_text(char to[256], const char *text)
{
    (void)snprintf(to, 256, "%s", text ? text : "(none)");
}

static void on_head(void *arg, const struct sk_http_head *head)
{
    struct probe *probe = arg;
    probe->heads++;
    probe->called_inside |= probe->inside;
    probe->head = *head;
    keep_text(probe->location, head->location);
    keep_text(probe->type, head->content_type);
    keep_text(probe->digest, head->content_digest);
    keep_text(probe->authenticate, head->authenticate);
    if (probe->pause_at == AT_HEAD)
        pause_now(probe);
    if (probe->close_at == AT_HEAD)
        close_now(probe);
}

static void check_bytes(struct probe *probe, const uint8_t *data, size_t len)
{
    const uint8_t *bytes = probe->rig->server.pattern.bytes;
    while (len > 0) {
        size_t step = len < PIECE ? len : PIECE;
        probe->wrong += memcmp(data, bytes + (probe->first + probe->received) % PERIOD, step) != 0;
        probe->received += (int64_t)step;
        data += step;
        len -= step;
    }
}

static void on_data(void *arg, const uint8_t *data, size_t len)
{
    struct probe *probe = arg;
    probe->pieces++;
    probe->last = sk_loop_now(probe->rig->loop);
    probe->while_paused += probe->paused;
    probe->called_inside |= probe->inside;
    probe->longest = len > probe->longest ? len : probe->longest;
    check_bytes(probe, data, len);
    if (probe->pause_at == AT_DATA)
        pause_now(probe);
    if (probe->close_at == AT_DATA)
        close_now(probe);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct probe *probe = arg;
    struct rig *rig = probe->rig;
    probe->ends++;
    probe->called_inside |= probe->inside;
    probe->err = err ? *err : (struct sk_err){0};
    if (probe->close_at == AT_END)
        close_now(probe);
    if (--rig->awaited == 0)
        sk_loop_stop(rig->loop);
}

/* Tells it where and how; what is not said of the request is set to what most tests want. */
static UNUSED void probe_start(struct probe *probe, struct rig *rig, const char *path,
                               struct sk_http_request request)
{
    static const struct sk_http_events events = {on_head, on_data, on_end};
    probe->rig = rig;
    if (!request.url) {
        (void)snprintf(probe->url, sizeof(probe->url), "http://127.0.0.1:%d%s", rig->server.port, path);
        request.url = probe->url;
        request.internal = true;
    }
    if (!request.stall.ns)
        request.stall = SK_SEC(30);
    if (!request.max_bytes)
        request.max_bytes = 1 << 20;
    probe->inside = true;
    probe->transfer = sk_http_start(rig->http, &request, &events, probe);
    probe->inside = false;
}

static UNUSED void probe_close(struct probe *probe)
{
    assert_false(probe->called_inside);
    assert_int_equal(probe->wrong, 0);
    assert_int_equal(probe->while_paused, 0);
    sk_timer_stop(probe->rig->loop, &probe->resume);
    sk_http_close(sk_take(probe->transfer));
}

/* From start to end; then only the probe is left. */
static UNUSED void probe_run(struct probe *probe, struct rig *rig, const char *path,
                             struct sk_http_request request)
{
    probe_start(probe, rig, path, request);
    rig_run(rig, 1);
    assert_int_equal(probe->ends, 1);
    probe_close(probe);
}

#endif
