/* image_pull.c: the runs of pulls, and to whom registries have shown images. */
#include "core/images_impl.h"

#include <string.h>

#define GRANTS_MAX 4096 /* then all are forgotten, and registries asked again */
#define KEY_SIZE   (SK_REFERENCE_MAX + SK_DIGEST_SIZE)

/* --- who was shown what ------------------------------------------------------------ */

struct grant {
    struct sk_map_node node;
    char key[2 * SK_DIGEST_SIZE];
};

static void grant_key(char out[2 * SK_DIGEST_SIZE], const char *digest, const char *puller)
{
    (void)snprintf(out, 2 * SK_DIGEST_SIZE, "%.*s %s", SK_DIGEST_SIZE - 1, digest, puller);
}

void sk_pull_forget_grants(struct sk_images *images)
{
    struct sk_map_node *node;

    while ((node = sk_map_any(&images->grants))) {
        sk_map_remove(&images->grants, node);
        free(sk_map_entry(node, struct grant, node));
    }
}

/* A name keeps only the last login it was fetched with; two that take turns would ask each time. */
static void grant(struct sk_images *images, const struct sk_image *image, const char *puller)
{
    struct grant *g;
    char key[2 * SK_DIGEST_SIZE];

    grant_key(key, image->digest, puller);
    if (!puller[0] || sk_map_find(&images->grants, key))
        return;
    if (images->grants.len >= GRANTS_MAX)
        sk_pull_forget_grants(images);
    g = sk_alloc(sizeof(*g));
    memcpy(g->key, key, sizeof(key));
    sk_map_add(&images->grants, &g->node, g->key);
}

bool sk_pull_may_use(const struct sk_images *images, const struct sk_image *image, const char *puller)
{
    char key[2 * SK_DIGEST_SIZE];

    if (!image->puller[0] || !strcmp(image->puller, puller))
        return true;
    grant_key(key, image->digest, puller);
    return puller[0] && sk_map_find(&images->grants, key);
}

/* --- runs ----------------------------------------------------------------------------- */

static void end(struct sk_pull *p, const struct sk_err *err)
{
    struct sk_images *images = p->images;
    struct sk_node *node = images->node;

    images->landing = p;
    p->run->cancel = NULL;
    sk_done_fire(p->run, err);
    images->landing = NULL;
    sk_image_free(p->image);
    free(p);
    sk_node_unhold(node);
}

static void measure(const struct sk_pull *p, const struct sk_err *why)
{
    const struct sk_node *node = p->images->node;
    const struct sk_meters *m = &node->meters;

    sk_series_add(m->pulls[!why                        ? SK_PULL_DONE
                           : why->code == SK_CANCELLED ? SK_PULL_CANCELLED
                                                       : SK_PULL_FAILED],
                  1);
    if (why)
        return;
    sk_series_observe_since(m->pull_seconds, p->began, sk_loop_now(node->loop));
    sk_series_add(m->pull_bytes, (double)p->progress.total_bytes);
}

static void on_pulled(struct sk_done *done, const struct sk_err *err)
{
    struct sk_pull *p = sk_container_of(done, struct sk_pull, done);
    struct sk_images *images = p->images;
    const struct sk_err *why = p->why.code == SK_OK ? err : &p->why;

    sk_timer_stop(images->node->loop, &p->limit);
    sk_list_remove(&p->link);
    measure(p, err ? why : NULL);
    sk_timeline_add(&images->node->timeline, sk_loop_wall(images->node->loop), "image", "", "%s %s%s%s",
                    err ? "could not pull" : "pulled", p->name, err ? ": " : "", err ? why->text : "");
    if (err) {
        sk_log_err(images->node->log, why->code == SK_CANCELLED ? SK_INFO : SK_WARN, "image.pull_failed", why,
                   SK_STR("image", p->name));
        end(p, why);
        return;
    }
    sk_log(images->node->log, SK_INFO, "image.pulled", SK_STR("image", p->name),
           SK_STR("digest", p->image->digest), SK_INT("bytes", p->progress.total_bytes));
    grant(images, p->image, p->puller);
    sk_image_keep_soon(&images->keep);
    end(p, NULL);
}

static void cancel(struct sk_pull *p, const struct sk_err *why)
{
    if (p->why.code == SK_OK)
        p->why = *why;
    sk_done_cancel(&p->done);
}

/* Nobody waits any more. */
static void on_left(struct sk_done *run)
{
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    cancel(run->callee, &err);
}

static void on_limit(struct sk_timer *timer)
{
    struct sk_pull *p = sk_container_of(timer, struct sk_pull, limit);
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_DEADLINE_EXCEEDED, "pulling %s took longer than %lld s (image_pull_limit_s)",
                  p->name, (long long)(p->images->config.pull_limit.ns / 1000000000));
    cancel(p, &err);
}

static void start(void *arg, struct sk_flight *flight, struct sk_done *run)
{
    const struct sk_image_wait *wait = arg;
    struct sk_images *images = wait->images;
    struct sk_node *node = images->node;
    struct sk_pull *p = sk_alloc(sizeof(*p));
    struct sk_image_login login;

    p->images = images;
    p->began = sk_loop_now(node->loop);
    p->run = run;
    flight->user = p;
    run->callee = p;
    run->cancel = on_left;
    memcpy(p->name, wait->name, sizeof(p->name));
    memcpy(p->puller, wait->puller, sizeof(p->puller));
    sk_list_append(&images->pulls, &p->link);
    sk_node_hold(node);
    if (images->config.pull_limit.ns > 0)
        sk_timer_start(node->loop, &p->limit,
                       sk_instant_add(sk_loop_now(node->loop), images->config.pull_limit), on_limit);
    sk_done_init(&p->done, on_pulled);
    const struct sk_image_pull ask = {
        .name = p->name,
        .login = sk_pull_login_borrow(&wait->login, &login),
        .puller = p->puller,
        .max_bytes = images->config.max_bytes > 0 ? images->config.max_bytes : INT64_MAX,
        .progress = &p->progress,
    };
    images->driver->ops->pull(images->driver, &ask, &p->image, &p->done);
}

void sk_pull_join(struct sk_images *images, struct sk_image_wait *wait)
{
    char key[KEY_SIZE];

    (void)snprintf(key, sizeof(key), "%s %s", wait->name, wait->puller);
    sk_flights_join(&images->flights, key, &wait->waiter, start, wait, &wait->inner);
}

bool sk_pull_is_under_way(const struct sk_images *images, const char *name)
{
    sk_list_each(&images->pulls, link)
    {
        if (!strcmp(sk_list_entry(link, struct sk_pull, link)->name, name))
            return true;
    }
    return false;
}

void sk_pulls_cancel(struct sk_images *images, const struct sk_err *why)
{
    sk_list_each(&images->pulls, link) cancel(sk_list_entry(link, struct sk_pull, link), why);
}
