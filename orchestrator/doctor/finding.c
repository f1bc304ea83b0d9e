#include "doctor/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sk_findings_fini(struct sk_findings *findings)
{
    sk_arena_fini(&findings->arena);
    free(findings->items);
    *findings = (struct sk_findings){0};
}

void sk_finding_add(struct sk_findings *findings, enum sk_verdict verdict, const char *family,
                    const char *name, const char *advice, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (findings->count == findings->cap) {
        findings->cap = findings->cap ? findings->cap * 2 : 64;
        findings->items = sk_realloc(findings->items, findings->cap * sizeof(findings->items[0]));
    }
    findings->items[findings->count++] =
        (struct sk_finding){.verdict = verdict,
                            .family = family,
                            .name = name,
                            .text = sk_arena_strdup(&findings->arena, text),
                            .advice = advice ? sk_arena_strdup(&findings->arena, advice) : NULL};
}

enum sk_verdict sk_findings_worst(const struct sk_findings *findings)
{
    enum sk_verdict worst = SK_VERDICT_OK;

    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].verdict > worst)
            worst = findings->items[i].verdict;
    }
    return worst;
}

const char *sk_verdict_word(enum sk_verdict verdict)
{
    static const char *const words[] = {"ok", "note", "warning", "failure"};

    return words[verdict];
}
