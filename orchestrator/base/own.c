#include "base/own.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Keeps a pointer unless it is NULL: then there is no memory left. */
static void *or_abort(void *ptr)
{
    if (ptr)
        return ptr;
    static const char sentence[] = "sandkeep: out of memory\n";
    (void)!write(STDERR_FILENO, sentence, sizeof(sentence) - 1);
    abort();
}

void *sk_alloc(size_t size)
{
    return or_abort(calloc(1, size ? size : 1));
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
