/* runtime_steer.c: what tests do to the fake runtime, and ask of it. */
#include "drivers/fake/runtime_impl.h"

struct sk_fake_calls *sk_fake_runtime_calls(struct sk_fake_runtime *rt)
{
    return &rt->calls;
}

void sk_fake_runtime_watch(struct sk_fake_runtime *rt,
                           void (*fn)(void *arg, const char *id, int pid, bool alive), void *arg)
{
    rt->watcher = fn;
    rt->watcher_arg = arg;
}

const char *sk_fake_runtime_cpuset(const struct sk_fake_runtime *rt, const char *id)
{
    const struct sk_fake_box *box = sk_fake_box_find(rt, id);
    return box && box->container ? box->cpuset : NULL;
}

const char *sk_fake_runtime_netns(const struct sk_fake_runtime *rt, const char *id)
{
    const struct sk_fake_box *box = sk_fake_box_find(rt, id);
    return box && box->container ? box->netns : NULL;
}

int sk_fake_runtime_pid(const struct sk_fake_runtime *rt, const char *id)
{
    const struct sk_fake_box *box = sk_fake_box_find(rt, id);

    return box && box->task && box->started && box->alive ? box->pid : 0;
}

size_t sk_fake_runtime_held(const struct sk_fake_runtime *rt)
{
    size_t held = 0;

    sk_list_each(&rt->boxes, node)
    {
        const struct sk_fake_box *box = sk_list_entry(node, struct sk_fake_box, link);
        held += (size_t)box->rootfs + (size_t)box->container + (size_t)box->task;
    }
    return held;
}

void sk_fake_runtime_init_dies(struct sk_fake_runtime *rt, const char *id, int status, bool quiet)
{
    struct sk_fake_box *box = sk_fake_box_find(rt, id);

    if (box && box->task)
        sk_fake_box_die(rt, box, status, quiet);
}

void sk_fake_runtime_oom(struct sk_fake_runtime *rt, const char *id)
{
    sk_fake_runtime_emit(rt, SK_RUNTIME_OOM, id, 0);
}

void sk_fake_runtime_count_oom(struct sk_fake_runtime *rt, const char *id, uint64_t kills)
{
    struct sk_fake_box *box = sk_fake_box_find(rt, id);

    box->counts_kills = true;
    box->oom_kills = kills;
}

void sk_fake_runtime_use(struct sk_fake_runtime *rt, const char *id, int64_t cpu_ns, int64_t memory_bytes)
{
    struct sk_fake_box *box = sk_fake_box_find(rt, id);

    if (!box)
        return;
    box->is_measured = true;
    box->cpu_ns = cpu_ns;
    box->memory_bytes = memory_bytes;
}

void sk_fake_runtime_resync(struct sk_fake_runtime *rt)
{
    sk_fake_runtime_emit(rt, SK_RUNTIME_RESYNC, NULL, 0);
}

void sk_fake_runtime_undermine(struct sk_fake_runtime *rt, const char *id, bool rootfs)
{
    struct sk_fake_box *box = sk_fake_box_find(rt, id);

    if (box && rootfs)
        box->rootfs = false;
    else if (box)
        box->container = false;
}

void sk_fake_runtime_litter(struct sk_fake_runtime *rt, const char *kind, const char *name, bool is_nobodys)
{
    sk_litter_add(&rt->litter, kind, name, is_nobodys);
}

size_t sk_fake_runtime_littered(const struct sk_fake_runtime *rt)
{
    return rt->litter.len;
}

void sk_fake_runtime_away(struct sk_fake_runtime *rt, bool away)
{
    if (rt->away == away)
        return;
    rt->away = away;
    sk_fake_runtime_emit(rt, away ? SK_RUNTIME_AWAY : SK_RUNTIME_BACK, NULL, 0);
    if (!away)
        sk_fake_runtime_emit(rt, SK_RUNTIME_RESYNC, NULL, 0);
}

void sk_fake_runtime_vanish(struct sk_fake_runtime *rt, const char *id)
{
    struct sk_fake_box *box = sk_fake_box_find(rt, id);

    if (!box)
        return;
    sk_fake_box_die(rt, box, 137, true);
    sk_fake_box_drop(box);
}
