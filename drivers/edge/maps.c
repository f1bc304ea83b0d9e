#include "drivers/edge/maps.h"

#include <assert.h>
#include <string.h>

struct owner {
    struct sk_map_node by_id;
    struct sk_list link;
    char *id;
    struct sk_list items;
    size_t unsettled; /* of them, in a queue or under way */
    bool is_pinned;
};

struct item {
    struct sk_map_node by_key;
    struct sk_list of_owner;
    struct sk_list queue; /* closing, opening or sent; none = as it should be */
    struct owner *owner;
    enum sk_haproxy_map map;
    char *key;           /* with the map's digit in front */
    char *wanted, *held; /* values; NULL = none */
    bool is_going;       /* the batch under way makes it … */
    char *going;         /* … hold this */
};

/* --- owners --------------------------------------------------------------------------------- */

static struct owner *find_owner(const struct sk_maps *maps, const char *id)
{
    struct sk_map_node *node = sk_map_find(&maps->owners, id);
    return node ? sk_map_entry(node, struct owner, by_id) : NULL;
}

/* Stays, also without any item, until it is let go. */
static struct owner *pin(struct sk_maps *maps, const char *id)
{
    struct owner *owner = find_owner(maps, id);
    if (!owner) {
        owner = sk_alloc(sizeof(*owner));
        owner->id = sk_strdup(id);
        sk_list_init(&owner->items);
        sk_map_add(&maps->owners, &owner->by_id, owner->id);
        sk_list_append(&maps->all, &owner->link);
    }
    owner->is_pinned = true;
    return owner;
}

static void let_go(struct sk_maps *maps, struct owner *owner)
{
    if (owner->is_pinned || !sk_list_is_empty(&owner->items))
        return;
    assert(owner->unsettled == 0);
    sk_map_remove(&maps->owners, &owner->by_id);
    sk_list_remove(&owner->link);
    free(owner->id);
    free(owner);
}

static void unpin(struct sk_maps *maps, struct owner *owner)
{
    owner->is_pinned = false;
    let_go(maps, owner);
}

/* --- items -------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void set_text(char **slot, const char *text)
{
    free(*slot);
    *slot = sk_strdup(text);
}

static void give_to(struct sk_maps *maps, struct item *item, struct owner *owner)
{
    struct owner *before = item->owner;
    bool is_unsettled = sk_list_is_linked(&item->queue);
    if (before == owner)
        return;
    sk_list_remove(&item->of_owner);
    sk_list_append(&owner->items, &item->of_owner);
    item->owner = owner;
    owner->unsettled += is_unsettled;
    if (before) {
        before->unsettled -= is_unsettled;
        let_go(maps, before);
    }
}

static struct item *need_item(struct sk_maps *maps, enum sk_haproxy_map map, const char *key,
                              struct owner *owner)
{
    SK_AUTO_FREE char *full = sk_printf("%d%s", (int)map, key);
    struct sk_map_node *node = sk_map_find(&maps->items, full);
    struct item *item = node ? sk_map_entry(node, struct item, by_key) : sk_alloc(sizeof(*item));
    if (!node) {
        item->map = map;
        item->key = sk_take(full);
        sk_map_add(&maps->items, &item->by_key, item->key);
    }
    give_to(maps, item, owner);
    return item;
}

static void item_free(struct sk_maps *maps, struct item *item)
{
    sk_list_remove(&item->of_owner);
    sk_map_remove(&maps->items, &item->by_key);
    free(item->key);
    free(item->wanted);
    free(item->held);
    free(item->going);
    free(item);
}

/* Exceptions close by being there; what leads elsewhere from now on closes as well. */
static bool opens(const struct item *item)
{
    bool is_change = item->wanted && item->held;
    return !is_change && (item->wanted != NULL) == (item->map != SK_MAP_EXCEPTS);
}

/* Into the queue that it belongs to; an item under way is looked at again when it has arrived. Frees what is
 * neither wanted nor there. */
static void sort(struct sk_maps *maps, struct item *item)
{
    struct owner *owner = item->owner;
    if (item->is_going)
        return;
    owner->unsettled -= sk_list_is_linked(&item->queue);
    sk_list_remove(&item->queue);
    if (!same(item->wanted, item->held)) {
        sk_list_append(opens(item) ? &maps->opening : &maps->closing, &item->queue);
        owner->unsettled++;
    } else if (!item->wanted) {
        item_free(maps, item);
        let_go(maps, owner);
    }
}

/* --- what should be ------------------------------------------------------------------------------- */

void sk_maps_init(struct sk_maps *maps)
{
    sk_map_init(&maps->items);
    sk_map_init(&maps->owners);
    sk_list_init(&maps->closing);
    sk_list_init(&maps->opening);
    sk_list_init(&maps->sent);
    sk_list_init(&maps->all);
}

void sk_maps_fini(struct sk_maps *maps)
{
    struct sk_map_node *node;
    while ((node = sk_map_any(&maps->items)))
        item_free(maps, sk_map_entry(node, struct item, by_key));
    while ((node = sk_map_any(&maps->owners))) {
        struct owner *owner = sk_map_entry(node, struct owner, by_id);
        sk_map_remove(&maps->owners, node);
        free(owner->id);
        free(owner);
    }
    sk_map_fini(&maps->items);
    sk_map_fini(&maps->owners);
}

void sk_maps_want(struct sk_maps *maps, const char *id, const struct sk_plan *plan)
{
    struct owner *owner = pin(maps, id);
    sk_list_each(&owner->items, old) free(sk_take(sk_list_entry(old, struct item, of_owner)->wanted));
    for (size_t i = 0; i < plan->count; i++) {
        const struct sk_plan_entry *entry = &plan->entries[i];
        set_text(&need_item(maps, entry->map, entry->key, owner)->wanted, entry->value);
    }
    sk_list_each(&owner->items, node) sort(maps, sk_list_entry(node, struct item, of_owner));
    unpin(maps, owner);
}

bool sk_maps_is_settled(const struct sk_maps *maps, const char *id)
{
    const struct owner *owner = find_owner(maps, id);
    return !owner || owner->unsettled == 0;
}

bool sk_maps_is_empty(const struct sk_maps *maps)
{
    return maps->owners.len == 0;
}

void sk_maps_each(const struct sk_maps *maps, void (*fn)(void *arg, const char *id), void *arg)
{
    sk_list_each(&maps->all, node) fn(arg, sk_list_entry(node, struct owner, link)->id);
}

/* --- commands --------------------------------------------------------------------------------------- */

static char *command_for(const struct item *item)
{
    const char *file = sk_haproxy_map_files[item->map], *key = item->key + 1;
    if (!item->wanted)
        return sk_printf("del map %s %s", file, key);
    return sk_printf("%s map %s %s %s", item->held ? "set" : "add", file, key, item->wanted);
}

static struct item *first_of(const struct sk_maps *maps)
{
    const struct sk_list *queue = sk_list_is_empty(&maps->closing) ? &maps->opening : &maps->closing;
    return sk_list_is_empty(queue) ? NULL : sk_list_entry(queue->next, struct item, queue);
}

static void send(struct sk_maps *maps, struct item *item)
{
    sk_list_remove(&item->queue);
    sk_list_append(&maps->sent, &item->queue);
    item->is_going = true;
    item->going = sk_strdup(item->wanted);
}

bool sk_maps_next(struct sk_maps *maps, size_t max, struct sk_buf *line)
{
    struct item *item;
    assert(sk_list_is_empty(&maps->sent));
    while ((item = first_of(maps))) {
        SK_AUTO_FREE char *command = command_for(item);
        if (line->len + strlen(command) + 2 > max ||
            sk_buf_printf(line, "%s%s", line->len ? ";" : "", command) != SK_OK)
            break;
        send(maps, item);
    }
    return line->len > 0 && sk_buf_append(line, "\n", 1) == SK_OK;
}

void sk_maps_done(struct sk_maps *maps)
{
    struct sk_list *node;
    while ((node = sk_list_pop(&maps->sent))) {
        struct item *item = sk_list_entry(node, struct item, queue);
        item->owner->unsettled--;
        free(item->held);
        item->held = sk_take(item->going);
        item->is_going = false;
        sort(maps, item);
    }
}

/* An empty line for each command. */
bool sk_maps_answer_is_good(const struct sk_maps *maps, const char *answer)
{
    size_t lines = strspn(answer, "\n"), commands = 0;
    sk_list_each(&maps->sent, node) commands++;
    return lines == commands && answer[lines] == '\0';
}

/* --- what is held -------------------------------------------------------------------------------------- */

static void forget(struct sk_maps *maps, struct item *item)
{
    item->is_going = false;
    free(sk_take(item->going));
    free(sk_take(item->held));
    sort(maps, item);
}

void sk_maps_forget_held(struct sk_maps *maps)
{
    sk_list_each(&maps->all, node)
    {
        struct owner *owner = sk_list_entry(node, struct owner, link);
        owner->is_pinned = true;
        sk_list_each(&owner->items, at) forget(maps, sk_list_entry(at, struct item, of_owner));
        unpin(maps, owner);
    }
}

static void saw(struct sk_maps *maps, enum sk_haproxy_map map, const char *key, const char *value, bool adopt)
{
    SK_AUTO_FREE char *full = sk_printf("%d%s", (int)map, key);
    struct sk_map_node *known = sk_map_find(&maps->items, full);
    SK_AUTO_FREE char *id = sk_strndup(value, sk_plan_owner(value));
    struct owner *owner = pin(maps, known ? sk_map_entry(known, struct item, by_key)->owner->id : id);
    struct item *item = need_item(maps, map, key, owner);
    set_text(&item->held, value);
    if (adopt)
        set_text(&item->wanted, value);
    sort(maps, item);
    unpin(maps, owner);
}

/* "0x55d0c8 key value" */
static bool read_line(struct sk_maps *maps, enum sk_haproxy_map map, char *line, bool adopt)
{
    char *rest = NULL;
    const char *reference = strtok_r(line, " ", &rest);
    const char *key = strtok_r(NULL, " ", &rest), *value = strtok_r(NULL, " ", &rest);
    if (!reference || strncmp(reference, "0x", 2) != 0 || !key || !value || (rest && *rest))
        return false;
    if (!sk_plan_is_word(key) || !sk_plan_is_word(value))
        return false;
    saw(maps, map, key, value, adopt);
    return true;
}

bool sk_maps_read(struct sk_maps *maps, enum sk_haproxy_map map, char *answer, bool adopt)
{
    char *rest = NULL;
    for (char *line = strtok_r(answer, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        if (!read_line(maps, map, line, adopt))
            return false;
    }
    return true;
}
