#include "drivers/agent/opens.h"

void sk_opens_init(struct sk_opens *opens)
{
    *opens = (struct sk_opens){0};
    sk_list_init(&opens->list);
}

void sk_opens_fini(struct sk_opens *opens)
{
    sk_list_each(&opens->list, node) sk_opens_drop(opens, sk_list_entry(node, struct sk_open, link));
}

bool sk_opens_is_full(const struct sk_opens *opens)
{
    return opens->len >= SK_WIRE_OPENS_MAX;
}

struct sk_open *sk_opens_add(struct sk_opens *opens, enum sk_open_kind kind)
{
    struct sk_open *open = sk_alloc(sizeof *open);
    open->key = ++opens->last_key;
    open->kind = kind;
    sk_list_append(&opens->list, &open->link);
    opens->len++;
    return open;
}

void sk_opens_drop(struct sk_opens *opens, struct sk_open *open)
{
    sk_list_remove(&open->link);
    opens->len--;
    free(open);
}

struct sk_open *sk_opens_find(const struct sk_opens *opens, uint64_t key)
{
    sk_list_each(&opens->list, node)
    {
        struct sk_open *open = sk_list_entry(node, struct sk_open, link);
        if (open->key == key)
            return open;
    }
    return NULL;
}

struct sk_open *sk_opens_find_held(const struct sk_opens *opens, uint64_t caller)
{
    sk_list_each(&opens->list, node)
    {
        struct sk_open *open = sk_list_entry(node, struct sk_open, link);
        if (open->state == SK_OPEN_HELD && open->caller == caller)
            return open;
    }
    return NULL;
}

struct sk_open *sk_opens_find_waiting(const struct sk_opens *opens)
{
    sk_list_each(&opens->list, node)
    {
        struct sk_open *open = sk_list_entry(node, struct sk_open, link);
        if (open->done)
            return open;
    }
    return NULL;
}
