#include "config/faults.h"

#include <stdarg.h>
#include <stdio.h>

/* A file that is wrong in more ways than fit has its first faults told. */
#define TEXT_MAX ((size_t)64 * 1024)

void sk_faults_init(struct sk_faults *faults, const char *file)
{
    *faults = (struct sk_faults){.file = file};
    sk_buf_init(&faults->text, TEXT_MAX);
}

void sk_faults_fini(struct sk_faults *faults)
{
    sk_buf_fini(&faults->text);
}

void sk_faults_add(struct sk_faults *faults, int line, const char *path, const char *fmt, ...)
{
    char sentence[512], where[32] = "";
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, args);
    va_end(args);
    if (line > 0)
        (void)snprintf(where, sizeof(where), ":%d", line);
    faults->count++;
    (void)!sk_buf_printf(&faults->text, "%s%s: %s%s%s\n", faults->file, where, path, *path ? ": " : "",
                         sentence);
}
