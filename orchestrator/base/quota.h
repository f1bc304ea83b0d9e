/* quota.h: how much of the node each tenant may hold. Pure; a value. */
#ifndef SK_BASE_QUOTA_H
#define SK_BASE_QUOTA_H

#include <stddef.h>
#include <stdint.h>

enum sk_quota_kind {
    SK_QUOTA_SANDBOXES, /* that have not ended */
    SK_QUOTA_CPU,       /* thousandths of a core, and bytes: what they ask for */
    SK_QUOTA_MEMORY,
    SK_QUOTA_DISK,
    SK_QUOTA_SESSIONS,                /* that are not closed */
    SK_QUOTA_HELD,                    /* so many kinds are held; the one after them passes by: */
    SK_QUOTA_CREATES = SK_QUOTA_HELD, /* a second */
    SK_QUOTA_AUDIT,                   /* bytes of the audit a minute */
    SK_QUOTA_COUNT
};

#define SK_QUOTA_NONE (-1) /* as much as there is */

struct sk_quota {
    const char *tenant; /* "*": of each tenant that has none of its own */
    int64_t most[SK_QUOTA_COUNT];
};

struct sk_quota_table {
    struct sk_quota *rows;
    size_t len;
};

/* The tenant's own, else that of "*", else NULL. Borrowed from the table. */
const struct sk_quota *sk_quota_find(const struct sk_quota_table *table, const char *tenant);
/* "sandboxes", "cpu" and so on, as the configuration has them. */
const char *sk_quota_name(enum sk_quota_kind kind);

#endif
