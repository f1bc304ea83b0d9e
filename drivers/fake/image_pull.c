/* image_pull.c: pulls from registries in memory: the registry is asked (one
 * call), then layer after layer comes. */
#include "drivers/fake/image_impl.h"

struct sk_fake_pull {
    struct sk_list link;
    struct sk_fake_images *images;
    struct sk_done asked;
    struct sk_done *done;
    struct sk_timer timer;
    struct sk_fake_entry *source; /* as the registry showed it; a copy, in `copies` */
    struct sk_list copies;
    struct sk_image_progress *progress;
    struct sk_image **out_image;
    int64_t max_bytes;
    char *name, *puller, *username, *password;
};

static void end(struct sk_fake_pull *p, const struct sk_err *err)
{
    struct sk_done *done = p->done;

    sk_list_remove(&p->link);
    sk_timer_stop(p->images->calls.loop, &p->timer);
    sk_fake_entry_remove(p->source);
    free(p->name);
    free(p->puller);
    free(p->username);
    free(p->password);
    free(p);
    done->cancel = NULL;
    sk_done_fire(done, err);
}

static void arrive(struct sk_fake_pull *p)
{
    const struct sk_fake_entry *here = sk_fake_entry_find(&p->images->local, p->name);
    bool is_shared = here && !here->puller[0] && !strcmp(here->digest, p->source->digest);
    struct sk_fake_entry *entry = sk_fake_entry_put(&p->images->local, &p->source->image);

    entry->created_s = sk_loop_wall(p->images->calls.loop).ns / 1000000000;
    (void)snprintf(entry->puller, sizeof(entry->puller), "%s", is_shared ? "" : p->puller);
    p->progress->phase = SK_IMAGE_DONE;
    *p->out_image = sk_fake_entry_describe(entry);
    end(p, NULL);
}

static void on_layer(struct sk_timer *timer)
{
    struct sk_fake_pull *p = sk_container_of(timer, struct sk_fake_pull, timer);
    struct sk_loop *loop = p->images->calls.loop;
    struct sk_image_progress *progress = p->progress;

    progress->layers_done++;
    progress->done_bytes = progress->total_bytes * progress->layers_done / progress->layers;
    if (progress->layers_done == progress->layers)
        arrive(p);
    else
        sk_timer_start(loop, timer, sk_instant_add(sk_loop_now(loop), p->images->pace), on_layer);
}

static void on_asked(struct sk_done *asked, const struct sk_err *err)
{
    struct sk_fake_pull *p = sk_container_of(asked, struct sk_fake_pull, asked);
    struct sk_loop *loop = p->images->calls.loop;
    const struct sk_fake_entry *here;

    if (err) {
        end(p, err);
        return;
    }
    here = sk_fake_entry_find(&p->images->local, p->name);
    p->progress->phase = SK_IMAGE_DOWNLOADING;
    p->progress->layers = p->source->image.layers ? p->source->image.layers : 1;
    p->progress->total_bytes = p->source->image.bytes / 2;
    if (here && !strcmp(here->digest, p->source->digest)) { /* all of it is here */
        p->progress->layers_done = p->progress->layers;
        p->progress->done_bytes = p->progress->total_bytes;
        arrive(p);
        return;
    }
    sk_timer_start(loop, &p->timer, sk_instant_add(sk_loop_now(loop), p->images->pace), on_layer);
}

static bool is_shown_to(const struct sk_fake_image *image, const struct sk_fake_pull *p)
{
    return !image->username ||
           (p->username && !strcmp(p->username, image->username) && !strcmp(p->password, image->password));
}

/* What the registry says. */
static enum sk_code resolve(struct sk_fake_call *c, struct sk_err *err)
{
    struct sk_fake_pull *p = c->target;
    const struct sk_fake_entry *entry = sk_fake_entry_find(&p->images->remote, p->name);

    p->images->pull_count++;
    if (p->images->cut)
        return sk_fail(err, SK_UNAVAILABLE, "the registry of %s does not answer", p->name);
    if (!entry)
        return sk_fail(err, SK_NOT_FOUND, "image %s was not found (the registry answered 404)", p->name);
    if (!is_shown_to(&entry->image, p))
        return sk_fail(err, SK_UNAUTHENTICATED, "image %s was refused (the registry answered 401)", p->name);
    if (entry->image.bytes > p->max_bytes)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "image %s is larger than allowed", p->name);
    p->source = sk_fake_entry_put(&p->copies, &entry->image);
    return SK_OK;
}

static void cancel(struct sk_done *done)
{
    struct sk_fake_pull *p = done->callee;
    struct sk_loop *loop = p->images->calls.loop;
    struct sk_err err = {0};

    done->cancel = NULL;
    if (!p->timer.slot) {
        sk_done_cancel(&p->asked);
        return;
    }
    sk_timer_stop(loop, &p->timer);
    (void)sk_fail(&err, SK_CANCELLED, "the pull was cancelled");
    sk_done_init(&p->asked, on_asked);    /* it has fired once */
    sk_done_later(loop, &p->asked, &err); /* which ends it */
}

void sk_fake_pull(struct sk_image_driver *base, const struct sk_image_pull *pull, struct sk_image **out_image,
                  struct sk_done *done)
{
    struct sk_fake_pull *p = sk_alloc(sizeof(*p));
    const struct sk_fake_call how = {.target = p, .out = out_image, .asks = true, .effect = resolve};

    p->images = sk_fake_images_of(base);
    p->done = done;
    p->progress = pull->progress;
    p->out_image = out_image;
    p->max_bytes = pull->max_bytes;
    p->name = sk_strdup(pull->name);
    p->puller = sk_strdup(pull->puller);
    p->username = sk_strdup(pull->login ? pull->login->username : NULL);
    p->password = sk_strdup(pull->login ? pull->login->password : NULL);
    *p->progress = (struct sk_image_progress){0};
    sk_list_init(&p->copies);
    sk_list_append(&p->images->pulls, &p->link);
    done->callee = p;
    done->cancel = cancel;
    sk_done_init(&p->asked, on_asked);
    sk_fake_call(&p->images->calls, "image.pull", &how, &p->asked);
}
