/* serve.h: what the daemon asks for is done, what happens is reported. */
#ifndef SK_GUEST_SERVE_H
#define SK_GUEST_SERVE_H

#include "drivers/agent/guest/files.h"
#include "drivers/agent/guest/link.h"
#include "drivers/agent/guest/spawn.h"
#include "drivers/agent/guest/table.h"

struct sk_serve {
    struct sk_link link;
    struct sk_table table;
    struct sk_spawner spawner;
    struct sk_files files;
    /* Of the present connection. While something waits to be told no command
     * is taken, so nothing piles up here. */
    bool hello_told, ready_told;
    bool has_reply;
    struct sk_frame reply;
    int reply_fd;  /* goes with it; owned, -1 = none */
    size_t untold; /* ends that were not reported */
    struct sk_packet packet;
};

/* There is no connection (any more): what only it was for ends. Costs nothing when repeated. */
void sk_serve_lost(struct sk_serve *serve);
/* A connection was just made: everything is told from the beginning. */
void sk_serve_reset(struct sk_serve *serve);
/* Takes commands, at most a few a call. */
void sk_serve_commands(struct sk_serve *serve);
/* Sends what is untold, as far as the daemon reads it. True when all is told. */
bool sk_serve_report(struct sk_serve *serve);
/* Reaps the dead, at most a few a call; true when there may be more. */
bool sk_serve_reap(struct sk_serve *serve);
/* A signal that came to PID 1 goes to the main process. */
void sk_serve_forward(struct sk_serve *serve, int signo);

#endif
