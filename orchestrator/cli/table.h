/* table.h: text in columns, for people. Pure.
 *
 * A cell's control characters are shown as "?": texts come from a server and
 * must not drive the reader's terminal. */
#ifndef SK_CLI_TABLE_H
#define SK_CLI_TABLE_H

#include "base/arena.h"
#include "base/buf.h"

#define SK_TABLE_COLUMNS 12

struct sk_table {
    struct sk_arena arena; /* the cells */
    size_t columns;
    const char **cells; /* row after row */
    size_t count, cap;
    size_t widths[SK_TABLE_COLUMNS];
};

/* A zeroed table with `columns` set is empty. */
void sk_table_fini(struct sk_table *table);
/* The next cell, left to right; copied. NULL or "" shows as "-". */
void sk_table_add(struct sk_table *table, const char *text);
/* Rows end with a newline; the last column is not padded. */
SK_MUST_CHECK enum sk_code sk_table_print(const struct sk_table *table, struct sk_buf *out);

#endif
