#include "cli/table.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define GAP 2

/* How many columns a terminal gives to the text: one for each character. */
static size_t width(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void sk_table_fini(struct sk_table *table)
{
    sk_arena_fini(&table->arena);
    free(table->cells);
    *table = (struct sk_table){.columns = table->columns};
}

void sk_table_add(struct sk_table *table, const char *text)
{
    char *cell = sk_arena_strdup(&table->arena, text && *text ? text : "-");
    size_t column = table->count % table->columns;

    assert(table->columns <= SK_TABLE_COLUMNS);
    sk_utf8_disarm(cell);
    if (table->count == table->cap) {
        table->cap = table->cap ? table->cap * 2 : 64;
        table->cells = sk_realloc(table->cells, table->cap * sizeof(*table->cells));
    }
    table->cells[table->count++] = cell;
    if (width(cell) > table->widths[column])
        table->widths[column] = width(cell);
}

enum sk_code sk_table_print(const struct sk_table *table, struct sk_buf *out)
{
    enum sk_code code = SK_OK;

    for (size_t i = 0; i < table->count && !code; i++) {
        size_t column = i % table->columns;
        const char *cell = table->cells[i];
        bool last = column + 1 == table->columns;
        size_t pad = last ? 0 : table->widths[column] - width(cell) + GAP;
        code = sk_buf_printf(out, "%s%*s%s", cell, (int)pad, "", last ? "\n" : "");
    }
    return code;
}
