#include "drivers/images/layers.h"
#include "drivers/images/inodes.h"

static void go_on(struct sk_layers *layers);

static struct sk_images_driver *driver_of(const struct sk_layers *layers)
{
    return layers->ask.lease->driver;
}

static size_t count_of(const struct sk_layers *layers)
{
    return layers->ask.facts->said.layer_count;
}

static void note_fault(struct sk_layers *layers, const struct sk_err *err)
{
    if (err && layers->fault.code == SK_OK)
        layers->fault = *err;
}

/* --- the end ------------------------------------------------------------------------- */

static void give_up(struct sk_layers *layers)
{
    for (unsigned i = 0; i < layers->slot_count; i++)
        if (layers->slots[i].is_busy)
            sk_done_cancel(&layers->slots[i].came);
    if (layers->is_stepping)
        sk_done_cancel(&layers->step);
    sk_aheads_give_up(&layers->aheads);
}

static void finish(struct sk_layers *layers)
{
    free(sk_take(layers->slots));
    free(sk_take(layers->is_here));
    sk_aheads_fini(&layers->aheads);
    sk_done_fire(layers->done, layers->fault.code == SK_OK ? NULL : &layers->fault);
}

/* --- fetching ------------------------------------------------------------------------- */

static void on_layer(struct sk_done *came, const struct sk_err *err)
{
    struct sk_layer_slot *slot = sk_container_of(came, struct sk_layer_slot, came);
    struct sk_layers *layers = slot->layers;

    slot->is_busy = false;
    layers->busy--;
    layers->is_here[slot->layer] = !err;
    note_fault(layers, err);
    go_on(layers);
}

static void fetch_into(struct sk_layer_slot *slot, size_t layer)
{
    struct sk_layers *layers = slot->layers;

    slot->layer = layer;
    slot->is_busy = true;
    layers->busy++;
    sk_done_init(&slot->came, on_layer);
    sk_want_start(&slot->want,
                  &(struct sk_want_ask){
                      .lease = layers->ask.lease,
                      .source = layers->ask.source,
                      .what = &layers->ask.facts->said.layers[layer],
                      .progress = &layers->ask.progress->done_bytes,
                  },
                  &slot->came);
}

static void fetch_more(struct sk_layers *layers)
{
    for (unsigned i = 0; i < layers->slot_count && layers->next < count_of(layers); i++)
        if (!layers->slots[i].is_busy)
            fetch_into(&layers->slots[i], layers->next++);
}

/* --- unpacking ------------------------------------------------------------------------- */

static void step_ended(struct sk_layers *layers, const struct sk_err *err)
{
    layers->is_stepping = false;
    note_fault(layers, err);
    go_on(layers);
}

static void note_bytes(struct sk_layers *layers, int64_t bytes)
{
    if (bytes < 0)
        return; /* it is to be measured */
    layers->measured += bytes;
    layers->measured_at = layers->unpacked;
}

static void on_measured(struct sk_done *step, const struct sk_err *err)
{
    struct sk_layers *layers = sk_container_of(step, struct sk_layers, step);

    if (!err)
        note_bytes(layers, layers->more);
    step_ended(layers, err);
}

/* Those that were there already, one question each: of the others their unpacking tells. */
static void measure(struct sk_layers *layers)
{
    struct sk_content *content = driver_of(layers)->content;

    layers->is_stepping = true;
    sk_done_init(&layers->step, on_measured);
    content->ops->measure(content, sk_facts_chain(layers->ask.facts, layers->unpacked),
                          sk_facts_chain(layers->ask.facts, layers->measured_at), &layers->more,
                          &layers->step);
}

static void on_unpacked(struct sk_done *step, const struct sk_err *err)
{
    struct sk_layers *layers = sk_container_of(step, struct sk_layers, step);

    sk_aheads_give_back(&layers->aheads, layers->unpacked, sk_take(layers->layering.ask.ahead_take));
    if (!err) {
        layers->ask.progress->layers_done = (unsigned)++layers->unpacked;
        note_bytes(layers, layers->layering.bytes);
    }
    step_ended(layers, err);
}

static struct sk_unpack_ask ask_for(const struct sk_layers *layers, size_t layer)
{
    struct sk_facts *facts = layers->ask.facts;
    int64_t room = layers->ask.max_bytes - layers->measured;

    room = room > 0 ? room : 0;
    return (struct sk_unpack_ask){
        .layer = facts->said.layers[layer],
        .diff_id = facts->config.diff_ids[layer],
        .parent = sk_facts_chain(facts, layer),
        .chain = sk_facts_chain(facts, layer + 1),
        .max_bytes = room,
        .max_inodes = sk_inodes_for(room),
    };
}

static void unpack(struct sk_layers *layers)
{
    struct sk_unpack_ask ask = ask_for(layers, layers->unpacked);

    ask.ahead_take = sk_aheads_take(&layers->aheads, layers->unpacked);
    layers->is_stepping = true;
    sk_done_init(&layers->step, on_unpacked);
    sk_layering_start(&layers->layering, layers->ask.lease, &ask, &layers->step);
}

/* Those that have come before their turn. */
static void unpack_ahead(struct sk_layers *layers)
{
    unsigned at_once = driver_of(layers)->layers_at_once - (layers->is_stepping ? 1 : 0);

    for (size_t i = layers->unpacked + 1; i < count_of(layers); i++) {
        struct sk_unpack_ask ask = ask_for(layers, i);
        if (layers->is_here[i])
            sk_aheads_offer(&layers->aheads, i, &ask, at_once);
    }
}

static void on_ahead(struct sk_aheads *aheads)
{
    go_on(sk_container_of(aheads, struct sk_layers, aheads));
}

/* The next step of unpacking, if it can be taken. */
static void unpack_more(struct sk_layers *layers)
{
    size_t at = layers->unpacked;

    if (layers->is_stepping || at == count_of(layers) || sk_aheads_comes(&layers->aheads, at))
        return;
    if (layers->measured_at != at)
        measure(layers);
    else if (layers->is_here[at])
        unpack(layers);
}

static void tell_phase(struct sk_layers *layers)
{
    bool comes = layers->busy > 0 || layers->next < count_of(layers);
    layers->ask.progress->phase = comes ? SK_IMAGE_DOWNLOADING : SK_IMAGE_UNPACKING;
}

static void go_on(struct sk_layers *layers)
{
    if (layers->fault.code == SK_OK) {
        fetch_more(layers);
        unpack_more(layers);
        unpack_ahead(layers);
        tell_phase(layers);
    } else {
        give_up(layers);
    }
    if (layers->busy == 0 && !layers->is_stepping && sk_aheads_is_idle(&layers->aheads))
        finish(layers);
}

/* --- what lies unpacked already ---------------------------------------------------------- */

static void find_base(struct sk_layers *layers);

static void count_what_is_there(struct sk_layers *layers)
{
    for (size_t i = 0; i < layers->unpacked; i++)
        layers->ask.progress->done_bytes += layers->ask.facts->said.layers[i].size;
    layers->ask.progress->layers_done = (unsigned)layers->unpacked;
    layers->next = layers->unpacked;
}

static void on_base(struct sk_done *step, const struct sk_err *err)
{
    struct sk_layers *layers = sk_container_of(step, struct sk_layers, step);

    if (err) {
        step_ended(layers, err);
    } else if (layers->is_found || --layers->unpacked == 0) {
        count_what_is_there(layers);
        step_ended(layers, NULL);
    } else {
        find_base(layers);
    }
}

/* From the top down: is this chain there? */
static void find_base(struct sk_layers *layers)
{
    struct sk_content *content = driver_of(layers)->content;

    sk_done_init(&layers->step, on_base);
    if (layers->fault.code != SK_OK)
        sk_done_later(driver_of(layers)->loop, &layers->step, &layers->fault);
    else
        content->ops->find_snapshot(content, layers->ask.lease->id,
                                    sk_facts_chain(layers->ask.facts, layers->unpacked), &layers->is_found,
                                    &layers->step);
}

static void cancel_layers(struct sk_done *done)
{
    struct sk_layers *layers = done->callee;
    struct sk_err err;

    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    note_fault(layers, &err);
    give_up(layers);
}

void sk_layers_redirect(struct sk_layers *layers, struct sk_image_progress *progress)
{
    layers->ask.progress = progress;
    for (unsigned i = 0; layers->slots && i < layers->slot_count; i++)
        layers->slots[i].want.waiter.progress = &progress->done_bytes;
}

static void on_nothing(struct sk_done *step, const struct sk_err *err)
{
    finish(sk_container_of(step, struct sk_layers, step));
    (void)err;
}

void sk_layers_start(struct sk_layers *layers, const struct sk_layers_ask *ask, struct sk_done *done)
{
    *layers = (struct sk_layers){.ask = *ask, .done = done};
    size_t count = count_of(layers);

    ask->progress->layers = (unsigned)count;
    if (count == 0) {
        sk_done_init(&layers->step, on_nothing);
        sk_done_later(driver_of(layers)->loop, &layers->step, NULL);
        return;
    }
    layers->slot_count = driver_of(layers)->layers_at_once;
    layers->slots = sk_alloc(layers->slot_count * sizeof(*layers->slots));
    for (unsigned i = 0; i < layers->slot_count; i++)
        layers->slots[i].layers = layers;
    layers->is_here = sk_alloc(count * sizeof(*layers->is_here));
    sk_aheads_init(&layers->aheads, ask->lease, count, on_ahead);
    done->callee = layers;
    done->cancel = cancel_layers;
    layers->is_stepping = true;
    layers->unpacked = count;
    find_base(layers);
}
