#include "base/own.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE  ((size_t)2 << 20) /* a page, where there are such */
#define KEPT  ((int)16 << 20)   /* at the end of each heap: messages come in again and again */
#define HEAPS 2                 /* the loop and gRPC: what one thread frees another will ask for */

/* Keeps a pointer unless it is NULL: then there is no memory left. */
static void *or_abort(void *ptr)
{
    if (ptr)
        return ptr;
    static const char sentence[] = "sandkeep: out of memory\n";
    (void)!write(STDERR_FILENO, sentence, sizeof(sentence) - 1);
    abort();
}

/* Faulting a large block in by small pages costs more than filling it. A hint: what comes of it is no matter.
 */
static void hint_huge(void *ptr, size_t size)
{
    uintptr_t begin = ((uintptr_t)ptr + HUGE - 1) / HUGE * HUGE;
    uintptr_t end = ((uintptr_t)ptr + size) / HUGE * HUGE;

    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

void *sk_alloc(size_t size)
{
    void *ptr = or_abort(calloc(1, size ? size : 1));

    if (size >= SK_LARGE)
        hint_huge(ptr, size);
    return ptr;
}

void sk_alloc_settle(void)
{
    (void)mallopt(M_ARENA_MAX, HEAPS);
    (void)mallopt(M_MMAP_THRESHOLD, (int)SK_LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
}

void *sk_realloc(void *ptr, size_t size)
{
    return or_abort(realloc(ptr, size ? size : 1));
}

char *sk_strdup(const char *text)
{
    return text ? sk_strndup(text, strlen(text)) : NULL;
}

char *sk_strndup(const char *text, size_t len)
{
    return text ? or_abort(strndup(text, len)) : NULL;
}

void *sk_memdup(const void *data, size_t len)
{
    if (!data)
        return NULL;
    return memcpy(sk_alloc(len), data, len);
}

char *sk_printf(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    return or_abort(len < 0 ? NULL : text);
}
