/* network_rig.h: what tests of sandboxes' networks have in common. */
#ifndef SK_TESTS_NETWORK_RIG_H
#define SK_TESTS_NETWORK_RIG_H

#include "core/network.h"
#include "core/sandbox_impl.h"
#include "support/world.h"

#include <stdio.h>

/* A hook that writes down which drivers were called, and bends one of the calls. */
struct calls {
    char names[8192]; /* " network.attach network.apply …" */
    const char *bent; /* this call … */
    int verdict;      /* … gets this verdict … */
    int times;        /* … so often; -1 = always */
};

static inline int calls_hook(void *arg, const char *call)
{
    struct calls *calls = arg;
    size_t len = strlen(calls->names);

    (void)snprintf(calls->names + len, sizeof(calls->names) - len, " %s", call);
    if (!calls->bent || strcmp(calls->bent, call) != 0 || calls->times == 0)
        return SK_FAKE_OK;
    calls->times -= calls->times > 0;
    return calls->verdict;
}

static inline void calls_bend(struct calls *calls, const char *call, int verdict, int times)
{
    calls->names[0] = '\0';
    calls->bent = call;
    calls->verdict = verdict;
    calls->times = times;
}

static inline bool called(const struct calls *calls, const char *call)
{
    const char *found = strstr(calls->names, call);
    return found && (found[strlen(call)] == ' ' || found[strlen(call)] == '\0');
}

/* Both were called, the first one first. */
static inline void assert_in_order(const struct calls *calls, const char *first, const char *second)
{
    const char *one = strstr(calls->names, first), *other = strstr(calls->names, second);

    if (!one || !other || one > other)
        fail_msg("%s does not come before %s:%s", first, second, calls->names);
}

static inline struct sk_sandbox *create_with_doors(struct world *w, struct answer *answer)
{
    struct sk_record *record = world_record(w, "");

    world_add_doors(record);
    world_create(w, record, answer);
    world_settle(w);
    return answer->sandbox;
}

/* RUNNING, with doors. */
static inline struct sk_sandbox *running_with_doors(struct world *w)
{
    struct answer created;
    struct sk_sandbox *s = create_with_doors(w, &created);

    assert_int_equal(created.count, 1);
    assert_int_equal(created.err.code, SK_OK);
    assert_int_equal(sk_sandbox_record(s)->state, SK_STATE_RUNNING);
    return s;
}

static inline const struct sk_fake_attached *attached(const struct world *w, const char *id)
{
    return sk_fake_network_find(w->network, id);
}

/* An edge that may refuse what it is told, which is another thing than being away. */
struct moody_edge {
    struct sk_edge base;
    struct sk_edge *real;
    struct sk_loop *loop;
    int refusals; /* to come; -1 = always */
};

static inline struct moody_edge *moody(struct sk_edge *edge)
{
    return sk_container_of(edge, struct moody_edge, base);
}

static inline void moody_set(struct sk_edge *edge, const struct sk_edge_box *box, struct sk_done *done)
{
    struct moody_edge *m = moody(edge);
    struct sk_err err = {0};

    if (!m->refusals) {
        m->real->ops->set(m->real, box, done);
        return;
    }
    m->refusals -= m->refusals > 0;
    (void)sk_fail(&err, SK_INTERNAL, "no such map");
    sk_done_later(m->loop, done, &err);
}

static inline void moody_remove(struct sk_edge *edge, const char *id, struct sk_done *done)
{
    moody(edge)->real->ops->remove(moody(edge)->real, id, done);
}

static inline void moody_list(struct sk_edge *edge, struct sk_litter_list *out, struct sk_done *done)
{
    moody(edge)->real->ops->list_litter(moody(edge)->real, out, done);
}

static inline void moody_listen(struct sk_edge *edge, void (*fn)(void *, const struct sk_edge_denial *),
                                void *arg)
{
    moody(edge)->real->ops->listen(moody(edge)->real, fn, arg);
}

/* For a world whose node has none yet, or is about to be restarted. */
static inline void moody_init(struct moody_edge *m, struct world *w)
{
    static const struct sk_edge_ops ops = {
        .listen = moody_listen, .set = moody_set, .remove = moody_remove, .list_litter = moody_list};

    *m = (struct moody_edge){.base.ops = &ops, .real = sk_fake_edge_base(w->edge), .loop = w->loop};
    w->given_edge = &m->base;
}

#endif
