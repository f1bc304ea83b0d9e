/* memstore.h: the store of store.h in memory, for tests: programs that use
 * these helpers get its sk_store_* instead of those on SQLite. */
#ifndef SK_TESTS_MEMSTORE_H
#define SK_TESTS_MEMSTORE_H

#include "store/store.h"

/* Heap; answers puts one turn later. Free with sk_memstore_free. */
struct sk_store *sk_memstore_new(struct sk_loop *loop);
void sk_memstore_free(struct sk_store *store);

/* Asked at each put and delete ("store.put", "store.delete"): 0 = well, 1 =
 * fails and has not happened, 2 = happens but fails, 3 = answers after 5 s,
 * 4 = fails after 5 s and has not happened. */
void sk_memstore_hook(struct sk_store *store, int (*hook)(void *arg, const char *call), void *arg);
/* The stored bytes of a key, or NULL; borrowed until the next turn. */
const uint8_t *sk_memstore_get(const struct sk_store *store, const char *key, size_t *out_len);
size_t sk_memstore_count(const struct sk_store *store);
size_t sk_memstore_puts(const struct sk_store *store);

#endif
