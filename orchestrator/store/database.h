/* database.h: the store's file: one SQLite table of (kind, key, data), in the
 * order of first insertion. Blocking; one thread at a time. Private to store/. */
#ifndef SK_STORE_DATABASE_H
#define SK_STORE_DATABASE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sk_database;
struct sk_done;

/* One change, queued; heap. */
struct sk_write {
    struct sk_write *next;
    const char *kind; /* static */
    char *key;
    uint8_t *data; /* NULL = delete the key */
    size_t len;
    struct sk_done *done; /* may be NULL */
    struct sk_err err;    /* code SK_OK = it is on the disk */
};

/* Opens or makes the file. Errors: SK_FAILED_PRECONDITION (of a newer
 * release, or not ours; left untouched), SK_DATA_LOSS (damaged), else by cause. */
SK_MUST_CHECK enum sk_code sk_database_open(const char *path, struct sk_database **out_db,
                                            struct sk_err *err);
/* NULL is fine. */
void sk_database_close(struct sk_database *db);

SK_MUST_CHECK enum sk_code sk_database_load(struct sk_database *db, const char *kind,
                                            void (*each)(void *arg, const char *key, const uint8_t *data,
                                                         size_t len),
                                            void *arg, struct sk_err *err);

/* Writes [first, end) in one transaction: all of them durable, or none. */
SK_MUST_CHECK enum sk_code sk_database_apply(struct sk_database *db, const struct sk_write *first,
                                             const struct sk_write *end, struct sk_err *err);

#endif
