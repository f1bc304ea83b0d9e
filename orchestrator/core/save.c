/* save.c: a sandbox's way to the store, and from there to its shown state. */
#include "core/drain_impl.h"
#include "core/sandbox_impl.h"
#include "core/session_impl.h"
#include "loop/failpoint.h"

static struct sk_sandbox *of(const struct sk_saver *saver)
{
    return sk_container_of(saver, struct sk_sandbox, saver);
}

static void pass(const struct sk_sandbox *s, const char *side)
{
    sk_failpoint_pass(s->node->loop, "save", sk_state_word(s->packed), side);
}

static const char *key(const struct sk_saver *saver)
{
    return of(saver)->record->id;
}

static enum sk_code pack(struct sk_saver *saver, struct sk_buf *out, struct sk_err *err)
{
    struct sk_sandbox *s = of(saver);
    enum sk_state shown = s->record->state;

    s->packed = s->state;
    pass(s, SK_BEFORE);
    s->record->state = s->state;
    enum sk_code code = sk_record_pack(s->record, out, err);
    s->record->state = shown;
    return code;
}

static void answered(struct sk_saver *saver, const struct sk_err *err)
{
    struct sk_sandbox *s = of(saver);

    pass(s, SK_AFTER);
    if (err)
        sk_log_err(sk_sandbox_log(s), SK_ERROR, "sandbox.save_failed", err);
    if (err && !s->durable)
        return; /* it never existed: the admission withdraws it */
    s->durable = true;
    s->record->state = s->packed;
    sk_sandbox_fire_watchers(s);
    sk_drain_look(s->node);
    if (!sk_state_is_final(s->packed))
        return;
    sk_list_remove(&s->live);
    sk_session_ended(s);
}

static bool retries(const struct sk_saver *saver)
{
    return of(saver)->durable;
}

static void keep(struct sk_saver *saver)
{
    sk_sandbox_hold(of(saver));
}

static void drop(struct sk_saver *saver)
{
    sk_sandbox_unhold(of(saver));
}

const struct sk_saver_ops sk_sandbox_saver_ops = {
    .kind = SK_KIND_SANDBOX,
    .key = key,
    .pack = pack,
    .answered = answered,
    .retries = retries,
    .keep = keep,
    .drop = drop,
};

void sk_sandbox_save(struct sk_sandbox *s, struct sk_done *done)
{
    sk_saver_save(&s->saver, done);
}

void sk_sandbox_await_saved(struct sk_sandbox *s, struct sk_done *done)
{
    sk_saver_await(&s->saver, done);
}
