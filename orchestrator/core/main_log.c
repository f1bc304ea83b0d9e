#include "core/main_log.h"

#include "core/sandbox_impl.h"

#include <errno.h>

/* How often a disk that refuses is asked again, and how long the process waits for it. */
#define ASK_EVERY SK_MSEC(100)
#define PATIENCE  SK_SEC(2)

/* A reader that comes early waits for what is printed first: until something is there, then for a silence. */
#define FIRST_WITHIN SK_SEC(1)
#define QUIET        SK_MSEC(150)
#define SETTLED      SK_SEC(3)

static struct sk_sandbox *sandbox_of(struct sk_main_log *log)
{
    return sk_container_of(log, struct sk_sandbox, main_log);
}

static struct sk_loop *loop_of(struct sk_main_log *log)
{
    return sandbox_of(log)->node->loop;
}

void sk_main_log_init(struct sk_main_log *log)
{
    log->fd = -1;
}

/* --- its end --------------------------------------------------------------- */

static void stop(struct sk_main_log *log)
{
    sk_watch_close(sk_take(log->watch));
    sk_timer_stop(loop_of(log), &log->pause);
}

static void end_of_pipe(struct sk_main_log *log)
{
    stop(log);
    sk_close_fd(&log->fd);
    sk_main_drain_finish(&log->drain);
    sk_log_file_tell(sandbox_of(log));
}

void sk_main_log_halt(struct sk_sandbox *s)
{
    s->main_log.halted = true;
    stop(&s->main_log);
}

void sk_main_log_close(struct sk_sandbox *s)
{
    struct sk_main_log *log = &s->main_log;

    sk_main_log_halt(s);
    sk_main_drain_finish(&log->drain);
    if (log->moving || log->opening)
        return; /* comes back here */
    sk_close_fd(&log->fd);
    if (log->has_file) {
        log->has_file = false;
        sk_log_file_close(s);
    }
    sk_log_file_tell(s);
}

/* --- moving ---------------------------------------------------------------- */

static void move(struct sk_main_log *log);

static void on_pause(struct sk_timer *timer)
{
    move(sk_container_of(timer, struct sk_main_log, pause));
}

static void pause_for(struct sk_main_log *log, struct sk_duration time)
{
    sk_timer_start(loop_of(log), &log->pause, sk_instant_add(sk_loop_now(loop_of(log)), time), on_pause);
}

static void await_bytes(struct sk_main_log *log)
{
    if (log->watch)
        sk_watch_set(log->watch, SK_READABLE);
}

static bool has_lost_patience(struct sk_main_log *log)
{
    return sk_instant_is_set(log->refused) &&
           sk_instant_diff(sk_loop_now(loop_of(log)), log->refused).ns >= PATIENCE.ns;
}

static void on_refused(struct sk_main_log *log, const struct sk_err *err)
{
    bool was_skip = log->skipping;

    if (!sk_instant_is_set(log->refused)) {
        log->refused = sk_loop_now(loop_of(log));
        sk_log_err(sk_sandbox_log(sandbox_of(log)), SK_WARN, "main.output_refused", err);
    }
    log->skipping = !was_skip && has_lost_patience(log);
    if (log->skipping)
        move(log);
    else
        pause_for(log, ASK_EVERY);
}

static void on_accepted(struct sk_main_log *log)
{
    if (log->dropped)
        sk_log(sk_sandbox_log(sandbox_of(log)), SK_WARN, "main.output_dropped",
               SK_INT("bytes", (int64_t)log->dropped));
    log->refused = (struct sk_instant){0};
    log->dropped = 0;
}

static void note_moved(struct sk_main_log *log)
{
    size_t len = log->filled.len;

    if (len == 0)
        return;
    log->came = sk_loop_now(loop_of(log));
    sk_main_drain_moved(&log->drain, len);
    sk_log_file_tell(sandbox_of(log));
}

static void go_on(struct sk_main_log *log)
{
    struct sk_duration wait =
        sk_allowance_spend(&log->allowance, (int64_t)log->filled.len, sk_loop_now(loop_of(log)));

    if (wait.ns > 0 && !log->drain.done)
        pause_for(log, wait);
    else
        await_bytes(log);
}

static void look_at(struct sk_main_log *log, const struct sk_err *err)
{
    note_moved(log);
    if (log->skipping) {
        log->dropped += log->filled.len;
        sk_series_add(sandbox_of(log)->node->meters.log_bytes_dropped, (double)log->filled.len);
    }
    if (log->halted) {
        if (!sandbox_of(log)->node->stopping)
            sk_main_log_close(sandbox_of(log));
        return;
    }
    if (err) {
        on_refused(log, err);
        return;
    }
    if (!log->skipping && log->filled.len > 0)
        on_accepted(log);
    log->skipping = false;
    if (log->filled.at_end)
        end_of_pipe(log);
    else
        go_on(log);
}

static void on_moved(struct sk_done *moved, const struct sk_err *err)
{
    struct sk_main_log *log = sk_container_of(moved, struct sk_main_log, moved);
    struct sk_sandbox *s = sandbox_of(log);

    log->moving = false;
    look_at(log, err);
    sk_sandbox_unhold(s);
}

static void move(struct sk_main_log *log)
{
    struct sk_sandbox *s = sandbox_of(log);

    if (log->moving || log->fd < 0 || !log->has_file)
        return;
    sk_watch_set(log->watch, 0);
    log->moving = true;
    log->filled = (struct sk_journal_filled){0};
    sk_sandbox_hold(s);
    sk_done_init(&log->moved, on_moved);
    if (log->skipping)
        sk_journal_skip(s->log_file.journal, log->fd, &log->filled, &log->moved);
    else
        sk_journal_fill(s->log_file.journal, log->fd, &log->filled, &log->moved);
}

/* Without a journal: the process must not hang for it. */
static void throw_away(struct sk_main_log *log)
{
    uint8_t chunk[4096];
    ssize_t got = read(log->fd, chunk, sizeof(chunk));

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        end_of_pipe(log);
    else if (got > 0)
        sk_main_drain_moved(&log->drain, (size_t)got);
}

static void on_readable(void *arg, unsigned events)
{
    struct sk_main_log *log = arg;

    (void)events;
    if (log->has_file)
        move(log);
    else
        throw_away(log);
}

/* --- its beginning --------------------------------------------------------- */

static void on_opened(struct sk_done *opened, const struct sk_err *err)
{
    struct sk_main_log *log = sk_container_of(opened, struct sk_main_log, opened);
    struct sk_sandbox *s = sandbox_of(log);
    struct sk_done *done = sk_take(log->open_done);

    log->opening = false;
    log->has_file = !err;
    if (log->halted && !s->node->stopping)
        sk_main_log_close(s);
    else if (!log->halted)
        await_bytes(log);
    if (done)
        sk_done_fire(done, err);
    else if (err)
        sk_log_err(sk_sandbox_log(s), SK_ERROR, "main.output_lost", err);
    sk_sandbox_unhold(s);
}

void sk_main_log_open(struct sk_sandbox *s, struct sk_done *done)
{
    struct sk_main_log *log = &s->main_log;

    log->opening = true;
    log->halted = s->node->stopping;
    log->open_done = done;
    sk_sandbox_hold(s);
    sk_done_init(&log->opened, on_opened);
    sk_log_file_open(s, &log->opened);
}

static void take_pipe(struct sk_main_log *log, int fd_take)
{
    SK_AUTO_FD int fd = fd_take;
    struct sk_err err = {0};

    if (fd < 0 || log->halted)
        return;
    if (sk_watch_open(loop_of(log), fd, on_readable, log, &log->watch, &err) != SK_OK) {
        sk_log_err(sk_sandbox_log(sandbox_of(log)), SK_ERROR, "main.output_lost", &err);
        return;
    }
    log->fd = sk_take_fd(&fd);
    sk_allowance_init(&log->allowance, sandbox_of(log)->node->config.log_rate, sk_loop_now(loop_of(log)));
    if (!log->opening)
        await_bytes(log);
}

void sk_main_log_attach(struct sk_sandbox *s, int fd_take)
{
    s->main_log.began = sk_loop_now(s->node->loop);
    take_pipe(&s->main_log, fd_take);
}

void sk_main_log_adopt(struct sk_sandbox *s, int fd_take)
{
    if (fd_take >= 0)
        sk_main_log_open(s, NULL);
    take_pipe(&s->main_log, fd_take);
}

void sk_main_log_drain(struct sk_sandbox *s, struct sk_done *done)
{
    struct sk_main_log *log = &s->main_log;

    sk_main_drain_start(&log->drain, s->node->loop, log->fd, done);
    if (log->pause.slot && !sk_instant_is_set(log->refused)) {
        sk_timer_stop(s->node->loop, &log->pause); /* it is not held back any more */
        await_bytes(log);
    }
}

/* --- what readers want to know --------------------------------------------- */

bool sk_main_log_is_over(const struct sk_sandbox *s)
{
    const struct sk_main_log *log = &s->main_log;

    if (log->fd >= 0 || log->moving || log->opening || s->create || s->adoption)
        return false;
    return s->record->state > SK_STATE_RUNNING && (s->main.ended || sk_state_is_final(s->state));
}

struct sk_instant sk_main_log_settles(const struct sk_sandbox *s)
{
    const struct sk_main_log *log = &s->main_log;
    struct sk_instant at;

    if (!sk_instant_is_set(log->began) || log->fd < 0)
        return (struct sk_instant){0};
    if (sk_instant_is_set(log->came))
        at = sk_instant_min(sk_instant_add(log->came, QUIET), sk_instant_add(log->began, SETTLED));
    else
        at = sk_instant_add(log->began, FIRST_WITHIN);
    return at.ns > sk_loop_now(s->node->loop).ns ? at : (struct sk_instant){0};
}
