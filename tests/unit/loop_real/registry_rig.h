/* A registry client beside servers that answer by script: one response a
 * connection, in order, whatever is asked; what was asked is remembered. */
#ifndef SK_TESTS_REGISTRY_RIG_H
#define SK_TESTS_REGISTRY_RIG_H

#include "drivers/registry/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { SERVERS = 3, REPLIES = 16, ASKED_SIZE = 4096, DRIP_MS = 20 };

/* One response. */
struct reply {
    char *head; /* status line and fields; "Connection: close" and the empty line are added */
    char *body;
    size_t length;
    enum reply_end {
        REPLY_WHOLE,
        REPLY_RESET,   /* after the body */
        REPLY_HANG,    /* after the body: nothing more comes, and the rig's `on_hang` runs */
        REPLY_ENDLESS, /* the body again and again */
        REPLY_DRIP,    /* a byte now and then */
    } end;
};

struct server {
    struct rig *rig;
    pthread_t thread;
    int listener, stop[2];
    char name[32]; /* "127.0.0.1:port" */
    struct reply script[REPLIES];
    size_t script_len;
    char asked[REPLIES][ASKED_SIZE]; /* of the server's thread, until it has been joined */
    size_t asked_len;
    struct sk_post hung;
};

struct rig {
    struct sk_loop *loop;
    struct sk_log log;
    struct sk_registry *registry;
    struct server servers[SERVERS];
    struct sk_registry_host host;
    struct sk_image_login logins[2];
    size_t login_count;
    const char *mirrors[2], *trusted[4];
    struct sk_timer limit, later; /* later: a test's own */
    struct sk_done done;
    bool answered;
    struct sk_err err;
    struct sk_registry_manifest manifest;
    struct sk_registry_sink sink;
    struct sk_buf taken;
    unsigned endpoint;
    struct sk_registry_blob *blob; /* while under way */
    struct sk_task task;
    int resumes;                                    /* a test's own */
    size_t taken_then;                              /* likewise */
    int retries, moves;                             /* logged */
    void (*on_retry)(struct rig *rig);              /* in the next turn; may be NULL */
    void (*on_move)(struct rig *rig);               /* at once; may be NULL */
    void (*on_hang)(struct rig *rig);               /* may be NULL */
    void (*on_take)(struct rig *rig, size_t taken); /* may be NULL */
};

/* --- servers ----------------------------------------------------------------- */

/* Whether the server was told to stop, before `fd` had anything to read. */
static inline bool must_stop(struct server *server, int fd)
{
    struct pollfd fds[] = {{.fd = server->stop[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        ;
    return fds[0].revents != 0;
}

static inline void hang_up_on(struct sk_post *post)
{
    struct rig *rig = sk_container_of(post, struct server, hung)->rig;
    if (rig->on_hang)
        rig->on_hang(rig);
}

static inline bool read_question(struct server *server, int fd, char *text)
{
    size_t len = 0;
    while (!strstr(text, "\r\n\r\n") && len < ASKED_SIZE - 1) {
        ssize_t got = must_stop(server, fd) ? 0 : recv(fd, text + len, ASKED_SIZE - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
    }
    return true;
}

static inline bool send_all(int fd, const void *data, size_t len)
{
    for (ssize_t sent; len > 0; data = (const char *)data + sent, len -= (size_t)sent)
        if ((sent = send(fd, data, len, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

static inline bool drip(struct server *server, int fd, const struct reply *reply)
{
    struct pollfd stop = {.fd = server->stop[0], .events = POLLIN};
    bool sent = true;
    for (size_t i = 0; sent && i < reply->length && poll(&stop, 1, DRIP_MS) == 0; i++)
        sent = send_all(fd, reply->body + i, 1);
    return sent;
}

static inline bool send_body(struct server *server, int fd, const struct reply *reply)
{
    return reply->end == REPLY_DRIP ? drip(server, fd, reply) : send_all(fd, reply->body, reply->length);
}

static inline void answer(struct server *server, int fd, const struct reply *reply)
{
    SK_AUTO_FREE char *head = sk_printf("%s\r\nConnection: close\r\n\r\n", reply->head);
    bool sent = send_all(fd, head, strlen(head)) && send_body(server, fd, reply);
    while (sent && reply->end == REPLY_ENDLESS)
        sent = send_all(fd, reply->body, reply->length);
    if (reply->end == REPLY_HANG) {
        sk_loop_post(server->rig->loop, &server->hung, hang_up_on);
        (void)must_stop(server, fd);
    }
    if (reply->end == REPLY_RESET) {
        const struct linger at_once = {.l_onoff = 1};
        for (int unread = 1; ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0;)
            (void)usleep(1000); /* what was sent is to arrive first: a reset overtakes it */
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    } else {
        (void)shutdown(fd, SHUT_WR);
        (void)recv(fd, head, 1, 0); /* until the other side has closed: no reset for what it still sends */
    }
}

static inline void *serve(void *arg)
{
    static const struct reply over = {.head = "HTTP/1.1 418 Script is over", .body = "", .length = 0};
    struct server *server = arg;
    while (!must_stop(server, server->listener)) {
        SK_AUTO_FD int fd = accept(server->listener, NULL, NULL);
        char text[ASKED_SIZE] = "";
        if (fd < 0 || !read_question(server, fd, text))
            continue;
        size_t at = server->asked_len;
        if (at < REPLIES)
            memcpy(server->asked[server->asked_len++], text, sizeof(text));
        answer(server, fd, at < server->script_len ? &server->script[at] : &over);
    }
    return NULL;
}

static inline void open_server(struct server *server, struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    server->rig = rig;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(server->name, sizeof(server->name), "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(pipe2(server->stop, O_CLOEXEC), 0);
}

static inline void stop_server(struct server *server)
{
    if (server->stop[1] < 0)
        return;
    sk_close_fd(&server->stop[1]);
    if (server->thread)
        assert_int_equal(pthread_join(server->thread, NULL), 0);
    sk_close_fd(&server->stop[0]);
    sk_close_fd(&server->listener);
    for (size_t i = 0; i < server->script_len; i++) {
        free(server->script[i].head);
        free(server->script[i].body);
    }
}

/* --- the script ---------------------------------------------------------------- */

static inline struct reply *add_bytes(struct server *server, const void *body, size_t len, char *head_take)
{
    assert_true(server->script_len < REPLIES);
    struct reply *reply = &server->script[server->script_len++];
    *reply = (struct reply){.head = head_take, .body = sk_memdup(body, len), .length = len};
    return reply;
}

/* fields: of the head, each ended by a CRLF but the last; may be "". */
static inline struct reply *add(struct server *server, int status, const char *fields, const char *body)
{
    return add_bytes(server, body, strlen(body),
                     sk_printf("HTTP/1.1 %d X\r\nContent-Length: %zu%s%s", status, strlen(body),
                               *fields ? "\r\n" : "", fields));
}

/* A 401 that names the server at `realm` for tokens. */
static inline void add_challenge(struct server *server, const struct server *realm)
{
    SK_AUTO_FREE char *field = sk_printf(
        "WWW-Authenticate: Bearer realm=\"http://%s/token\",service=\"tests\",scope=\"repository:app:pull\"",
        realm->name);
    add(server, 401, field, "{}");
}

static inline void add_redirect(struct server *server, const char *scheme, const char *to)
{
    SK_AUTO_FREE char *field = sk_printf("Location: %s%s", scheme, to);
    add(server, 307, field, "");
}

/* Whether the n-th question, from 0, has that text in it. */
static inline bool asked(const struct server *server, size_t n, const char *text)
{
    return n < server->asked_len && strstr(server->asked[n], text);
}

/* --- the client ------------------------------------------------------------------ */

static inline void run_on_retry(struct sk_task *task)
{
    struct rig *rig = sk_container_of(task, struct rig, task);
    rig->on_retry(rig);
}

static inline void count_line(void *arg, const char *line, size_t len)
{
    struct rig *rig = arg;
    (void)len;
    bool moves = strstr(line, "\"registry.next\"") != NULL;
    rig->moves += moves;
    if (moves && rig->on_move)
        rig->on_move(rig);
    if (!strstr(line, "\"registry.retry\""))
        return;
    rig->retries++;
    if (rig->on_retry)
        sk_loop_defer(rig->loop, &rig->task, run_on_retry);
}

/* Servers have their names afterwards; the first is the registry. */
static inline void rig_init(struct rig *rig)
{
    *rig = (struct rig){.log = {.level = SK_DEBUG, .sink = count_line, .arg = rig}};
    for (size_t i = 0; i < SERVERS; i++)
        open_server(&rig->servers[i], rig);
    assert_int_equal(sk_loop_new(&rig->loop, NULL), SK_OK);
    rig->host = (struct sk_registry_host){.name = rig->servers[0].name,
                                          .mirrors = rig->mirrors,
                                          .plain_http = true,
                                          .trusted_hosts = rig->trusted};
    sk_buf_init(&rig->taken, SIZE_MAX / 2);
}

/* The configuration is done, the scripts are written. late: one that takes no connection yet, or NULL. */
static inline void rig_start_but(struct rig *rig, const struct server *late)
{
    const struct sk_registry_options options = {
        .loop = rig->loop,
        .log = &rig->log,
        .hosts = &rig->host,
        .host_count = 1,
        .logins = rig->logins,
        .login_count = rig->login_count,
        .proxy = "",
        .max_connections = 4,
    };
    struct sk_err err = {0};
    if (sk_registry_new(&options, &rig->registry, &err) != SK_OK)
        fail_msg("%s", err.text);
    rig->registry->retry.first = SK_MSEC(1);
    rig->registry->retry.most = SK_MSEC(5);
    for (size_t i = 0; i < SERVERS; i++)
        if (&rig->servers[i] != late)
            assert_int_equal(pthread_create(&rig->servers[i].thread, NULL, serve, &rig->servers[i]), 0);
}

static inline void rig_start(struct rig *rig)
{
    rig_start_but(rig, NULL);
}

/* Servers can be asked what they were asked. */
static inline void rig_stop(struct rig *rig)
{
    sk_registry_free(sk_take(rig->registry));
    for (size_t i = 0; i < SERVERS; i++)
        stop_server(&rig->servers[i]);
}

static inline void rig_fini(struct rig *rig)
{
    rig_stop(rig);
    sk_loop_free(rig->loop);
    sk_buf_fini(&rig->taken);
    sk_buf_fini(&rig->manifest.bytes);
}

static inline void note_answer(struct sk_done *done, const struct sk_err *err)
{
    struct rig *rig = sk_container_of(done, struct rig, done);
    rig->answered = true;
    rig->blob = NULL;
    if (err)
        rig->err = *err;
    sk_loop_stop(rig->loop);
}

static inline void note_limit(struct sk_timer *timer)
{
    sk_loop_stop(sk_container_of(timer, struct rig, limit)->loop);
}

static inline enum sk_code rig_wait(struct rig *rig)
{
    sk_timer_start(rig->loop, &rig->limit, sk_instant_add(sk_loop_now(rig->loop), SK_SEC(60)), note_limit);
    sk_loop_run(rig->loop);
    sk_timer_stop(rig->loop, &rig->limit);
    sk_timer_stop(rig->loop, &rig->later);
    sk_loop_undefer(&rig->task);
    assert_true(rig->answered);
    return rig->err.code;
}

static inline void take_bytes(struct sk_registry_sink *sink, const uint8_t *data, size_t len)
{
    struct rig *rig = sk_container_of(sink, struct rig, sink);
    if (sk_buf_append(&rig->taken, data, len) == SK_OK && rig->on_take)
        rig->on_take(rig, len);
}

static inline void begin(struct rig *rig)
{
    rig->answered = false;
    rig->err = (struct sk_err){0};
    sk_done_init(&rig->done, note_answer);
}

static inline struct sk_reference reference_of(const struct rig *rig, const char *digest)
{
    struct sk_reference reference = {.repository = "app", .tag = "1"};
    (void)snprintf(reference.registry, sizeof(reference.registry), "%s", rig->host.name);
    (void)snprintf(reference.digest, sizeof(reference.digest), "%s", digest ? digest : "");
    return reference;
}

/* digest: NULL = by tag. */
static inline void begin_manifest(struct rig *rig, const char *digest, const struct sk_image_login *login)
{
    struct sk_reference reference = reference_of(rig, digest);
    begin(rig);
    sk_buf_fini(&rig->manifest.bytes);
    sk_registry_manifest(rig->registry, &(struct sk_registry_ask){.reference = &reference, .login = login},
                         &rig->manifest, &rig->done);
}

static inline enum sk_code get_manifest(struct rig *rig, const char *digest,
                                        const struct sk_image_login *login)
{
    begin_manifest(rig, digest, login);
    return rig_wait(rig);
}

#define BLOB_DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static inline void begin_blob(struct rig *rig, int64_t size, int64_t from, unsigned skip)
{
    struct sk_reference reference = reference_of(rig, NULL);
    begin(rig);
    sk_buf_clear(&rig->taken);
    rig->sink.take = take_bytes;
    rig->blob =
        sk_registry_blob(rig->registry, &(struct sk_registry_ask){.reference = &reference, .skip = skip},
                         BLOB_DIGEST, size, from, &rig->sink, &rig->endpoint, &rig->done);
}

static inline enum sk_code get_blob(struct rig *rig, int64_t size, int64_t from)
{
    begin_blob(rig, size, from, 0);
    return rig_wait(rig);
}

static inline bool manifest_is(const struct rig *rig, const char *text)
{
    return rig->manifest.bytes.len == strlen(text) &&
           memcmp(rig->manifest.bytes.data, text, strlen(text)) == 0;
}

static inline bool taken_is(const struct rig *rig, const void *bytes, size_t len)
{
    return rig->taken.len == len && memcmp(rig->taken.data, bytes, len) == 0;
}

#endif
