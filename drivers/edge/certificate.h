/* certificate.h: the certificate of services: a copy beside HAProxy's other
 * files, so that what it starts with again is what has worked before, and a
 * look at the original now and then. */
#ifndef SK_EDGE_CERTIFICATE_H
#define SK_EDGE_CERTIFICATE_H

#include "loop/work.h"

#include <stdbool.h>

struct sk_certificate {
    struct sk_loop *loop;
    char *path, *copy;   /* files */
    char *text;          /* in use; NULL = not known */
    struct sk_work work; /* looking, or keeping */
    char *found;         /* while looking: what the original says */
};

void sk_certificate_init(struct sk_certificate *certificate, struct sk_loop *loop, const char *path,
                         const char *dir);
/* None may be under way. */
void sk_certificate_fini(struct sk_certificate *certificate);
/* Reads the original and makes the copy; for start-up. Errors: those of sk_file_load_private. */
SK_MUST_CHECK enum sk_code sk_certificate_take(struct sk_certificate *certificate, struct sk_err *err);
/* What the copy says is in use; for start-up. Errors: there is none. */
SK_MUST_CHECK enum sk_code sk_certificate_adopt(struct sk_certificate *certificate, struct sk_err *err);

/* Reads the original; afterwards `found` is other than NULL if it is not what is in use. Takes some time, but
 * not of the loop. */
void sk_certificate_look(struct sk_certificate *certificate, struct sk_done *done);
/* What was found is in use now: makes the copy. */
void sk_certificate_keep(struct sk_certificate *certificate, struct sk_done *done);

#endif
