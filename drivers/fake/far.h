/* far.h: the far side of the fake agent: what a guest knows and keeps,
 * whether or not a daemon is connected to it. For agent.c and opens.c alone. */
#ifndef SK_FAKE_FAR_H
#define SK_FAKE_FAR_H

#include "base/map.h"
#include "drivers/fake/agent.h"
#include "drivers/fake/files.h"
#include "drivers/fake/process.h"

struct sk_fake_agent {
    struct sk_agent base;
    struct sk_fake_calls calls;
    struct sk_fake_runtime *rt;
    struct sk_list fars;
    struct sk_map by_id;
    bool deaf;
};

/* The far side of one sandbox. */
struct sk_far {
    struct sk_list link;
    struct sk_map_node by_id;
    struct sk_fake_agent *agent;
    char id[64];
    char dir[128];
    bool has_dir;
    struct sk_list processes;
    struct sk_fake_files files;
    struct sk_guest *host; /* NULL while nobody is connected or waiting */
};

/* One process as the guest remembers it. */
struct sk_far_process {
    struct sk_list link;
    struct sk_far *far;
    uint64_t key;
    bool is_main, ended, told;
    int status;
    int keep_out, keep_err;
    struct sk_fake_process *process;
};

/* The host side. */
struct sk_guest {
    struct sk_far *far;
    const struct sk_guest_events *events;
    void *arg;
    bool connected, lost;
    struct sk_err why;
    struct sk_task lost_task, exit_task;
    struct sk_done *awaiting;
    struct sk_task await_task;
    struct sk_err await_err;
    int await_pid;
};

/* NULL when there is none. */
struct sk_far *sk_far_find(const struct sk_fake_agent *agent, const char *id);
struct sk_far_process *sk_far_find_key(const struct sk_far *far, uint64_t key);
void sk_far_drop_entry(struct sk_far_process *entry);
void sk_far_drop_processes(struct sk_far *far);
void sk_far_free(struct sk_far *far);

/* Tells a connected daemon of the exits it does not know yet, one a turn. */
void sk_far_schedule_exits(struct sk_far *far);
/* For sk_fake_process_new; arg is the entry. */
void sk_far_on_process_exit(void *arg, int status);
/* The channel breaks for good. */
void sk_far_lose(struct sk_guest *guest, const char *why);

#endif
