/* runtime.h (fake): containers in memory. What is "held" outlives the
 * daemon's own objects, so that a test can throw a node away and recover
 * another one from the same fake. */
#ifndef SK_FAKE_RUNTIME_H
#define SK_FAKE_RUNTIME_H

#include "drivers/fake/calls.h"
#include "drivers/runtime.h"

struct sk_fake_runtime;

/* Heap; one owner. A snapshot_parent of "missing" is not there. */
struct sk_fake_runtime *sk_fake_runtime_new(struct sk_loop *loop);
/* NULL is fine. No call or event may be under way. */
void sk_fake_runtime_free(struct sk_fake_runtime *rt);
struct sk_runtime *sk_fake_runtime_base(struct sk_fake_runtime *rt);
struct sk_fake_calls *sk_fake_runtime_calls(struct sk_fake_runtime *rt);

/* Who is told at once when an init starts or ends (the fake agent). */
void sk_fake_runtime_watch(struct sk_fake_runtime *rt,
                           void (*fn)(void *arg, const char *id, int pid, bool alive), void *arg);
/* The pid of the started init of `id`, or 0. */
int sk_fake_runtime_pid(const struct sk_fake_runtime *rt, const char *id);
/* The cpuset that the container of `id` was made with ("" = all), or NULL; borrowed. */
const char *sk_fake_runtime_cpuset(const struct sk_fake_runtime *rt, const char *id);
/* The same with its network namespace; "" = a new one. */
const char *sk_fake_runtime_netns(const struct sk_fake_runtime *rt, const char *id);
/* Root file systems, containers and tasks held; 0 = nothing is left. */
size_t sk_fake_runtime_held(const struct sk_fake_runtime *rt);

/* --- what tests make happen; unknown ids are ignored ---------------------- */
/* The init ends; its task stays, stopped. quiet: no event tells of it. */
void sk_fake_runtime_init_dies(struct sk_fake_runtime *rt, const char *id, int status, bool quiet);
void sk_fake_runtime_oom(struct sk_fake_runtime *rt, const char *id);
/* From now on the kills of that box are counted, and this is how many there were; before, nobody knows. */
void sk_fake_runtime_count_oom(struct sk_fake_runtime *rt, const char *id, uint64_t kills);
/* What that box is found to use from now on; before, nobody knows. */
void sk_fake_runtime_use(struct sk_fake_runtime *rt, const char *id, int64_t cpu_ns, int64_t memory_bytes);
void sk_fake_runtime_resync(struct sk_fake_runtime *rt);
/* The container of `id`, or its root file system, is gone, and its task lives on. */
void sk_fake_runtime_undermine(struct sk_fake_runtime *rt, const char *id, bool rootfs);
/* Something lies about; how much does. */
void sk_fake_runtime_litter(struct sk_fake_runtime *rt, const char *kind, const char *name, bool is_nobodys);
size_t sk_fake_runtime_littered(const struct sk_fake_runtime *rt);
/* What lies behind goes away (every call fails until it is back), or comes back. */
void sk_fake_runtime_away(struct sk_fake_runtime *rt, bool away);
/* Everything held for `id` is gone, without an event. */
void sk_fake_runtime_vanish(struct sk_fake_runtime *rt, const char *id);

#endif
