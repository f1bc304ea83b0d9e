/* main_process.h: the main process of one sandbox: its exit, and the verdict on
 * that: completed, or killed for memory. Its output is main_log.h's. */
#ifndef SK_CORE_MAIN_PROCESS_H
#define SK_CORE_MAIN_PROCESS_H

#include "loop/done.h"

struct sk_sandbox;

/* The key of every main process; others count up from sk_sandbox.next_key. */
#define SK_MAIN_KEY 1

struct sk_main {
    bool started;
    bool ended;
    int status;              /* when ended */
    struct sk_instant oom;   /* the last kill for memory in this sandbox */
    uint64_t oom_kills;      /* how many there had been until a second after it */
    struct sk_timer recount; /* for that number */
    struct sk_timer verdict; /* waiting for the out-of-memory event that may belong to an exit */
    char why[256];           /* the guest or init went away: the reason, once the verdict is in */
};

/* No verdict afterwards; its log is closed. */
void sk_main_fini(struct sk_sandbox *sandbox);

/* What the drivers report. */
void sk_main_exited(struct sk_sandbox *sandbox, int status);
void sk_main_oom(struct sk_sandbox *sandbox);
/* The guest or the init is gone; `why` becomes the reason unless memory was. */
void sk_main_lost(struct sk_sandbox *sandbox, const char *why);
/* Decides at once if an exit is waiting for its verdict; true if there was one. */
bool sk_main_decide(struct sk_sandbox *sandbox);

#endif
