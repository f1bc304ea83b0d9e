#include "api/page.h"

size_t sk_page_size(int32_t asked)
{
    if (asked <= 0)
        return SK_PAGE_DEFAULT;
    return asked < SK_PAGE_MAX ? (size_t)asked : SK_PAGE_MAX;
}

size_t sk_page_fit(const size_t *sizes, size_t count, size_t bytes_max)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (i && sizes[i] > bytes_max - total)
            return i;
        total += sizes[i] < bytes_max - total ? sizes[i] : bytes_max - total;
    }
    return count;
}
