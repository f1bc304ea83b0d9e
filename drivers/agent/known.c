#include "drivers/agent/known.h"

static struct sk_list *bucket_of(struct sk_known_set *set, uint64_t key)
{
    return &set->buckets[key % sk_array_len(set->buckets)];
}

void sk_known_init(struct sk_known_set *set)
{
    set->len = 0;
    for (size_t i = 0; i < sk_array_len(set->buckets); i++)
        sk_list_init(&set->buckets[i]);
}

void sk_known_fini(struct sk_known_set *set)
{
    for (size_t i = 0; i < sk_array_len(set->buckets); i++) {
        sk_list_each(&set->buckets[i], node) sk_known_drop(set, sk_list_entry(node, struct sk_known, link));
    }
}

struct sk_known *sk_known_add(struct sk_known_set *set, uint64_t key, enum sk_known_state state)
{
    struct sk_known *known = sk_alloc(sizeof *known);
    known->key = key;
    known->state = state;
    sk_list_append(bucket_of(set, key), &known->link);
    set->len++;
    return known;
}

struct sk_known *sk_known_find(struct sk_known_set *set, uint64_t key)
{
    sk_list_each(bucket_of(set, key), node)
    {
        struct sk_known *known = sk_list_entry(node, struct sk_known, link);
        if (known->key == key)
            return known;
    }
    return NULL;
}

void sk_known_drop(struct sk_known_set *set, struct sk_known *known)
{
    sk_list_remove(&known->link);
    set->len--;
    free(known);
}

struct sk_known *sk_known_find_starting(struct sk_known_set *set)
{
    for (size_t i = 0; i < sk_array_len(set->buckets); i++) {
        sk_list_each(&set->buckets[i], node)
        {
            struct sk_known *known = sk_list_entry(node, struct sk_known, link);
            if (known->done)
                return known;
        }
    }
    return NULL;
}
