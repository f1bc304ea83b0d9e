/* faults.h: everything that is wrong with files, found in one go. Each fault
 * is a line "file:line: key.path: what is wrong, what would be right". */
#ifndef SK_CONFIG_FAULTS_H
#define SK_CONFIG_FAULTS_H

#include "base/buf.h"

struct sk_faults {
    const char *file; /* that is being read; borrowed */
    struct sk_buf text;
    int count;
};

/* Where something was said. */
struct sk_origin {
    const char *file; /* NULL: the one that is being read */
    int line;         /* 0: of the whole file */
};

void sk_faults_init(struct sk_faults *faults, const char *file);
void sk_faults_fini(struct sk_faults *faults);
/* line 0: of the whole file. path "": of no key. */
void sk_faults_add(struct sk_faults *faults, int line, const char *path, const char *fmt, ...)
    SK_PRINTF(4, 5);
/* The same, of any file. */
void sk_faults_at(struct sk_faults *faults, struct sk_origin origin, const char *path, const char *fmt, ...)
    SK_PRINTF(4, 5);

#endif
