#include "identity/guest_uses.h"

#include <assert.h>
#include <string.h>

/* What is under way with one key, for one entity. */
struct sk_guest_watch {
    struct sk_guest_uses *uses;
    struct sk_map_node by_name;
    struct sk_list link; /* of uses->list */
    char name[sizeof(((struct sk_guest_ask *)NULL)->name)];
    char *key, *entity;    /* owned */
    struct sk_guest guest; /* as whom they came in */
    struct sk_list list;   /* struct sk_guest_use; empty: it goes when its question is over */
    struct sk_timer timer;
    struct sk_guest_ask ask;
    struct sk_done asked;
    bool is_asking, is_doubted; /* doubted: the question under way is not the one that counts */
    bool is_lost;               /* that was told, and nobody was let in since */
};

void sk_guest_uses_init(struct sk_guest_uses *uses, struct sk_loop *loop, const struct sk_guest_uses_ops *ops,
                        void *arg)
{
    *uses = (struct sk_guest_uses){.loop = loop, .ops = ops, .arg = arg};
    sk_map_init(&uses->watches);
    sk_list_init(&uses->list);
}

void sk_guest_uses_fini(struct sk_guest_uses *uses)
{
    assert(!uses->watches.len && !uses->asking);
    sk_map_fini(&uses->watches);
}

static void watch_free(struct sk_guest_watch *watch)
{
    explicit_bzero(watch->key, strlen(watch->key));
    free(watch->key);
    free(watch->entity);
    free(watch);
}

/* --- asking again ------------------------------------------------------------------ */

static void on_timer(struct sk_timer *timer);
static void on_asked(struct sk_done *asked, const struct sk_err *err);

static void arm_in(struct sk_guest_watch *watch, struct sk_duration in)
{
    sk_timer_start(watch->uses->loop, &watch->timer, sk_instant_add(sk_loop_now(watch->uses->loop), in),
                   on_timer);
}

/* False: it is to be asked for. */
static bool arm_if_fresh(struct sk_guest_watch *watch)
{
    struct sk_instant until = watch->uses->ops->fresh_until(watch->uses->arg, watch->name);
    struct sk_duration left = SK_NS(0);

    if (sk_instant_is_set(until))
        left = sk_instant_diff(until, sk_loop_now(watch->uses->loop));
    if (left.ns > 0)
        arm_in(watch, left);
    return left.ns > 0;
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_guest_watch *watch = sk_container_of(timer, struct sk_guest_watch, timer);
    struct sk_guest_uses *uses = watch->uses;

    if (arm_if_fresh(watch))
        return; /* a call has asked meanwhile */
    if (uses->asking >= SK_GUESTS_AGAIN_MAX) {
        arm_in(watch, SK_SEC(1));
        return;
    }
    uses->asking++;
    watch->is_asking = true;
    watch->is_doubted = false;
    watch->ask = (struct sk_guest_ask){.key = watch->key, .entity = watch->entity, .done = &watch->asked};
    memcpy(watch->ask.name, watch->name, sizeof(watch->name));
    sk_done_init(&watch->asked, on_asked);
    uses->ops->ask(uses->arg, &watch->ask);
}

/* What was said has been told by sk_guest_uses_change. */
static void on_asked(struct sk_done *asked, const struct sk_err *err)
{
    struct sk_guest_watch *watch = sk_container_of(asked, struct sk_guest_watch, asked);
    struct sk_guest_uses *uses = watch->uses;

    (void)err;
    watch->is_asking = false;
    uses->asking--;
    if (sk_list_is_empty(&watch->list))
        watch_free(watch);
    else if (!arm_if_fresh(watch))
        arm_in(watch, watch->is_doubted ? SK_NS(0) : SK_GUEST_AGAIN_IN);
    if (!uses->asking)
        uses->ops->on_idle(uses->arg);
}

/* --- what is held ------------------------------------------------------------------ */

static struct sk_guest_watch *find(const struct sk_guest_uses *uses, const char *name)
{
    struct sk_map_node *node = sk_map_find(&uses->watches, name);
    return node ? sk_map_entry(node, struct sk_guest_watch, by_name) : NULL;
}

static struct sk_guest_watch *watch_new(struct sk_guest_uses *uses, const struct sk_guest_ask *ask)
{
    struct sk_guest_watch *watch = sk_alloc(sizeof(*watch));

    *watch = (struct sk_guest_watch){
        .uses = uses, .key = sk_strdup(ask->key), .entity = sk_strdup(ask->entity), .guest = ask->guest};
    memcpy(watch->name, ask->name, sizeof(watch->name));
    sk_list_init(&watch->list);
    sk_map_add(&uses->watches, &watch->by_name, watch->name);
    sk_list_append(&uses->list, &watch->link);
    if (!arm_if_fresh(watch))
        arm_in(watch, SK_GUEST_AGAIN_IN);
    return watch;
}

void sk_guest_uses_hold(struct sk_guest_uses *uses, struct sk_guest_use *use, const struct sk_guest_ask *ask)
{
    use->watch = find(uses, ask->name);
    if (!use->watch)
        use->watch = watch_new(uses, ask);
    sk_list_append(&use->watch->list, &use->link);
}

void sk_guests_release(struct sk_guest_use *use)
{
    struct sk_guest_watch *watch = sk_take(use->watch);

    if (!watch)
        return;
    sk_list_remove(&use->link);
    if (!sk_list_is_empty(&watch->list))
        return;
    sk_map_remove(&watch->uses->watches, &watch->by_name);
    sk_list_remove(&watch->link);
    sk_timer_stop(watch->uses->loop, &watch->timer);
    if (watch->is_asking)
        sk_done_cancel(&watch->asked);
    else
        watch_free(watch);
}

static void lose(struct sk_guest_watch *watch)
{
    struct sk_guest_uses *uses = watch->uses;

    if (watch->is_lost)
        return;
    watch->is_lost = true;
    uses->ops->on_guest_lost(uses->arg, &watch->guest);
    sk_list_each(&watch->list, link)
        uses->ops->on_use_lost(uses->arg, sk_list_entry(link, struct sk_guest_use, link));
}

void sk_guest_uses_change(struct sk_guest_uses *uses, const char *name, const struct sk_guest *now)
{
    struct sk_guest_watch *watch = find(uses, name);

    if (!watch)
        return;
    if (!now || strcmp(now->tenant, watch->guest.tenant) != 0)
        lose(watch);
    if (!now)
        return;
    watch->guest = *now; /* as whom those come in that come now */
    watch->is_lost = false;
}

void sk_guest_uses_doubt(struct sk_guest_uses *uses)
{
    sk_list_each(&uses->list, link)
    {
        struct sk_guest_watch *watch = sk_list_entry(link, struct sk_guest_watch, link);
        watch->is_doubted = watch->is_asking;
        if (!watch->is_asking)
            arm_in(watch, SK_NS(0));
    }
}

void sk_guest_uses_sift(struct sk_guest_uses *uses, bool (*may_stay)(void *arg, const struct sk_guest *guest),
                        void *arg)
{
    sk_list_each(&uses->list, link)
    {
        struct sk_guest_watch *watch = sk_list_entry(link, struct sk_guest_watch, link);
        if (!may_stay(arg, &watch->guest))
            lose(watch);
    }
}
