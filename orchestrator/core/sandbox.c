#include "core/sandbox_impl.h"

#include "audit/audit.h"
#include "core/activity.h"
#include "core/create.h"
#include "core/exec_impl.h"
#include "core/file_impl.h"
#include "core/gc.h"
#include "core/lifetime.h"
#include "core/recover.h"
#include "core/remove.h"
#include "trace/trace.h"

#include <assert.h>

/* How long after its grace a TERMINATING sandbox is called TERMINATED even though something resists. */
#define STAMP_AFTER SK_SEC(5)

#define P SK_STATE_PENDING
#define C SK_STATE_CREATING
#define R SK_STATE_RUNNING
#define T SK_STATE_TERMINATING

/* clang-format off */
static const enum sk_state table[SK_STATE_TERMINATED + 1][SK_EV_COUNT] = {
    [P] = {[SK_EV_BEGIN] = C, [SK_EV_END] = T, [SK_EV_BROKEN] = SK_STATE_FAILED},
    [C] = {[SK_EV_UP] = R, [SK_EV_END] = T, [SK_EV_BROKEN] = SK_STATE_FAILED},
    [R] = {[SK_EV_END] = T, [SK_EV_EXITED] = SK_STATE_COMPLETED, [SK_EV_BROKEN] = SK_STATE_FAILED},
    [T] = {[SK_EV_GONE] = SK_STATE_TERMINATED},
};
/* clang-format on */

#undef P
#undef C
#undef R
#undef T

enum sk_state sk_state_next(enum sk_state state, enum sk_event event)
{
    return table[state][event];
}

/* --- birth, references ----------------------------------------------------- */

struct sk_sandbox *sk_sandbox_new(struct sk_node *node, struct sk_record *record_take)
{
    struct sk_sandbox *s = sk_alloc(sizeof(*s));

    s->node = node;
    s->trace = sk_tracer_current(node->config.tracer);
    s->refs = 1;
    s->record = record_take;
    s->state = record_take->state;
    s->log = (struct sk_log){.parent = node->log, .fields = {SK_STR("sandbox", record_take->id)}};
    /* Later than any key an earlier daemon gave out. */
    s->next_key = (uint64_t)sk_loop_wall(node->loop).ns + SK_MAIN_KEY + 1;
    sk_saver_init(&s->saver, node, &sk_sandbox_saver_ops);
    sk_list_init(&s->watchers);
    sk_list_init(&s->execs);
    sk_list_init(&s->files);
    sk_main_log_init(&s->main_log);
    sk_log_file_init(&s->log_file);
    sk_network_init(&s->network);
    return s;
}

struct sk_sandbox *sk_sandbox_ref(struct sk_sandbox *sandbox)
{
    sandbox->refs++;
    return sandbox;
}

void sk_sandbox_unref(struct sk_sandbox *s)
{
    if (!s || --s->refs > 0)
        return;
    assert(!s->guest && !s->create && !s->removal && !s->adoption && !s->session);
    assert(sk_list_is_empty(&s->execs) && sk_list_is_empty(&s->files) && sk_list_is_empty(&s->watchers));
    sk_lifetime_end(s);
    sk_activity_end(s);
    sk_timer_stop(s->node->loop, &s->stamp);
    sk_saver_fini(&s->saver);
    sk_network_fini(s);
    sk_sandbox_uncharge(s);
    sk_main_fini(s);
    assert(s->log_file.users == 0 && sk_list_is_empty(&s->log_file.ears));
    sk_record_free(s->record);
    free(s);
}

void sk_sandbox_hold(struct sk_sandbox *s)
{
    (void)sk_sandbox_ref(s);
    sk_node_hold(s->node);
}

void sk_sandbox_unhold(struct sk_sandbox *s)
{
    struct sk_node *node = s->node;

    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

const struct sk_record *sk_sandbox_record(const struct sk_sandbox *sandbox)
{
    return sandbox->record;
}

bool sk_sandbox_seen_alive(const struct sk_sandbox *s)
{
    return s->seen == s->node->looks;
}

const struct sk_log *sk_sandbox_log(const struct sk_sandbox *sandbox)
{
    return sandbox->log.parent ? &sandbox->log : NULL;
}

/* --- what it asks of the node ---------------------------------------------- */

struct sk_amount sk_sandbox_asks(const struct sk_record *record)
{
    return (struct sk_amount){record->spec.cpu_request_millis, record->spec.memory_request_bytes,
                              record->spec.gpu_count};
}

/* Its output and the files it came with are what of it lies on the node's disk by its creator's wish. */
struct sk_holding sk_sandbox_needs(const struct sk_node *node, const struct sk_record *record)
{
    const struct sk_spec *spec = &record->spec;
    int64_t files = 0;

    for (size_t i = 0; i < spec->file_count; i++)
        files += (int64_t)spec->files[i].len;
    return (struct sk_holding){{
        [SK_QUOTA_SANDBOXES] = 1,
        [SK_QUOTA_CPU] = spec->cpu_request_millis,
        [SK_QUOTA_MEMORY] = spec->memory_request_bytes,
        [SK_QUOTA_DISK] = node->config.log_max + files,
    }};
}

void sk_sandbox_charge(struct sk_sandbox *s)
{
    const struct sk_amount asked = sk_sandbox_asks(s->record);
    const struct sk_holding needs = sk_sandbox_needs(s->node, s->record);

    if (!s->charge.capacity)
        sk_charge_take(&s->charge, &s->node->capacity, &asked);
    sk_gpus_claim(&s->node->gpus, &s->record->spec);
    if (!s->due.tenant)
        sk_due_take(&s->due, &s->node->tenants, s->record->tenant, &needs);
}

void sk_sandbox_uncharge(struct sk_sandbox *s)
{
    if (s->charge.capacity)
        sk_gpus_release(&s->node->gpus, &s->record->spec);
    sk_charge_drop(&s->charge);
    sk_due_drop(&s->due);
}

void sk_sandbox_give_back(struct sk_sandbox *s, bool clean)
{
    if (!sk_gc_is_over(s))
        return;
    sk_network_release_ports(s);
    if (clean)
        sk_sandbox_uncharge(s);
}

/* --- moves ----------------------------------------------------------------- */

const char *sk_state_word(enum sk_state state)
{
    static const char *const names[] = {"",          "pending", "creating",  "running", "terminating",
                                        "completed", "failed",  "terminated"};
    return names[state];
}

void sk_sandbox_not_running_err(struct sk_err *err)
{
    (void)sk_fail(err, SK_FAILED_PRECONDITION, "the sandbox is not running");
    (void)sk_err_reason(err, "SANDBOX_NOT_RUNNING");
}

/* They may be many megabytes, and records are kept for long. */
static void forget_contents(struct sk_sandbox *s)
{
    if (sk_state_is_final(s->state) && !s->create) /* which may be at it */
        sk_record_forget_contents(s->record);
}

static void entered_final(struct sk_sandbox *s)
{
    forget_contents(s);
    s->record->ended = sk_loop_wall(s->node->loop);
    sk_lifetime_end(s);
    sk_activity_end(s);
    sk_timer_stop(s->node->loop, &s->stamp);
}

/* Ends, whoever asked for them: calls are told of by the API as well, what the node decides only here. */
static void tell_audit(const struct sk_sandbox *s)
{
    if (s->state != SK_STATE_TERMINATING && !sk_state_is_final(s->state))
        return;
    (void)sk_audit_write(
        s->node->config.audit,
        &(struct sk_audit_event){.event = s->state == SK_STATE_TERMINATING ? "ending" : "ended",
                                 .tenant = s->record->tenant,
                                 .sandbox = s->record->id,
                                 .session = s->record->session_id,
                                 .state = sk_state_word(s->state),
                                 .reason = s->record->state_reason});
}

bool sk_sandbox_move(struct sk_sandbox *s, enum sk_event event, const char *reason)
{
    enum sk_state next = sk_state_next(s->state, event);

    if (!next)
        return false;
    s->state = next;
    if (reason)
        sk_record_set_reason(s->record, reason);
    if (sk_state_is_final(next))
        entered_final(s);
    sk_log(sk_sandbox_log(s), SK_INFO, "sandbox.state", SK_STR("state", sk_state_word(next)),
           SK_STR("reason", s->record->state_reason));
    sk_timeline_add(&s->node->timeline, sk_loop_wall(s->node->loop), "sandbox", s->record->id, "%s%s%s",
                    sk_state_word(next), s->record->state_reason[0] ? ": " : "", s->record->state_reason);
    tell_audit(s);
    sk_sandbox_save(s, NULL);
    sk_execs_poke(s);
    sk_files_poke(s);
    return true;
}

static void on_stamp(struct sk_timer *timer)
{
    struct sk_sandbox *s = sk_container_of(timer, struct sk_sandbox, stamp);

    sk_log(sk_sandbox_log(s), SK_WARN, "sandbox.resists", SK_STR("state", sk_state_word(s->state)));
    (void)sk_sandbox_move(s, SK_EV_GONE, NULL);
}

void sk_sandbox_resume_end(struct sk_sandbox *s)
{
    struct sk_instant now = sk_loop_now(s->node->loop);
    struct sk_instant at = s->record->kill_at;

    sk_timer_start(s->node->loop, &s->stamp, sk_instant_add(at.ns > now.ns ? at : now, STAMP_AFTER),
                   on_stamp);
}

static void set_kill_at(struct sk_sandbox *s, struct sk_duration grace)
{
    struct sk_node *node = s->node;
    struct sk_instant at = sk_instant_add(sk_loop_now(node->loop), grace);
    struct sk_record *record = s->record;

    if (sk_instant_is_set(record->kill_at) && record->kill_at.ns <= at.ns)
        return;
    record->boot_id = node->boot_id; /* the node outlives the record */
    record->kill_at = at;
    record->kill_at_wall = sk_node_wall(node, at);
    sk_sandbox_resume_end(s);
}

static void begin_end(struct sk_sandbox *s)
{
    static const struct sk_err why = {
        .code = SK_CANCELLED, .where = "begin_end", .text = "deleted by request"};

    if (s->create)
        sk_create_cancel(s, &why);
    else if (!s->adoption)
        sk_removal_start(s);
    /* an adoption begins the removal itself, once the guest is back or given up */
}

void sk_sandbox_end(struct sk_sandbox *s, struct sk_duration grace, const char *reason)
{
    if (s->state == SK_STATE_RUNNING)
        (void)sk_main_decide(s); /* it had ended before this was asked */
    if (sk_state_is_final(s->state))
        return;
    if (sk_tracer_current(s->node->config.tracer).sampled)
        s->trace = sk_tracer_current(s->node->config.tracer);
    set_kill_at(s, s->state <= SK_STATE_CREATING ? SK_NS(0) : grace);
    if (s->record->kill_at.ns <= sk_loop_now(s->node->loop).ns)
        sk_adoption_cancel(s); /* nobody is to be asked politely */
    if (s->state == SK_STATE_TERMINATING)
        sk_removal_poke(s);
    else if (sk_sandbox_move(s, SK_EV_END, reason))
        begin_end(s);
}

void sk_sandbox_break(struct sk_sandbox *s, const char *reason)
{
    if (s->create) {
        struct sk_err why = {.code = SK_UNAVAILABLE, .where = __func__};
        (void)sk_fail(&why, SK_UNAVAILABLE, "%s", reason);
        sk_create_cancel(s, &why);
    } else if (s->state == SK_STATE_TERMINATING) {
        sk_removal_poke(s);
    } else if (sk_sandbox_move(s, SK_EV_BROKEN, reason)) {
        sk_removal_start(s);
    }
}

/* --- the first use --------------------------------------------------------- */

static void on_begun(struct sk_done *begun, const struct sk_err *err)
{
    struct sk_sandbox *s = sk_container_of(begun, struct sk_sandbox, begun);

    if (s->state != SK_STATE_CREATING || s->node->stopping)
        return; /* its end came first */
    if (err)
        sk_sandbox_break(s, err->text); /* what is made unrecorded could be lost */
    else
        sk_create_start(s, false);
}

void sk_sandbox_begin(struct sk_sandbox *s)
{
    (void)sk_sandbox_move(s, SK_EV_BEGIN, NULL);
    sk_done_init(&s->begun, on_begun);
    sk_sandbox_save(s, &s->begun);
}

/* --- the create flow is over ----------------------------------------------- */

static void creation_failed(struct sk_sandbox *s, const struct sk_err *err)
{
    sk_log_err(sk_sandbox_log(s), SK_WARN, "sandbox.create_failed", err);
    if (s->node->stopping)
        return; /* the next daemon makes it anew */
    if (!sk_sandbox_move(s, SK_EV_GONE, NULL))
        (void)sk_sandbox_move(s, SK_EV_BROKEN, err->text);
    sk_gc_soon(&s->node->gc); /* in case an undo failed */
}

static void came_up(struct sk_sandbox *s)
{
    s->guest_ready = true;
    s->settled = sk_loop_now(s->node->loop);
    if (!sk_state_next(s->state, SK_EV_UP)) {
        if (s->main.ended)
            sk_main_exited(s, s->main.status);
        sk_removal_start(s); /* deleted in the last moment */
        return;
    }
    sk_lifetime_begin(s);
    (void)sk_sandbox_move(s, SK_EV_UP, "");
    sk_activity_begin(s);
    if (s->main.ended)
        sk_main_exited(s, s->main.status);
}

void sk_sandbox_created(struct sk_sandbox *s, const struct sk_err *err)
{
    if (err)
        creation_failed(s, err);
    else
        came_up(s);
    forget_contents(s);
}

/* --- what the drivers say -------------------------------------------------- */

static void on_exit_event(void *arg, uint64_t key, int status)
{
    struct sk_sandbox *s = arg;

    if (key == SK_MAIN_KEY)
        sk_main_exited(s, status);
    else
        sk_execs_exited(s, key, status);
}

static void on_found(void *arg, uint64_t key, bool is_main, int stdout_take, int stderr_take)
{
    struct sk_sandbox *s = arg;

    if (key >= s->next_key && key < UINT64_MAX)
        s->next_key = key + 1;
    if (is_main && key == SK_MAIN_KEY && !s->main.started) {
        s->main.started = true;
        sk_main_log_adopt(s, stdout_take);
        sk_close_fd(&stderr_take); /* both streams are one pipe */
    } else {
        sk_execs_found(s, key, stdout_take, stderr_take);
    }
}

static void on_lost(void *arg, const struct sk_err *err)
{
    struct sk_sandbox *s = arg;
    struct sk_err why = *err;

    s->guest_ready = false;
    sk_err_wrap(&why, "the sandbox's guest was lost");
    sk_main_lost(s, why.text);
}

static const struct sk_guest_events guest_events = {
    .on_exit = on_exit_event,
    .on_found = on_found,
    .on_lost = on_lost,
};

enum sk_code sk_sandbox_open_guest(struct sk_sandbox *s, struct sk_err *err)
{
    struct sk_agent *agent = s->node->agent;

    assert(!s->guest);
    return agent->ops->open(agent, s->record->id, &guest_events, s, &s->guest, err);
}

void sk_sandbox_close_guest(struct sk_sandbox *s, bool remove)
{
    struct sk_guest *guest = sk_take(s->guest);

    s->guest_ready = false;
    if (!guest)
        return;
    s->node->agent->ops->close(guest, remove);
    sk_files_gone(s);
}

/* --- who waits for a state ------------------------------------------------- */

static void fire_watcher(struct sk_task *task)
{
    struct sk_watcher *watcher = sk_container_of(task, struct sk_watcher, task);
    watcher->fn(watcher);
}

static bool has_come(const struct sk_sandbox *s, const struct sk_watcher *watcher)
{
    return s->record->state >= watcher->from;
}

void sk_sandbox_watch(struct sk_sandbox *s, struct sk_watcher *watcher, enum sk_state from,
                      void (*fn)(struct sk_watcher *watcher))
{
    *watcher = (struct sk_watcher){.fn = fn, .from = from};
    if (has_come(s, watcher))
        sk_loop_defer(s->node->loop, &watcher->task, fire_watcher);
    else
        sk_list_append(&s->watchers, &watcher->link);
}

void sk_watcher_stop(struct sk_watcher *watcher)
{
    sk_list_remove(&watcher->link);
    sk_loop_undefer(&watcher->task);
}

void sk_sandbox_fire_watchers(struct sk_sandbox *s)
{
    sk_log_file_tell(s);
    sk_list_each(&s->watchers, link)
    {
        struct sk_watcher *watcher = sk_list_entry(link, struct sk_watcher, link);
        if (!has_come(s, watcher))
            continue;
        sk_list_remove(&watcher->link);
        sk_loop_defer(s->node->loop, &watcher->task, fire_watcher);
    }
}
