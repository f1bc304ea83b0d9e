/* main_process.h: the main process of one sandbox: its output (drained and
 * counted, so that it never blocks), its exit, and the verdict on that exit:
 * completed, or killed for memory. */
#ifndef SK_CORE_MAIN_PROCESS_H
#define SK_CORE_MAIN_PROCESS_H

#include "loop/done.h"
#include "loop/pump.h"

struct sk_sandbox;

/* The key of every main process; others count up from sk_sandbox.next_key. */
#define SK_MAIN_KEY 1

struct sk_main {
    bool started;
    bool ended;
    int status; /* when ended */
    struct sk_reader out, err;
    uint64_t bytes;          /* of output seen by this daemon */
    struct sk_instant oom;   /* the last kill for memory in this sandbox */
    uint64_t oom_kills;      /* how many there had been by then */
    struct sk_timer verdict; /* waiting for the out-of-memory event that may belong to an exit */
    char why[256];           /* the guest or init went away: the reason, once the verdict is in */
    struct sk_timer silence; /* draining */
    struct sk_instant drain_until;
    struct sk_done *drained;
};

void sk_main_init(struct sk_main *main);
/* No callback afterwards; the descriptors are closed. */
void sk_main_fini(struct sk_sandbox *sandbox);

/* Drains its output from now on; consumes the read ends (-1 = none). */
void sk_main_attach(struct sk_sandbox *sandbox, int out_take, int err_take);
/* What the drivers report. */
void sk_main_exited(struct sk_sandbox *sandbox, int status);
void sk_main_oom(struct sk_sandbox *sandbox);
/* The guest or the init is gone; `why` becomes the reason unless memory was. */
void sk_main_lost(struct sk_sandbox *sandbox, const char *why);
/* Reads what is still in the pipes: until their end, 200 ms of silence, or 1 s. */
void sk_main_drain(struct sk_sandbox *sandbox, struct sk_done *done);
/* Decides at once if an exit is waiting for its verdict; true if there was one. */
bool sk_main_decide(struct sk_sandbox *sandbox);

#endif
