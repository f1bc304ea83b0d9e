#include "drivers/images/aheads.h"
#include "drivers/images/inodes.h"

#include <assert.h>

static struct sk_images_driver *driver_of(const struct sk_aheads *aheads)
{
    return aheads->lease->driver;
}

static struct sk_content *content_of(const struct sk_aheads *aheads)
{
    return driver_of(aheads)->content;
}

void sk_aheads_init(struct sk_aheads *aheads, struct sk_lease *lease, size_t layers,
                    void (*changed)(struct sk_aheads *aheads))
{
    *aheads = (struct sk_aheads){.lease = lease, .changed = changed};
    for (size_t i = 0; i < SK_AHEADS_MAX; i++)
        aheads->slots[i].aheads = aheads;
    aheads->was_tried = sk_alloc(layers * sizeof(*aheads->was_tried));
    aheads->is_off = !content_of(aheads)->ops->unpack_ahead;
}

void sk_aheads_fini(struct sk_aheads *aheads)
{
    assert(sk_aheads_is_idle(aheads));
    free(sk_take(aheads->was_tried));
}

static struct sk_ahead_slot *slot_of(struct sk_aheads *aheads, size_t layer)
{
    for (size_t i = 0; i < SK_AHEADS_MAX; i++)
        if (aheads->slots[i].state != SK_AHEAD_NONE && aheads->slots[i].layer == layer)
            return &aheads->slots[i];
    return NULL;
}

static unsigned count(const struct sk_aheads *aheads, enum sk_ahead_state state)
{
    unsigned found = 0;

    for (size_t i = 0; i < SK_AHEADS_MAX; i++)
        found += aheads->slots[i].state == state;
    return found;
}

bool sk_aheads_is_idle(const struct sk_aheads *aheads)
{
    return count(aheads, SK_AHEAD_NONE) == SK_AHEADS_MAX;
}

bool sk_aheads_comes(const struct sk_aheads *aheads, size_t layer)
{
    const struct sk_ahead_slot *slot = slot_of((struct sk_aheads *)aheads, layer);

    return slot && slot->state == SK_AHEAD_COMES;
}

/* --- away with it ----------------------------------------------------------------------- */

static void leave(struct sk_ahead_slot *slot)
{
    if (slot->node.key)
        sk_map_remove(&driver_of(slot->aheads)->aheads, &slot->node);
    slot->state = SK_AHEAD_NONE;
}

/* What could not be removed is litter. */
static void on_dropped(struct sk_done *came, const struct sk_err *err)
{
    struct sk_ahead_slot *slot = sk_container_of(came, struct sk_ahead_slot, came);

    (void)err;
    leave(slot);
    slot->aheads->changed(slot->aheads);
}

static void drop(struct sk_ahead_slot *slot)
{
    slot->state = SK_AHEAD_DROPS;
    sk_done_init(&slot->came, on_dropped);
    content_of(slot->aheads)->ops->drop_ahead(sk_take(slot->ahead), &slot->came);
}

void sk_aheads_give_up(struct sk_aheads *aheads)
{
    aheads->is_off = true;
    for (size_t i = 0; i < SK_AHEADS_MAX; i++) {
        struct sk_ahead_slot *slot = &aheads->slots[i];
        if (slot->state == SK_AHEAD_COMES)
            sk_done_cancel(&slot->came);
        else if (slot->state == SK_AHEAD_READY)
            drop(slot);
    }
}

/* --- it comes --------------------------------------------------------------------------- */

static void on_came(struct sk_done *came, const struct sk_err *err)
{
    struct sk_ahead_slot *slot = sk_container_of(came, struct sk_ahead_slot, came);
    struct sk_aheads *aheads = slot->aheads;

    if (err) {
        sk_log_err(driver_of(aheads)->log, SK_DEBUG, "image.not_ahead", err);
        aheads->is_off = true;
        leave(slot);
    } else {
        slot->state = SK_AHEAD_READY;
    }
    aheads->changed(aheads);
}

static void start(struct sk_aheads *aheads, size_t layer, const struct sk_unpack_ask *ask)
{
    struct sk_ahead_slot *slot = aheads->slots;

    while (slot->state != SK_AHEAD_NONE)
        slot++;
    slot->layer = layer;
    slot->state = SK_AHEAD_COMES;
    sk_map_add(&driver_of(aheads)->aheads, &slot->node, ask->chain);
    sk_done_init(&slot->came, on_came);
    content_of(aheads)->ops->unpack_ahead(content_of(aheads), ask, &slot->ahead, &slot->came);
}

/* Somebody else has it unpacked, or will. */
static bool is_under_way(const struct sk_aheads *aheads, const char *chain)
{
    struct sk_images_driver *driver = driver_of(aheads);

    return sk_map_find(&driver->aheads, chain) || sk_map_find(&driver->unpacks.map, chain);
}

void sk_aheads_offer(struct sk_aheads *aheads, size_t layer, const struct sk_unpack_ask *ask,
                     unsigned at_once)
{
    struct sk_unpack_ask ahead = *ask;

    if (aheads->is_off || aheads->was_tried[layer] || count(aheads, SK_AHEAD_COMES) >= at_once ||
        count(aheads, SK_AHEAD_NONE) == 0 || is_under_way(aheads, ask->chain))
        return;
    aheads->was_tried[layer] = true;
    ahead.lease = aheads->lease->id;
    ahead.max_bytes /= 2 * SK_AHEADS_MAX;
    ahead.max_inodes = sk_inodes_for(ahead.max_bytes);
    if (ahead.layer.size <= ahead.max_bytes)
        start(aheads, layer, &ahead);
}

/* --- its turn --------------------------------------------------------------------------- */

struct sk_ahead *sk_aheads_take(struct sk_aheads *aheads, size_t layer)
{
    struct sk_ahead_slot *slot = slot_of(aheads, layer);

    if (!slot || slot->state != SK_AHEAD_READY)
        return NULL;
    slot->state = SK_AHEAD_USED;
    return sk_take(slot->ahead);
}

void sk_aheads_give_back(struct sk_aheads *aheads, size_t layer, struct sk_ahead *ahead_take)
{
    struct sk_ahead_slot *slot = slot_of(aheads, layer);

    if (!slot || slot->state != SK_AHEAD_USED)
        return;
    slot->ahead = ahead_take;
    if (ahead_take)
        drop(slot);
    else
        leave(slot);
}
