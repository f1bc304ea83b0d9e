/* runtime_impl.h: what the files of the fake runtime share: its boxes, and the events that are on their way.
 */
#ifndef SK_FAKE_RUNTIME_IMPL_H
#define SK_FAKE_RUNTIME_IMPL_H

#include "base/map.h"
#include "drivers/fake/runtime.h"

struct sk_fake_box {
    struct sk_fake_runtime *rt;
    struct sk_list link;
    struct sk_map_node by_id;
    char id[64];
    bool rootfs, container, task, started, alive;
    int pid;
    char cpuset[64], netns[160];
    bool counts_kills;
    uint64_t oom_kills;
    bool is_measured;
    int64_t cpu_ns, memory_bytes;
};

struct sk_fake_event {
    struct sk_list link;
    enum sk_runtime_event_kind kind;
    int status;
    char id[64];
};

struct sk_fake_runtime {
    struct sk_runtime base;
    struct sk_fake_calls calls;
    struct sk_list boxes;
    struct sk_map by_id;
    struct sk_list events;
    struct sk_task tell;
    void (*listener)(void *arg, const struct sk_runtime_event *event);
    void *listener_arg;
    void (*watcher)(void *arg, const char *id, int pid, bool alive);
    void *watcher_arg;
    int last_pid;
    bool away;
    struct sk_litter_list litter;
};

/* NULL when there is none. */
struct sk_fake_box *sk_fake_box_find(const struct sk_fake_runtime *rt, const char *id);
/* Its process ends; `quiet`: nobody is told. */
void sk_fake_box_die(struct sk_fake_runtime *rt, struct sk_fake_box *box, int status, bool quiet);
void sk_fake_box_drop(struct sk_fake_box *box);
/* Told in the next turn, in order. */
void sk_fake_runtime_emit(struct sk_fake_runtime *rt, enum sk_runtime_event_kind kind, const char *id,
                          int status);

#endif
