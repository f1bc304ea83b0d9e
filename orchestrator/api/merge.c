#include "api/merge.h"
#include "api/page.h"

#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

static int ascending_order(const void *a, const void *b)
{
    const struct sk_merge_item *one = a, *other = b;

    if (one->created.ns != other->created.ns)
        return one->created.ns < other->created.ns ? -1 : 1;
    return strcmp(one->id, other->id);
}

static int descending_order(const void *a, const void *b)
{
    return ascending_order(b, a);
}

size_t sk_merge_page(struct sk_merge_item *items, size_t count, size_t limit, bool ascending, bool *out_more)
{
    size_t most = count < limit ? count : limit;

    *out_more = false;
    if (!count)
        return 0;
    qsort(items, count, sizeof(items[0]), ascending ? ascending_order : descending_order);
    for (size_t i = 0; i < most; i++) {
        if (!items[i].is_cut)
            continue;
        *out_more = true; /* what that node has behind it may come next */
        return i + 1;
    }
    *out_more = most < count;
    return most;
}

size_t sk_merge_fit(struct sk_arena *arena, const struct sk_merge_item *items, size_t count)
{
    size_t *sizes = sk_arena_alloc(arena, (count + 1) * sizeof(*sizes));
    for (size_t i = 0; i < count; i++)
        sizes[i] = protobuf_c_message_get_packed_size(items[i].message);
    return sk_page_fit(sizes, count, SK_PAGE_BYTES_MAX);
}
