/* batch.h: changes to our table, put in force by the kernel all at once or not
 * at all (nf_tables transactions; the cost does not grow with what the table
 * holds). Things that are there already may be added again. Blocking when
 * sent; the worker's thread. */
#ifndef SK_NFTABLES_BATCH_H
#define SK_NFTABLES_BATCH_H

#include "base/buf.h"
#include "drivers/nftables/netlink.h"

#include <stdbool.h>

struct nftnl_rule;

struct sk_batch {
    const char *table; /* borrowed */
    struct sk_buf messages;
    uint32_t seq, set_id;
    bool overflown;
};

#define SK_BATCH_MAX ((size_t)64 << 20)

void sk_batch_init(struct sk_batch *batch, const char *table);
void sk_batch_fini(struct sk_batch *batch);
/* Ends the transaction and sends it; the batch is empty afterwards. Errors: by errno (SK_NOT_FOUND: the
 * table, or something that was to be removed, is not there), SK_RESOURCE_EXHAUSTED (too large). Nothing has
 * happened then. */
SK_MUST_CHECK enum sk_code sk_batch_send(struct sk_batch *batch, struct sk_netlink *netfilter,
                                         struct sk_err *err);

enum sk_batch_verb { SK_BATCH_ADD, SK_BATCH_REMOVE };

void sk_batch_chain(struct sk_batch *batch, enum sk_batch_verb verb, const char *name);
/* Removes all rules of a chain. */
void sk_batch_flush_chain(struct sk_batch *batch, const char *name);
/* Consumes the rule; table and chain are filled in. */
void sk_batch_rule(struct sk_batch *batch, const char *chain, struct nftnl_rule *rule_take);
void sk_batch_counter(struct sk_batch *batch, enum sk_batch_verb verb, const char *name);
/* A set of IPv4 or IPv6 addresses with lifetimes, at most `size`. */
void sk_batch_set(struct sk_batch *batch, enum sk_batch_verb verb, const char *name, bool is_v6,
                  uint32_t size);
void sk_batch_flush_set(struct sk_batch *batch, const char *name);

/* An element of a set or map. What it maps to is one of: nothing, a chain to jump to, a counter, 32 bits. */
struct sk_batch_element {
    const char *set;
    const void *key;
    uint32_t key_len;
    const char *chain, *counter;
    const uint32_t *mark;
    uint64_t lifetime_ms; /* 0 = for good */
};
void sk_batch_element(struct sk_batch *batch, enum sk_batch_verb verb,
                      const struct sk_batch_element *element);

#endif
