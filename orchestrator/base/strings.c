#include "base/strings.h"

size_t sk_strings_count(const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

const char **sk_strings_copy(struct sk_arena *arena, const char *const *list)
{
    size_t count = sk_strings_count(list);
    const char **copy = sk_arena_alloc(arena, (count + 1) * sizeof(*copy));

    for (size_t i = 0; i < count; i++)
        copy[i] = sk_arena_strdup(arena, list[i]);
    return copy;
}
