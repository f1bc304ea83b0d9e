#include "core/main_process.h"

#include "core/remove.h"
#include "core/sandbox_impl.h"

#include <signal.h>
#include <stdio.h>

/* The exit and the out-of-memory event of one kill come by different ways. */
#define VERDICT_AFTER SK_MSEC(100)
#define OOM_FRESH     SK_SEC(1)
#define SILENCE       SK_MSEC(200)
#define DRAIN_LIMIT   SK_SEC(1)

void sk_main_init(struct sk_main *main)
{
    main->out.fd = main->err.fd = -1;
}

void sk_main_fini(struct sk_sandbox *s)
{
    sk_reader_close(&s->main.out);
    sk_reader_close(&s->main.err);
    sk_timer_stop(s->node->loop, &s->main.verdict);
    sk_timer_stop(s->node->loop, &s->main.silence);
}

/* --- output ---------------------------------------------------------------- */

static void on_silence(struct sk_timer *timer);

static void drained(struct sk_sandbox *s)
{
    struct sk_done *done = sk_take(s->main.drained);

    sk_timer_stop(s->node->loop, &s->main.silence);
    if (!done)
        return;
    done->cancel = NULL;
    sk_done_later(s->node->loop, done, NULL);
}

static bool is_open(const struct sk_reader *reader)
{
    return reader->fd >= 0 && !reader->ended;
}

static void wait_for_silence(struct sk_sandbox *s)
{
    struct sk_instant at = sk_instant_add(sk_loop_now(s->node->loop), SILENCE);

    if (!is_open(&s->main.out) && !is_open(&s->main.err))
        drained(s);
    else
        sk_timer_start(s->node->loop, &s->main.silence, sk_instant_min(at, s->main.drain_until), on_silence);
}

static void on_silence(struct sk_timer *timer)
{
    drained(sk_container_of(timer, struct sk_sandbox, main.silence));
}

static void on_data(struct sk_sandbox *s, struct sk_reader *reader, size_t len)
{
    s->main.bytes += len;
    sk_reader_want(reader);
    if (s->main.drained)
        wait_for_silence(s);
}

static void out_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    (void)data;
    on_data(sk_container_of(reader, struct sk_sandbox, main.out), reader, len);
}

static void err_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    (void)data;
    on_data(sk_container_of(reader, struct sk_sandbox, main.err), reader, len);
}

static void out_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct sk_sandbox *s = sk_container_of(reader, struct sk_sandbox, main.out);

    (void)err;
    if (s->main.drained)
        wait_for_silence(s);
}

static void err_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct sk_sandbox *s = sk_container_of(reader, struct sk_sandbox, main.err);

    (void)err;
    if (s->main.drained)
        wait_for_silence(s);
}

static void attach(struct sk_sandbox *s, struct sk_reader *reader, int fd_take,
                   void (*data)(struct sk_reader *, const uint8_t *, size_t),
                   void (*end)(struct sk_reader *, const struct sk_err *))
{
    struct sk_err err = {0};

    reader->fd = -1;
    if (fd_take < 0)
        return;
    if (sk_reader_open(reader, s->node->loop, fd_take, data, end, &err) == SK_OK) {
        sk_reader_want(reader);
        return;
    }
    sk_log_err(sk_sandbox_log(s), SK_WARN, "main.output_lost", &err);
    reader->fd = -1;
}

void sk_main_attach(struct sk_sandbox *s, int out_take, int err_take)
{
    attach(s, &s->main.out, out_take, out_data, out_end);
    attach(s, &s->main.err, err_take, err_data, err_end);
}

static void cancel_drain(struct sk_done *done)
{
    (void)done;
    drained(done->callee);
}

void sk_main_drain(struct sk_sandbox *s, struct sk_done *done)
{
    s->main.drained = done;
    done->callee = s;
    done->cancel = cancel_drain;
    s->main.drain_until = sk_instant_add(sk_loop_now(s->node->loop), DRAIN_LIMIT);
    wait_for_silence(s);
}

/* --- its end --------------------------------------------------------------- */

static bool knows_kills(const struct sk_sandbox *s, uint64_t *out_kills)
{
    return s->node->runtime->ops->oom_kills(s->node->runtime, s->record->id, out_kills, NULL) == SK_OK;
}

/* The event may be late, and the count may be about somebody else: the one has to be fresh, the other new. */
static bool was_oom(const struct sk_sandbox *s)
{
    struct sk_duration ago = sk_instant_diff(sk_loop_now(s->node->loop), s->main.oom);
    uint64_t kills;

    if (sk_instant_is_set(s->main.oom) && ago.ns <= OOM_FRESH.ns + VERDICT_AFTER.ns)
        return true;
    return knows_kills(s, &kills) && kills > s->main.oom_kills;
}

static void fail_for_memory(struct sk_sandbox *s)
{
    char reason[128];
    int64_t limit = s->record->spec.memory_limit_bytes;

    if (limit > 0)
        (void)snprintf(reason, sizeof(reason), "main process was killed: out of memory (limit %lld MiB)",
                       (long long)(limit >> 20));
    else
        (void)snprintf(reason, sizeof(reason), "main process was killed: out of memory");
    sk_sandbox_break(s, reason);
}

static void note_exit_code(struct sk_sandbox *s)
{
    s->record->has_exit_code = true;
    s->record->exit_code = s->main.status;
}

static void complete(struct sk_sandbox *s)
{
    char reason[64];

    (void)snprintf(reason, sizeof(reason), "main process exited with status %d", s->main.status);
    note_exit_code(s);
    if (sk_sandbox_move(s, SK_EV_EXITED, reason))
        sk_removal_start(s);
}

static void decide(struct sk_sandbox *s)
{
    bool killed = !s->main.ended || s->main.status == 128 + SIGKILL;

    sk_timer_stop(s->node->loop, &s->main.verdict);
    if (killed && was_oom(s))
        fail_for_memory(s);
    else if (s->main.ended)
        complete(s);
    else
        sk_sandbox_break(s, s->main.why);
}

static void on_verdict(struct sk_timer *timer)
{
    decide(sk_container_of(timer, struct sk_sandbox, main.verdict));
}

static void wait_for_verdict(struct sk_sandbox *s)
{
    uint64_t kills;

    if (was_oom(s) || (s->main.ended && knows_kills(s, &kills)))
        decide(s);
    else if (!s->main.verdict.slot)
        sk_timer_start(s->node->loop, &s->main.verdict,
                       sk_instant_add(sk_loop_now(s->node->loop), VERDICT_AFTER), on_verdict);
}

bool sk_main_decide(struct sk_sandbox *s)
{
    if (!s->main.verdict.slot)
        return false;
    decide(s);
    return true;
}

void sk_main_exited(struct sk_sandbox *s, int status)
{
    s->main.ended = true;
    s->main.status = status;
    if (s->adoption)
        return; /* looked at when the adoption is over */
    if (s->state == SK_STATE_TERMINATING) {
        note_exit_code(s);
        sk_removal_poke(s);
    } else if (s->state == SK_STATE_RUNNING && status == 128 + SIGKILL) {
        wait_for_verdict(s);
    } else if (s->state == SK_STATE_RUNNING) {
        decide(s);
    }
    /* CREATING: the flow has yet to say that it is up */
}

void sk_main_oom(struct sk_sandbox *s)
{
    s->main.oom = sk_loop_now(s->node->loop);
    (void)knows_kills(s, &s->main.oom_kills);
    if (s->main.verdict.slot)
        decide(s);
}

void sk_main_lost(struct sk_sandbox *s, const char *why)
{
    if (s->create || s->state != SK_STATE_RUNNING) {
        sk_sandbox_break(s, why);
        return;
    }
    if (s->adoption || s->main.verdict.slot)
        return;
    (void)snprintf(s->main.why, sizeof(s->main.why), "%s", why);
    wait_for_verdict(s);
}
