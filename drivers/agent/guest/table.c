#include "drivers/agent/guest/table.h"

#include "drivers/agent/wire.h"

#include <stdlib.h>
#include <unistd.h>

static bool grow(struct sk_table *table)
{
    size_t cap = table->cap ? table->cap * 2 : 16;
    struct sk_proc *procs = realloc(table->procs, cap * sizeof *procs);
    if (!procs)
        return false;
    table->procs = procs;
    table->cap = cap;
    return true;
}

struct sk_proc *sk_table_add(struct sk_table *table, uint64_t key)
{
    if (table->len >= SK_WIRE_KEYS_MAX || (table->len == table->cap && !grow(table)))
        return NULL;
    struct sk_proc *proc = &table->procs[table->len++];
    *proc = (struct sk_proc){.key = key, .keep_stdout = -1, .keep_stderr = -1};
    return proc;
}

struct sk_proc *sk_table_find(const struct sk_table *table, uint64_t key)
{
    for (size_t i = 0; i < table->len; i++)
        if (table->procs[i].key == key)
            return &table->procs[i];
    return NULL;
}

struct sk_proc *sk_table_find_pid(const struct sk_table *table, pid_t pid)
{
    for (size_t i = 0; i < table->len; i++)
        if (table->procs[i].pid == pid && !table->procs[i].has_ended)
            return &table->procs[i];
    return NULL;
}

struct sk_proc *sk_table_find_main(const struct sk_table *table)
{
    for (size_t i = 0; i < table->len; i++)
        if (table->procs[i].is_main && !table->procs[i].has_ended)
            return &table->procs[i];
    return NULL;
}

void sk_table_drop(struct sk_table *table, struct sk_proc *proc)
{
    if (proc->keep_stdout >= 0)
        (void)close(proc->keep_stdout);
    if (proc->keep_stderr >= 0)
        (void)close(proc->keep_stderr);
    *proc = table->procs[--table->len];
}
