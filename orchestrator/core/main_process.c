#include "core/main_process.h"

#include "core/remove.h"
#include "core/sandbox_impl.h"

#include <signal.h>
#include <stdio.h>

/* The exit and the out-of-memory event of one kill come by different ways. */
#define VERDICT_AFTER SK_MSEC(100)
#define OOM_FRESH     SK_SEC(1)

void sk_main_fini(struct sk_sandbox *s)
{
    sk_timer_stop(s->node->loop, &s->main.verdict);
    sk_timer_stop(s->node->loop, &s->main.recount);
    sk_main_log_close(s);
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
    sk_log_file_tell(s);
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

static void on_recount(struct sk_timer *timer)
{
    struct sk_sandbox *s = sk_container_of(timer, struct sk_sandbox, main.recount);

    (void)knows_kills(s, &s->main.oom_kills);
}

/* cgroup v1 reports the shortage, which comes before the kill and its count; while the report is fresh it
 * decides by itself. */
void sk_main_oom(struct sk_sandbox *s)
{
    sk_series_add(s->node->meters.memory_kills, 1);
    s->main.oom = sk_loop_now(s->node->loop);
    sk_timer_start(s->node->loop, &s->main.recount, sk_instant_add(s->main.oom, OOM_FRESH), on_recount);
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
