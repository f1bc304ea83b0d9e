/* table.h: the processes that were started and not yet released. */
#ifndef SK_GUEST_TABLE_H
#define SK_GUEST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sk_proc {
    uint64_t key;
    pid_t pid;                    /* its own session and process group; meaningless once it has ended */
    int keep_stdout, keep_stderr; /* owned, -1 = none */
    uint8_t status;
    bool is_main;
    bool has_ended;
    bool found_told, exit_told; /* on the present connection */
};

struct sk_table {
    struct sk_proc *procs; /* owned; in no order; pointers into it last until the next add or drop */
    size_t len, cap;
};

/* NULL when there is no memory or SK_WIRE_KEYS_MAX are known. */
struct sk_proc *sk_table_add(struct sk_table *table, uint64_t key);
struct sk_proc *sk_table_find(const struct sk_table *table, uint64_t key);
struct sk_proc *sk_table_find_pid(const struct sk_table *table, pid_t pid);
struct sk_proc *sk_table_find_main(const struct sk_table *table);
/* Closes what is kept for it. */
void sk_table_drop(struct sk_table *table, struct sk_proc *proc);

#endif
