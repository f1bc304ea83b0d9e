/* roff.h: pages of the manual, written in man(7). Pure.
 *
 * What does not fit the buffer any more is remembered: sk_roff_end says so. */
#ifndef SK_BASE_ROFF_H
#define SK_BASE_ROFF_H

#include "base/buf.h"

struct sk_roff {
    struct sk_buf *out; /* borrowed */
    enum sk_code code;
};

/* title in capitals; what: one line, without a full stop. */
void sk_roff_begin(struct sk_roff *roff, struct sk_buf *out, const char *title, int section, const char *name,
                   const char *what);
void sk_roff_heading(struct sk_roff *roff, const char *text);
void sk_roff_subheading(struct sk_roff *roff, const char *text);
/* A paragraph. */
void sk_roff_text(struct sk_roff *roff, const char *text);
/* The term in bold, its meaning indented below. */
void sk_roff_item(struct sk_roff *roff, const char *term, const char *text);
/* The name in bold, what follows it in italics: a line of a SYNOPSIS. */
void sk_roff_usage(struct sk_roff *roff, const char *name, const char *words);
/* Lines that stay as they are. */
void sk_roff_sample(struct sk_roff *roff, const char *text);
/* Errors: SK_RESOURCE_EXHAUSTED. */
SK_MUST_CHECK enum sk_code sk_roff_end(const struct sk_roff *roff);

#endif
