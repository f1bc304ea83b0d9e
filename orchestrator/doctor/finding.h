/* finding.h: what a look at the host has found: line by line, how bad it is, and what to do about it. */
#ifndef SK_DOCTOR_FINDING_H
#define SK_DOCTOR_FINDING_H

#include "base/arena.h"

#include <stddef.h>

/* In the order of their gravity. */
enum sk_verdict {
    SK_VERDICT_OK,
    SK_VERDICT_NOTE,    /* worth knowing, or could not be looked at; nothing is wrong */
    SK_VERDICT_WARNING, /* works, and should be seen to */
    SK_VERDICT_FAILURE, /* sandboxes will not work like this */
};

struct sk_finding {
    enum sk_verdict verdict;
    const char *family, *name; /* "kernel", "overlayfs"; static: findings outlive what was looked at */
    const char *text;
    const char *advice; /* NULL = none */
};

/* Zeroed: empty. */
struct sk_findings {
    struct sk_arena arena;
    struct sk_finding *items; /* owned */
    size_t count, cap;
};

void sk_findings_fini(struct sk_findings *findings);
void sk_finding_add(struct sk_findings *findings, enum sk_verdict verdict, const char *family,
                    const char *name, const char *advice, const char *fmt, ...) SK_PRINTF(6, 7);
/* The gravest; SK_VERDICT_OK if there is none. */
enum sk_verdict sk_findings_worst(const struct sk_findings *findings);
/* "ok", "note", "warning", "failure" */
const char *sk_verdict_word(enum sk_verdict verdict);

#endif
