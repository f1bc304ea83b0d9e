/* store.h: the durable store: SQLite in WAL mode on a thread of its own.
 *
 * Writes are queued by the loop, committed by the thread in groups (one fsync
 * for all that waited), and answered on the loop after the commit. The loop
 * never waits on the disk. Writes of one key are applied in the order given.
 *
 * On a full or broken disk a write answers SK_RESOURCE_EXHAUSTED or
 * SK_INTERNAL and has not happened; the store goes on and the next write may
 * succeed. Threads: loop only; the thread is internal. */
#ifndef SK_STORE_STORE_H
#define SK_STORE_STORE_H

#include "base/log.h"
#include "loop/done.h"
#include "metrics/metrics.h"

struct sk_store;

/* Opens or makes the database file; blocking, for start-up. A file written by
 * a newer schema is refused (SK_FAILED_PRECONDITION) and left untouched.
 * Heap; one owner. */
SK_MUST_CHECK enum sk_code sk_store_open(struct sk_loop *loop, const struct sk_log *log, const char *path,
                                         struct sk_store **out_store, struct sk_err *err);

/* What it takes is measured from here on: the commits of groups, and how much they hold. */
void sk_store_measure(struct sk_store *store, struct sk_metrics *metrics);

/* Calls `each` for every record of `kind`, oldest insertion first; blocking, for start-up. */
SK_MUST_CHECK enum sk_code sk_store_load(struct sk_store *store, const char *kind,
                                         void (*each)(void *arg, const char *key, const uint8_t *data,
                                                      size_t len),
                                         void *arg, struct sk_err *err);

/* Inserts or replaces. `kind` is static; key and data are copied. done may be
 * NULL when nobody waits. */
void sk_store_put(struct sk_store *store, const char *kind, const char *key, const void *data, size_t len,
                  struct sk_done *done);
/* Absent = success. */
void sk_store_delete(struct sk_store *store, const char *kind, const char *key, struct sk_done *done);

/* Commits what is queued, ends the thread, fires `done`, frees the store. */
void sk_store_close(struct sk_store *store, struct sk_done *done);

#endif
