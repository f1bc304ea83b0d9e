/* transfer_words.h: how containerd's Transfer service speaks of a fetch: what of an
 * image has come, and why none came. Pure. */
#ifndef SK_CONTAINERD_TRANSFER_WORDS_H
#define SK_CONTAINERD_TRANSFER_WORDS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SK_CTD_PARTS_MAX 600 /* of one image; more are not counted */

struct sk_ctd_part {
    char name[96];
    int64_t done, total;
};

/* Zeroed is empty. */
struct sk_ctd_parts {
    struct sk_ctd_part items[SK_CTD_PARTS_MAX];
    unsigned len;
};

/* So much of that part has come. */
void sk_ctd_parts_note(struct sk_ctd_parts *parts, const char *name, int64_t done, int64_t total);
void sk_ctd_parts_sum(const struct sk_ctd_parts *parts, int64_t *out_done, int64_t *out_total);

/* Gives an error the code that drivers/image.h promises of a pull: containerd's own is mostly SK_UNKNOWN, its
 * sentence says more. *out_is_limited: the registry said that enough was asked. */
void sk_ctd_transfer_judge(struct sk_err *err, bool *out_is_limited);

/* Whether a host that containerd asks a login for is the registry that the login is for. */
bool sk_ctd_is_login_host(const char *registry, const char *host);

#endif
