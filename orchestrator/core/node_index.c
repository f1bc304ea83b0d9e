/* node_index.c: which sandboxes there are, by id, by request, by age. */
#include "core/node_impl.h"
#include "core/session_impl.h"

#include <string.h>

static bool comes_before(const struct sk_sandbox *a, const struct sk_sandbox *b)
{
    if (a->record->created.ns != b->record->created.ns)
        return a->record->created.ns < b->record->created.ns;
    return strcmp(a->record->id, b->record->id) < 0;
}

static void insert_live(struct sk_node *node, struct sk_sandbox *s)
{
    struct sk_list *at = node->live.prev;

    while (at != &node->live && comes_before(s, sk_list_entry(at, struct sk_sandbox, live)))
        at = at->prev;
    sk_list_prepend(at, &s->live);
}

const char *sk_node_request_key(struct sk_arena *arena, const char *tenant, const char *request_id)
{
    return sk_arena_printf(arena, "%s/%s", tenant, request_id);
}

static void insert_request(struct sk_node *node, struct sk_sandbox *s)
{
    struct sk_record *record = s->record;
    const char *key = sk_node_request_key(&record->arena, record->tenant, record->request_id);

    if (!sk_map_find(&node->by_request, key))
        sk_map_add(&node->by_request, &s->by_request, key);
}

void sk_node_insert(struct sk_node *node, struct sk_sandbox *s)
{
    struct sk_list *at = node->sandboxes.prev;

    while (at != &node->sandboxes && comes_before(s, sk_list_entry(at, struct sk_sandbox, link)))
        at = at->prev;
    sk_list_prepend(at, &s->link); /* right behind `at` */
    if (!sk_state_is_final(s->record->state))
        insert_live(node, s);
    sk_map_add(&node->by_id, &s->by_id, s->record->id);
    if (s->record->request_id[0])
        insert_request(node, s);
    if (s->record->created.ns > node->last_created.ns)
        node->last_created = s->record->created;
}

void sk_node_withdraw(struct sk_node *node, struct sk_sandbox *s)
{
    sk_session_leave(s);
    sk_list_remove(&s->link);
    sk_list_remove(&s->live);
    sk_map_remove(&node->by_id, &s->by_id);
    sk_map_remove(&node->by_request, &s->by_request);
    sk_sandbox_unref(s);
}

struct sk_sandbox *sk_node_find_any(struct sk_node *node, const char *id)
{
    struct sk_map_node *found = sk_map_find(&node->by_id, id);
    return found ? sk_map_entry(found, struct sk_sandbox, by_id) : NULL;
}

bool sk_node_marks(const struct sk_node *node, const char *id)
{
    size_t len = strlen(node->config.node_id);
    return sk_id_is_valid(id) && strncmp(id, node->config.node_id, len) == 0 && id[len] == '-';
}

struct sk_sandbox *sk_node_find(struct sk_node *node, const char *id)
{
    struct sk_sandbox *s = sk_node_find_any(node, id);
    return s && s->durable ? s : NULL;
}

void sk_node_see(struct sk_node *node, const struct sk_runtime_list *list)
{
    node->looks++;
    for (size_t i = 0; i < list->len; i++) {
        struct sk_sandbox *s = sk_node_find_any(node, list->items[i].id);
        if (!s || !list->items[i].task_running)
            continue;
        s->seen = node->looks;
        s->seen_pid = list->items[i].pid;
    }
}

struct sk_instant sk_node_instant(const struct sk_node *node, const char *boot_id, struct sk_instant at,
                                  struct sk_wall wall)
{
    if (wall.ns == 0 || (boot_id && boot_id[0] && strcmp(boot_id, node->boot_id) == 0))
        return at;
    int64_t left = wall.ns - sk_loop_wall(node->loop).ns;
    return sk_instant_add(sk_loop_now(node->loop), SK_NS(left));
}

struct sk_wall sk_node_wall(const struct sk_node *node, struct sk_instant at)
{
    return (struct sk_wall){sk_loop_wall(node->loop).ns + sk_instant_diff(at, sk_loop_now(node->loop)).ns};
}
