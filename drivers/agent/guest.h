/* guest.h: the daemon's view of one guest: waits for it, talks to it, and
 * gives it up at the first frame that is out of order.
 *
 *   resting --await--> accepting --its pid--> greeting --HELLO--> reporting --READY--> ready
 *   any of these --fault--> lost */
#ifndef SK_AGENT_GUEST_H
#define SK_AGENT_GUEST_H

#include "base/log.h"
#include "drivers/agent.h"
#include "drivers/agent/known.h"
#include "drivers/agent/listener.h"
#include "drivers/agent/opens.h"
#include "drivers/agent/peer.h"

enum sk_guest_state {
    SK_GUEST_RESTING,
    SK_GUEST_ACCEPTING,
    SK_GUEST_GREETING,
    SK_GUEST_REPORTING,
    SK_GUEST_READY,
    SK_GUEST_LOST,
};

struct sk_guest {
    struct sk_agent *agent; /* the channel's */
    struct sk_loop *loop;
    const struct sk_log *log;
    const struct sk_guest_events *events;
    void *arg;
    char *dir; /* owned */
    enum sk_guest_state state;
    struct sk_err why; /* when lost */
    bool lost_told;
    int pid;

    struct sk_listener listener;
    struct sk_peer peer;
    struct sk_watch *watch; /* of the peer */
    struct sk_known_set known;
    struct sk_opens opens;
    struct sk_done *awaiting;

    struct sk_list answers; /* errors to be given in the next turn */
    struct sk_task settle;

    /* Callbacks may close the guest: it is freed when the last has returned. */
    int callbacks;
    bool is_closed;
};

/* dir_take: the guest's directory, in which the socket is made. */
SK_MUST_CHECK enum sk_code sk_guest_open(struct sk_loop *loop, const struct sk_log *log, char *dir_take,
                                         const struct sk_guest_events *events, void *arg,
                                         struct sk_guest **out_guest, struct sk_err *err);
/* As in struct sk_agent_ops. */
void sk_guest_await(struct sk_guest *guest, int pid, struct sk_done *done);
void sk_guest_start(struct sk_guest *guest, const struct sk_process *process, struct sk_done *done);
void sk_guest_signal(struct sk_guest *guest, uint64_t key, int signo, bool tree);
void sk_guest_release(struct sk_guest *guest, uint64_t key);
void sk_guest_open_read(struct sk_guest *guest, const struct sk_file_ask *ask, int *out_fd,
                        struct sk_done *done);
void sk_guest_open_write(struct sk_guest *guest, uint64_t key, const struct sk_file_ask *ask, int *out_fd,
                         struct sk_done *done);
void sk_guest_commit(struct sk_guest *guest, uint64_t key, struct sk_done *done);
void sk_guest_abandon(struct sk_guest *guest, uint64_t key);
void sk_guest_open_terminal(struct sk_guest *guest, int *out_master, int *out_slave, struct sk_done *done);
void sk_guest_close(struct sk_guest *guest);

/* Between guest.c, guest_opens.c and frames.c. */

/* Takes one frame and its descriptors; false when it is out of order, with *err. */
bool sk_guest_take_frame(struct sk_guest *guest, struct sk_incoming *incoming, struct sk_err *err);
/* Answers `await` now, from a callback of the loop. */
void sk_guest_answer_await(struct sk_guest *guest, const struct sk_err *err);
/* Answers in the next turn, from inside a call; no cancel comes any more. */
void sk_guest_answer_later(struct sk_guest *guest, struct sk_done *done, const struct sk_err *err);
/* The answers to OPEN and COMMIT; as sk_guest_take_frame. */
bool sk_guest_on_opened(struct sk_guest *guest, struct sk_incoming *incoming, struct sk_err *err);
bool sk_guest_on_committed(struct sk_guest *guest, const struct sk_frame *frame, struct sk_err *err);
/* Every open or commit under way answers now, from a callback of the loop. */
void sk_guest_fail_opens(struct sk_guest *guest, const struct sk_err *err);
/* Sends a frame, with its text if any; a guest that does not take it is lost in the next turn. */
void sk_guest_send(struct sk_guest *guest, const struct sk_frame *frame);

#endif
