#include "drivers/fake/shelf.h"

#include <string.h>

static struct sk_fake_thing *thing_of(struct sk_list *link)
{
    return sk_list_entry(link, struct sk_fake_thing, link);
}

void sk_fake_shelf_init(struct sk_fake_shelf *shelf)
{
    sk_list_init(&shelf->things);
}

void sk_fake_shelf_fini(struct sk_fake_shelf *shelf)
{
    sk_list_each(&shelf->things, link) sk_fake_shelf_remove(thing_of(link));
}

struct sk_fake_thing *sk_fake_shelf_find(const struct sk_fake_shelf *shelf, enum sk_fake_kind kind,
                                         const char *key)
{
    sk_list_each(&shelf->things, link)
    {
        struct sk_fake_thing *thing = thing_of(link);
        if (thing->kind == kind && strcmp(thing->key, key) == 0)
            return thing;
    }
    return NULL;
}

struct sk_fake_thing *sk_fake_shelf_put(struct sk_fake_shelf *shelf, enum sk_fake_kind kind, const char *key)
{
    struct sk_fake_thing *thing = sk_fake_shelf_find(shelf, kind, key);

    if (thing)
        return thing;
    thing = sk_alloc(sizeof(*thing));
    thing->kind = kind;
    thing->key = sk_strdup(key);
    sk_list_init(&thing->holds);
    sk_list_append(&shelf->things, &thing->link);
    return thing;
}

static void drop_hold(struct sk_fake_hold *hold)
{
    sk_list_remove(&hold->link);
    free(hold->lease);
    free(hold);
}

void sk_fake_shelf_remove(struct sk_fake_thing *thing)
{
    if (!thing)
        return;
    sk_list_remove(&thing->link);
    sk_list_each(&thing->holds, link) drop_hold(sk_list_entry(link, struct sk_fake_hold, link));
    sk_buf_fini(&thing->bytes);
    sk_arena_fini(&thing->arena);
    free(thing->key);
    free(thing);
}

size_t sk_fake_shelf_count(const struct sk_fake_shelf *shelf, enum sk_fake_kind kind)
{
    size_t count = 0;

    sk_list_each(&shelf->things, link) count += thing_of(link)->kind == kind;
    return count;
}

static bool is_held_by(const struct sk_fake_thing *thing, const char *lease)
{
    sk_list_each(&thing->holds, link) if (strcmp(sk_list_entry(link, struct sk_fake_hold, link)->lease,
                                                 lease) == 0) return true;
    return false;
}

enum sk_code sk_fake_shelf_hold(struct sk_fake_shelf *shelf, struct sk_fake_thing *thing, const char *lease,
                                struct sk_err *err)
{
    if (!lease || is_held_by(thing, lease))
        return SK_OK;
    if (!sk_fake_shelf_find(shelf, SK_FAKE_LEASE, lease))
        return sk_fail(err, SK_NOT_FOUND, "there is no lease %s", lease);
    struct sk_fake_hold *hold = sk_alloc(sizeof(*hold));
    hold->lease = sk_strdup(lease);
    sk_list_append(&thing->holds, &hold->link);
    return SK_OK;
}

/* --- collecting ----------------------------------------------------------------- */

static void forget_lease(struct sk_fake_shelf *shelf, struct sk_fake_thing *thing)
{
    sk_list_each(&thing->holds, link)
    {
        struct sk_fake_hold *hold = sk_list_entry(link, struct sk_fake_hold, link);
        if (!sk_fake_shelf_find(shelf, SK_FAKE_LEASE, hold->lease))
            drop_hold(hold);
    }
}

static bool is_root(const struct sk_fake_thing *thing)
{
    return thing->kind == SK_FAKE_LEASE || thing->kind == SK_FAKE_IMAGE ||
           (thing->kind == SK_FAKE_WRITE && thing->is_used) || !sk_list_is_empty(&thing->holds);
}

/* Whether that was news. */
static bool mark(const struct sk_fake_shelf *shelf, enum sk_fake_kind kind, const char *key)
{
    struct sk_fake_thing *thing = sk_fake_shelf_find(shelf, kind, key);
    bool is_news = thing && !thing->is_marked;

    if (is_news)
        thing->is_marked = true;
    return is_news;
}

static bool mark_kept(const struct sk_fake_shelf *shelf, const struct sk_fake_thing *thing)
{
    bool is_news = false;

    if (thing->kind == SK_FAKE_IMAGE)
        is_news = mark(shelf, SK_FAKE_BLOB, thing->image.target.digest);
    if (thing->parent)
        is_news |= mark(shelf, SK_FAKE_SNAPSHOT, thing->parent);
    for (size_t i = 0; i < thing->ref_count; i++)
        is_news |=
            mark(shelf, thing->refs[i].is_snapshot ? SK_FAKE_SNAPSHOT : SK_FAKE_BLOB, thing->refs[i].target);
    return is_news;
}

static bool mark_more(const struct sk_fake_shelf *shelf)
{
    bool is_news = false;

    sk_list_each(&shelf->things, link) if (thing_of(link)->is_marked) is_news |=
        mark_kept(shelf, thing_of(link));
    return is_news;
}

void sk_fake_shelf_collect(struct sk_fake_shelf *shelf, struct sk_wall now)
{
    sk_list_each(&shelf->things, link)
    {
        struct sk_fake_thing *thing = thing_of(link);
        if (thing->kind == SK_FAKE_LEASE && thing->until.ns <= now.ns)
            sk_fake_shelf_remove(thing);
    }
    sk_list_each(&shelf->things, link)
    {
        forget_lease(shelf, thing_of(link));
        thing_of(link)->is_marked = is_root(thing_of(link));
    }
    while (mark_more(shelf))
        ;
    sk_list_each(&shelf->things, link) if (!thing_of(link)->is_marked) sk_fake_shelf_remove(thing_of(link));
}
