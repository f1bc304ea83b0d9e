#include "config/faults.h"

#include "base/own.h"
#include "base/utf8.h"

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

static void add(struct sk_faults *faults, const char *file, int line, const char *path, const char *fmt,
                va_list args)
{
    char sentence[512], where[32] = "";

    (void)vsnprintf(sentence, sizeof(sentence), fmt, args);
    if (line > 0)
        (void)snprintf(where, sizeof(where), ":%d", line);
    faults->count++;
    /* One line, whatever files and keys are called. */
    SK_AUTO_FREE char *told = sk_printf("%s%s: %s%s%s", file, where, path, *path ? ": " : "", sentence);
    sk_utf8_disarm(told);
    (void)!sk_buf_printf(&faults->text, "%s\n", told);
}

void sk_faults_add(struct sk_faults *faults, int line, const char *path, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(faults, faults->file, line, path, fmt, args);
    va_end(args);
}

void sk_faults_at(struct sk_faults *faults, struct sk_origin origin, const char *path, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(faults, origin.file ? origin.file : faults->file, origin.line, path, fmt, args);
    va_end(args);
}
