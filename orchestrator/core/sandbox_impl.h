/* sandbox_impl.h: the inside of struct sk_sandbox, for core/ alone.
 *
 * Two states: `state` is the truth, changed at once by sk_sandbox_move();
 * record->state is what the outside sees and follows when the change is
 * durable, so that no client sees a state that a crash could take back. The
 * one exception: a disk that refuses the change delays no end; it is shown,
 * and stored as soon as the disk takes it. */
#ifndef SK_CORE_SANDBOX_IMPL_H
#define SK_CORE_SANDBOX_IMPL_H

#include "core/log_file.h"
#include "core/main_log.h"
#include "core/main_process.h"
#include "core/network_impl.h"
#include "core/node_impl.h"
#include "core/sandbox.h"
#include "core/saver.h"
#include "trace/context.h"

enum sk_event {
    SK_EV_BEGIN,  /* its making begins */
    SK_EV_UP,     /* an exec works */
    SK_EV_END,    /* its end was asked for */
    SK_EV_EXITED, /* the main process ended by itself */
    SK_EV_BROKEN, /* could not be made, or broke */
    SK_EV_GONE,   /* the end that was asked for is over */
    SK_EV_COUNT
};

struct sk_session;

struct sk_sandbox {
    struct sk_node *node;
    unsigned refs;
    struct sk_log log; /* carries the id */
    struct sk_record *record;
    enum sk_state state;
    struct sk_trace_context trace; /* of the call that made it, later of the one that ended it */
    struct sk_map_node by_id, by_request;
    struct sk_list link; /* node->sandboxes */
    struct sk_list live; /* node->live */
    bool durable;        /* its first record is stored: it may be seen */

    struct sk_saver saver;
    enum sk_state packed;       /* in the put under way */
    struct sk_session *session; /* borrowed: it is kept for longer; NULL = none */
    struct sk_list in_session;  /* its sandboxes, until the end is seen */
    size_t users;               /* see activity.h */
    struct sk_timer idle;
    struct sk_done begun;    /* the first use is stored */
    struct sk_list watchers; /* struct sk_watcher: not there yet */
    struct sk_list execs;    /* struct sk_exec */
    struct sk_list files;    /* struct sk_file */
    size_t files_busy;       /* that the guest may know of */

    struct sk_guest *guest; /* from open to close */
    bool guest_ready;       /* it is connected; execs may start */
    bool adopting;          /* waiting for it after a restart */
    uint64_t next_key;      /* of processes */
    struct sk_main main;
    struct sk_main_log main_log; /* from its pipe to the journal */
    struct sk_log_file log_file;
    struct sk_sandbox_network network;
    struct sk_charge charge; /* for what it asks, until nothing of it is left */
    struct sk_due due;       /* of its tenant, for the same */

    struct sk_create *create;   /* the flow that makes it, or NULL */
    struct sk_removal *removal; /* the flow that takes it away, or NULL */
    struct sk_adoption *adoption;
    uint64_t seen;             /* the last list of the runtime (node->looks) with its task running */
    int seen_pid;              /* in it */
    struct sk_instant settled; /* when it last became RUNNING, for comparing with the runtime's list */

    struct sk_use use;        /* see usage.h */
    struct sk_timer deadline; /* of its life */
    struct sk_timer stamp;    /* TERMINATING ends here even if the removal has not */
};

/* record_take: consumed. The new sandbox has one reference and is in no index. */
struct sk_sandbox *sk_sandbox_new(struct sk_node *node, struct sk_record *record_take);

/* Something under way keeps the sandbox, and a stop of the node waits for it. */
void sk_sandbox_hold(struct sk_sandbox *sandbox);
void sk_sandbox_unhold(struct sk_sandbox *sandbox);

/* Whether its task ran when the runtime was last listed. */
bool sk_sandbox_seen_alive(const struct sk_sandbox *sandbox);

/* NULL when the node has no log. */
const struct sk_log *sk_sandbox_log(const struct sk_sandbox *sandbox);

/* Applies the event; false, and nothing, when the table has no such move.
 * reason: why (NULL = keep). The change is on its way to the store afterwards. */
bool sk_sandbox_move(struct sk_sandbox *sandbox, enum sk_event event, const char *reason);
/* The table itself; 0 = no such move. */
enum sk_state sk_state_next(enum sk_state state, enum sk_event event);
/* What everyone is told who wants something of a sandbox that does not run. */
void sk_sandbox_not_running_err(struct sk_err *err);

/* After the shown state has changed. */
void sk_sandbox_fire_watchers(struct sk_sandbox *sandbox);

/* Stores the record as it is now; done (may be NULL) fires when that, or something newer, is durable. */
void sk_sandbox_save(struct sk_sandbox *sandbox, struct sk_done *done);
/* Fires when everything that has changed so far is durable (or could not be stored). */
void sk_sandbox_await_saved(struct sk_sandbox *sandbox, struct sk_done *done);
extern const struct sk_saver_ops sk_sandbox_saver_ops;

/* PENDING ends: it is made, once that is stored. */
void sk_sandbox_begin(struct sk_sandbox *sandbox);
/* Ends it: SIGTERM now, SIGKILL after the grace; an earlier end already asked for stands. */
void sk_sandbox_end(struct sk_sandbox *sandbox, struct sk_duration grace, const char *reason);
/* RUNNING cannot go on: FAILED with `reason`, and what is left is taken away. */
void sk_sandbox_break(struct sk_sandbox *sandbox, const char *reason);
/* A TERMINATING record that was loaded: its end stays bounded. */
void sk_sandbox_resume_end(struct sk_sandbox *sandbox);
/* Called by the flows when the create is over, whatever came of it. */
void sk_sandbox_created(struct sk_sandbox *sandbox, const struct sk_err *err);

/* It holds what it asks for, whether that fits or not; and gives it back. Harmless twice. */
void sk_sandbox_charge(struct sk_sandbox *sandbox);
void sk_sandbox_uncharge(struct sk_sandbox *sandbox);
/* The same of its tenant's quotas. */
struct sk_holding sk_sandbox_needs(const struct sk_node *node, const struct sk_record *record);
/* What it asks of the node at least. */
struct sk_amount sk_sandbox_asks(const struct sk_record *record);
/* One of its flows is over: gives back what it held for others, once it has ended. clean: nothing is left of
 * it; else gc says when. */
void sk_sandbox_give_back(struct sk_sandbox *sandbox, bool clean);

/* Opens the guest's host side; its events come back here. */
SK_MUST_CHECK enum sk_code sk_sandbox_open_guest(struct sk_sandbox *sandbox, struct sk_err *err);
void sk_sandbox_close_guest(struct sk_sandbox *sandbox, bool remove);

#endif
