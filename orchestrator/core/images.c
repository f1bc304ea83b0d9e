#include "core/images_impl.h"

#include "core/sandbox_impl.h"

#include <assert.h>
#include <string.h>

/* --- birth and death --------------------------------------------------------------- */

static void take_config(struct sk_images *images, const struct sk_images_config *config,
                        const char *login_salt)
{
    images->config = *config;
    images->config.allow = sk_strings_copy(&images->arena, config->allow);
    images->config.deny = sk_strings_copy(&images->arena, config->deny);
    images->config.prepull = sk_strings_copy(&images->arena, config->prepull);
    images->config.pinned = sk_strings_copy(&images->arena, config->pinned);
    images->config.login_salt = sk_arena_strdup(&images->arena, login_salt);
}

struct sk_images *sk_images_open(struct sk_node *node, const struct sk_images_config *config)
{
    struct sk_images *images = sk_alloc(sizeof(*images));

    images->node = node;
    images->driver = node->image_driver;
    take_config(images, config, config->login_salt);
    sk_flights_init(&images->flights, node->loop);
    sk_list_init(&images->pulls);
    sk_list_init(&images->removals);
    sk_map_init(&images->grants);
    sk_image_uses_init(&images->uses, images);
    sk_image_prepull_init(&images->prepull, images);
    sk_image_keep_init(&images->keep, images);
    return images;
}

void sk_images_free(struct sk_images *images)
{
    if (!images)
        return;
    assert(sk_list_is_empty(&images->pulls) && sk_list_is_empty(&images->removals));
    sk_image_keep_fini(&images->keep);
    sk_image_prepull_fini(&images->prepull);
    sk_image_uses_fini(&images->uses);
    sk_pull_forget_grants(images);
    sk_map_fini(&images->grants);
    sk_flights_fini(&images->flights);
    sk_arena_fini(&images->arena);
    free(images);
}

void sk_images_start(struct sk_images *images)
{
    sk_image_prepull_start(&images->prepull);
    sk_image_keep_start(&images->keep);
}

void sk_images_configure(struct sk_images *images, const struct sk_images_config *config)
{
    struct sk_arena old = images->arena;

    images->arena = (struct sk_arena){0};
    take_config(images, config, images->config.login_salt);
    sk_arena_fini(&old);
    sk_image_prepull_renew(&images->prepull);
    if (images->prepull.started)
        sk_image_keep_start(&images->keep);
}

void sk_images_stop(struct sk_images *images)
{
    struct sk_err why = {0};

    sk_node_stopping_err(&why);
    sk_image_keep_stop(&images->keep);
    sk_image_prepull_stop(&images->prepull);
    sk_image_uses_stop(&images->uses);
    sk_removals_cancel(images);
    sk_pulls_cancel(images, &why);
}

struct sk_image_driver *sk_images_driver(const struct sk_images *images)
{
    return images->driver;
}

const struct sk_images_config *sk_images_config(const struct sk_images *images)
{
    return &images->config;
}

/* --- what may be used, and what is used ---------------------------------------------- */

static enum sk_code name_of(const struct sk_images *images, const char *reference,
                            char out_name[SK_REFERENCE_MAX], struct sk_err *err)
{
    enum sk_code code = sk_reference_normalise(reference, out_name, err);

    return code == SK_OK ? sk_image_policy_check(images->config.allow, images->config.deny, out_name, err)
                         : code;
}

enum sk_code sk_images_check(const struct sk_images *images, const char *reference, struct sk_err *err)
{
    char name[SK_REFERENCE_MAX];

    return name_of(images, reference, name, err);
}

bool sk_images_in_use(const struct sk_images *images, const char *name)
{
    char used[SK_REFERENCE_MAX];

    sk_list_each(&images->node->live, link)
    {
        const struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, live);
        if (sk_reference_normalise(s->record->spec.image, used, NULL) == SK_OK && !strcmp(used, name))
            return true;
    }
    return false;
}

/* --- one who waits --------------------------------------------------------------------- */

static void answer(struct sk_image_wait *wait, const struct sk_err *err)
{
    struct sk_done *done = sk_take(wait->done);

    sk_image_free(sk_take(wait->found));
    sk_pull_login_fini(&wait->login);
    done->cancel = NULL;
    sk_done_fire(done, err);
}

/* In the next turn, since this may be inside the call that began the wait. */
static void on_refused(struct sk_done *inner, const struct sk_err *err)
{
    answer(sk_container_of(inner, struct sk_image_wait, inner), err);
}

static void refuse(struct sk_image_wait *wait, const struct sk_err *err)
{
    sk_done_init(&wait->inner, on_refused);
    sk_done_later(wait->images->node->loop, &wait->inner, err);
}

static void refuse_cancelled(struct sk_image_wait *wait)
{
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    refuse(wait, &err);
}

static void give(struct sk_image_wait *wait, struct sk_image *image_take)
{
    sk_image_uses_note(&wait->images->uses, wait->name);
    *wait->out_image = image_take;
    answer(wait, NULL);
}

static void on_pulled(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_wait *wait = sk_container_of(inner, struct sk_image_wait, inner);
    struct sk_err why;

    if (!err) {
        give(wait, sk_image_copy(wait->images->landing->image));
        return;
    }
    why = *err;
    if (err->code == SK_UNAVAILABLE && wait->images->config.pull_policy == SK_PULL_ALWAYS && !wait->forced)
        (void)sk_err_wrap(&why, "image_pull_policy is \"always\", so the registry must answer");
    answer(wait, &why);
}

static void fetch(struct sk_image_wait *wait)
{
    struct sk_err err = {0};

    if (wait->cancelled) {
        refuse_cancelled(wait);
        return;
    }
    if (wait->images->node->stopping) {
        sk_node_stopping_err(&err);
        refuse(wait, &err);
        return;
    }
    if (sk_removal_park(wait->images, wait))
        return;
    sk_done_init(&wait->inner, on_pulled);
    wait->pulled = true;
    sk_pull_join(wait->images, wait);
}

/* It lies here, but this login has not been shown it. */
static void found_anothers(struct sk_image_wait *wait)
{
    struct sk_err err = {0};

    sk_image_free(sk_take(wait->found));
    if (wait->images->config.pull_policy != SK_PULL_NEVER) {
        fetch(wait);
        return;
    }
    (void)sk_fail(&err, SK_PERMISSION_DENIED,
                  "image %s was fetched with another login, and image_pull_policy is \"never\"", wait->name);
    answer(wait, &err);
}

static void found_none(struct sk_image_wait *wait)
{
    struct sk_err err = {0};

    if (wait->images->config.pull_policy != SK_PULL_NEVER) {
        fetch(wait);
        return;
    }
    (void)sk_fail(&err, SK_NOT_FOUND, "image %s is not on this node and image_pull_policy is \"never\"",
                  wait->name);
    answer(wait, &err);
}

static void on_found(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_image_wait *wait = sk_container_of(inner, struct sk_image_wait, inner);

    if (!err && sk_pull_may_use(wait->images, wait->found, wait->puller))
        give(wait, sk_take(wait->found));
    else if (!err)
        found_anothers(wait);
    else if (err->code == SK_NOT_FOUND)
        found_none(wait);
    else
        answer(wait, err);
}

static void begin(struct sk_image_wait *wait)
{
    struct sk_images *images = wait->images;

    if (wait->forced || images->config.pull_policy == SK_PULL_ALWAYS) {
        fetch(wait);
    } else if (!sk_removal_park(images, wait)) {
        sk_done_init(&wait->inner, on_found);
        images->driver->ops->find(images->driver, wait->name, &wait->found, &wait->inner);
    }
}

void sk_image_wait_resume(struct sk_image_wait *wait)
{
    begin(wait);
}

static void cancel_wait(struct sk_done *done)
{
    struct sk_image_wait *wait = done->callee;

    done->cancel = NULL;
    wait->cancelled = true;
    if (sk_list_is_linked(&wait->parked)) {
        sk_list_remove(&wait->parked);
        refuse_cancelled(wait);
    } else {
        sk_done_cancel(&wait->inner);
    }
}

static void start_wait(struct sk_images *images, struct sk_image_wait *wait, bool forced,
                       const char *reference, const struct sk_image_login *login, struct sk_image **out_image,
                       struct sk_done *done)
{
    struct sk_err err = {0};

    assert(!wait->done);
    *wait = (struct sk_image_wait){.images = images, .forced = forced, .out_image = out_image, .done = done};
    done->callee = wait;
    done->cancel = cancel_wait;
    if (name_of(images, reference, wait->name, &err) != SK_OK) {
        refuse(wait, &err);
        return;
    }
    sk_pull_login_copy(&wait->login, login);
    sk_pull_login_digest(&wait->login, images->config.login_salt, wait->puller);
    begin(wait);
}

void sk_images_ensure(struct sk_images *images, struct sk_image_wait *wait, const char *reference,
                      const struct sk_image_login *login, struct sk_image **out_image, struct sk_done *done)
{
    start_wait(images, wait, false, reference, login, out_image, done);
}

void sk_images_pull(struct sk_images *images, struct sk_image_wait *wait, const char *reference,
                    const struct sk_image_login *login, struct sk_image **out_image, struct sk_done *done)
{
    start_wait(images, wait, true, reference, login, out_image, done);
}

/* --- what is seen of it ------------------------------------------------------------------ */

const struct sk_image_progress *sk_image_wait_progress(const struct sk_image_wait *wait)
{
    const struct sk_flight *flight = wait->waiter.flight;

    if (!wait->done || !sk_list_is_linked(&wait->waiter.link))
        return NULL;
    if (wait->images->landing || flight->is_leaving || !flight->user)
        return NULL;
    return &((const struct sk_pull *)flight->user)->progress;
}

static int percent_of(const struct sk_image_progress *p)
{
    int percent = (int)((double)p->done_bytes * 100 / (double)p->total_bytes);

    return percent < 0 ? 0 : percent > 100 ? 100 : percent;
}

void sk_image_wait_describe(const struct sk_image_wait *wait, char out[SK_IMAGE_WAIT_TEXT])
{
    const struct sk_image_progress *p = sk_image_wait_progress(wait);

    out[0] = '\0';
    if (!p)
        return;
    if (p->phase == SK_IMAGE_UNPACKING && p->layers)
        (void)snprintf(out, SK_IMAGE_WAIT_TEXT, "unpacking %s, %u of %u layers", wait->name, p->layers_done,
                       p->layers);
    else if (p->phase != SK_IMAGE_WAITING && p->total_bytes > 0)
        (void)snprintf(out, SK_IMAGE_WAIT_TEXT, "pulling %s %d %%", wait->name, percent_of(p));
    else
        (void)snprintf(out, SK_IMAGE_WAIT_TEXT, "pulling %s", wait->name);
}
