/* page.h: how much of a list one answer holds. Pure. */
#ifndef SK_API_PAGE_H
#define SK_API_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define SK_PAGE_DEFAULT 100
#define SK_PAGE_MAX     1000
/* Below the 100 MiB that clients take, with room for the frame. */
#define SK_PAGE_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* The page size to use for the one asked for (not negative). */
size_t sk_page_size(int32_t asked);
/* How many of the first items fit; at least one if there is one. */
size_t sk_page_fit(const size_t *sizes, size_t count, size_t bytes_max);

#endif
