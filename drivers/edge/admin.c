#include "drivers/edge/admin.h"

#include "drivers/edge/haproxy_config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define ANSWER_MAX   ((size_t)64 << 20)
#define QUESTION_MAX ((size_t)1 << 16)
/* Somebody who is that late holds up all changes: better a new one. */
#define LIMIT SK_SEC(30)

/* By a folder's descriptor: its path may be longer than a socket's address. */
static enum sk_code connect_to(const char *dir, int flags, int *out_fd, int *out_pid, struct sk_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer;
    socklen_t len = sizeof(peer);
    SK_AUTO_FD int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    SK_AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (folder < 0 || fd < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "reach HAProxy in %s", dir);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SK_HAPROXY_SOCKET, folder);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "reach HAProxy in %s", dir);
    *out_pid = peer.pid;
    *out_fd = sk_take_fd(&fd);
    return SK_OK;
}

void sk_admin_init(struct sk_admin *admin, struct sk_loop *loop, const char *dir)
{
    *admin = (struct sk_admin){.loop = loop, .dir = dir, .fd = -1};
    sk_buf_init(&admin->question, QUESTION_MAX);
    sk_buf_init(&admin->answer, ANSWER_MAX);
}

void sk_admin_fini(struct sk_admin *admin)
{
    assert(!admin->done);
    sk_buf_fini(&admin->question);
    sk_buf_fini(&admin->answer);
}

/* --- asking ------------------------------------------------------------------------------ */

static struct sk_done *hang_up(struct sk_admin *admin)
{
    sk_timer_stop(admin->loop, &admin->limit);
    sk_watch_close(admin->watch);
    admin->watch = NULL;
    sk_close_fd(&admin->fd);
    return sk_take(admin->done);
}

static void fail(struct sk_admin *admin, const char *what, int sys)
{
    struct sk_err err;
    (void)sk_fail_sys(&err, SK_UNAVAILABLE, sys, "%s HAProxy", what);
    sk_done_fire(hang_up(admin), &err);
}

static void on_limit(struct sk_timer *timer)
{
    struct sk_admin *admin = sk_container_of(timer, struct sk_admin, limit);
    struct sk_err err;
    (void)sk_fail(&err, SK_DEADLINE_EXCEEDED, "HAProxy does not answer");
    sk_done_fire(hang_up(admin), &err);
}

/* False = no longer. */
static bool send_some(struct sk_admin *admin)
{
    size_t left = admin->question.len - admin->sent;
    ssize_t sent = send(admin->fd, admin->question.data + admin->sent, left, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        fail(admin, "ask", errno);
        return false;
    }
    admin->sent += sent > 0 ? (size_t)sent : 0;
    if (admin->sent == admin->question.len)
        sk_watch_set(admin->watch, SK_READABLE);
    return true;
}

static void end_answer(struct sk_admin *admin)
{
    if (sk_buf_append(&admin->answer, "", 1) == SK_OK)
        sk_done_fire(hang_up(admin), NULL);
    else
        fail(admin, "hear too much of", 0);
}

static void read_some(struct sk_admin *admin)
{
    char bytes[65536];
    ssize_t got = recv(admin->fd, bytes, sizeof(bytes), 0);
    if (got == 0)
        end_answer(admin);
    else if (got < 0 && errno != EAGAIN && errno != EINTR)
        fail(admin, "hear", errno);
    else if (got > 0 && sk_buf_append(&admin->answer, bytes, (size_t)got) != SK_OK)
        fail(admin, "hear too much of", 0);
}

static void on_ready(void *arg, unsigned events)
{
    struct sk_admin *admin = arg;
    bool is_asking = admin->sent < admin->question.len;
    if (is_asking && (events & SK_WRITABLE) && !send_some(admin))
        return;
    if (events & SK_READABLE)
        read_some(admin);
}

static enum sk_code start(struct sk_admin *admin, struct sk_err *err)
{
    int pid = 0;
    enum sk_code code = connect_to(admin->dir, SOCK_NONBLOCK, &admin->fd, &pid, err);
    if (code == SK_OK && pid != admin->pid)
        code = sk_fail(err, SK_UNAVAILABLE, "another HAProxy is in %s", admin->dir);
    if (code == SK_OK)
        code = sk_watch_open(admin->loop, admin->fd, on_ready, admin, &admin->watch, err);
    return code;
}

void sk_admin_ask(struct sk_admin *admin, struct sk_buf *question_take, struct sk_done *done)
{
    struct sk_err err;
    assert(!admin->done);
    sk_buf_fini(&admin->question);
    admin->question = *question_take;
    sk_buf_init(question_take, question_take->ceiling);
    sk_buf_clear(&admin->answer);
    admin->sent = 0;
    if (start(admin, &err) != SK_OK) {
        sk_close_fd(&admin->fd);
        sk_done_later(admin->loop, done, &err);
        return;
    }
    admin->done = done;
    sk_watch_set(admin->watch, SK_READABLE | SK_WRITABLE);
    sk_timer_start(admin->loop, &admin->limit, sk_instant_add(sk_loop_now(admin->loop), LIMIT), on_limit);
}

void sk_admin_drop(struct sk_admin *admin)
{
    struct sk_err err;
    if (!admin->done)
        return;
    (void)sk_fail(&err, SK_UNAVAILABLE, "HAProxy has ended");
    sk_done_later(admin->loop, hang_up(admin), &err);
}

/* --- while waiting ------------------------------------------------------------------------- */

/* A signal ends the call where a time limit is set, whether anybody handles it or not. */
static ssize_t receive(int fd, char *bytes, size_t size)
{
    ssize_t got;
    do {
        got = recv(fd, bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

enum sk_code sk_admin_ask_now(const char *dir, const char *question, char **out_answer, int *out_pid,
                              struct sk_err *err)
{
    SK_AUTO_FD int fd = -1;
    SK_CLEANUP(sk_buf_fini) struct sk_buf answer;
    struct timeval limit = {.tv_sec = 10}; /* a busy machine is no reason to replace it */
    char bytes[4096];
    ssize_t got;
    sk_buf_init(&answer, ANSWER_MAX);
    enum sk_code code = connect_to(dir, 0, &fd, out_pid, err);
    if (code != SK_OK)
        return code;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (send(fd, question, strlen(question), MSG_NOSIGNAL) != (ssize_t)strlen(question))
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "ask HAProxy");
    while ((got = receive(fd, bytes, sizeof(bytes))) > 0 && code == SK_OK)
        code = sk_buf_append(&answer, bytes, (size_t)got);
    if (got < 0 || code != SK_OK)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "hear HAProxy");
    *out_answer = sk_buf_take_text(&answer);
    return SK_OK;
}
