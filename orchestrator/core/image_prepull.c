#include "core/images_impl.h"

#include <string.h>

#define PAUSE_FIRST SK_SEC(10)
#define PAUSE_MOST  SK_SEC(600)

struct sk_prepull_item {
    char name[SK_REFERENCE_MAX];
    bool is_over; /* here, or never to be had */
};

static void read_list(struct sk_image_prepull *p)
{
    struct sk_images *images = p->images;
    const char *const *names = images->config.prepull;
    struct sk_err err = {0};

    p->pause = PAUSE_FIRST;
    p->at = p->count = 0;
    p->items = sk_arena_alloc(&p->arena, (sk_strings_count(names) + 1) * sizeof(p->items[0]));
    for (; *names; names++) {
        if (sk_reference_normalise(*names, p->items[p->count].name, &err) == SK_OK)
            p->count++;
        else
            sk_log_err(images->node->log, SK_ERROR, "image.not_prepulled", &err);
    }
}

void sk_image_prepull_init(struct sk_image_prepull *p, struct sk_images *images)
{
    p->images = images;
    read_list(p);
}

void sk_image_prepull_fini(struct sk_image_prepull *p)
{
    sk_arena_fini(&p->arena);
}

bool sk_image_prepull_has(const struct sk_image_prepull *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->items[i].name, name))
            return true;
    return false;
}

/* What the next try would meet again, unless somebody changes the registry or the config. */
static bool is_hopeless(const struct sk_image_prepull *p, const struct sk_err *err)
{
    return err->code == SK_INVALID_ARGUMENT || (err->reason && !strcmp(err->reason, SK_REASON_IMAGE)) ||
           p->images->config.pull_policy == SK_PULL_NEVER;
}

static void go_on(struct sk_image_prepull *p);

static void on_again(struct sk_timer *timer)
{
    struct sk_image_prepull *p = sk_container_of(timer, struct sk_image_prepull, again);

    p->at = 0;
    go_on(p);
}

/* The end of a turn through the list. */
static void rest(struct sk_image_prepull *p)
{
    struct sk_loop *loop = p->images->node->loop;
    bool is_over = true;

    for (size_t i = 0; i < p->count; i++)
        is_over &= p->items[i].is_over;
    if (is_over)
        return;
    sk_timer_start(loop, &p->again, sk_instant_add(sk_loop_now(loop), p->pause), on_again);
    p->pause = sk_duration_double(p->pause, PAUSE_MOST);
}

static void begin_anew(struct sk_image_prepull *p)
{
    p->is_stale = false;
    sk_timer_stop(p->images->node->loop, &p->again);
    sk_arena_fini(&p->arena);
    read_list(p);
    if (p->started)
        go_on(p);
}

static void on_fetched(struct sk_done *done, const struct sk_err *err)
{
    struct sk_image_prepull *p = sk_container_of(done, struct sk_image_prepull, done);
    struct sk_node *node = p->images->node;
    struct sk_prepull_item *item = &p->items[p->at++];

    p->busy = false;
    sk_image_free(sk_take(p->image));
    item->is_over = !err || is_hopeless(p, err);
    if (err && !node->stopping)
        sk_log_err(node->log, SK_WARN, "image.not_prepulled", err, SK_STR("image", item->name));
    if (!node->stopping && p->is_stale)
        begin_anew(p);
    else if (!node->stopping)
        go_on(p);
    sk_node_unhold(node);
}

static void go_on(struct sk_image_prepull *p)
{
    while (p->at < p->count && p->items[p->at].is_over)
        p->at++;
    if (p->at == p->count) {
        rest(p);
        return;
    }
    p->busy = true;
    sk_node_hold(p->images->node);
    sk_done_init(&p->done, on_fetched);
    sk_images_ensure(p->images, &p->wait, p->items[p->at].name, NULL, &p->image, &p->done);
}

void sk_image_prepull_renew(struct sk_image_prepull *p)
{
    p->is_stale = true;
    if (!p->busy)
        begin_anew(p);
}

void sk_image_prepull_start(struct sk_image_prepull *p)
{
    p->started = true;
    go_on(p);
}

void sk_image_prepull_stop(struct sk_image_prepull *p)
{
    sk_timer_stop(p->images->node->loop, &p->again);
    if (p->busy)
        sk_done_cancel(&p->done);
}
