/* agent.h (fake): guests in memory, whose processes are the scripts of
 * process.h, and files.h. The far side (processes, kept pipes, exits not yet told, files) lives
 * on when the host side is closed, as a real guest does when the daemon goes. */
#ifndef SK_FAKE_AGENT_H
#define SK_FAKE_AGENT_H

#include "drivers/agent.h"
#include "drivers/fake/calls.h"
#include "drivers/fake/runtime.h"

struct sk_fake_agent;

/* Heap; one owner. With a runtime, a guest comes when the init of its sandbox
 * is started (and has the pid that is awaited), and dies with it; with NULL it
 * is there as soon as it is awaited. Free the agent before the runtime. */
struct sk_fake_agent *sk_fake_agent_new(struct sk_loop *loop, struct sk_fake_runtime *rt);
/* NULL is fine. Far sides that are left are dropped; host sides must be closed (asserted). */
void sk_fake_agent_free(struct sk_fake_agent *agent);
struct sk_agent *sk_fake_agent_base(struct sk_fake_agent *agent);
struct sk_fake_calls *sk_fake_agent_calls(struct sk_fake_agent *agent);

/* Host sides open, directories on disk, so to speak, and files being written; 0 = nothing is left. */
size_t sk_fake_agent_held(const struct sk_fake_agent *agent);
/* Processes alive in `id`, and children that fork: left behind. */
size_t sk_fake_agent_alive(const struct sk_fake_agent *agent, const char *id);
/* Ended or not, what the guest still remembers. */
size_t sk_fake_agent_remembered(const struct sk_fake_agent *agent, const char *id);

/* --- what tests make happen ------------------------------------------------- */
/* The main process ends by itself. */
void sk_fake_agent_main_exits(struct sk_fake_agent *agent, const char *id, int status);
/* The channel breaks for good; the init lives on. */
void sk_fake_agent_lose(struct sk_fake_agent *agent, const char *id);
/* No guest connects any more (those who await wait on). */
void sk_fake_agent_deaf(struct sk_fake_agent *agent, bool deaf);

#endif
