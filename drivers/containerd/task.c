/* task.c: a sandbox's task: made, started, signalled, ended. */
#include "containerd/snapshots.pb-c.h"
#include "containerd/tasks.pb-c.h"
#include "drivers/containerd/bundle.h"
#include "drivers/containerd/runtime.h"
#include "loop/op.h"
#include "loop/work.h"

#include <signal.h>
#include <string.h>

/* 10 s in all. */
#define AGAIN_PAUSE     SK_MSEC(250)
#define AGAIN_TIMES_MAX 40
/* Longer than containerd takes to undo an attempt (5 s, cleanupTimeout of runtime/v2): what is in the way all
 * the time is nobody's. */
#define ABANDONED_AFTER SK_SEC(6)

/* One flow on one task. */
struct flow {
    struct sk_op op;
    struct sk_done over;
    struct sk_done *done; /* the caller's */
    struct sk_ctd_runtime *rt;
    struct sk_arena arena; /* answers */
    char *id;
    int *out_pid;       /* create only */
    struct sk_err said; /* how the call that matters ended */
    ProtobufCMessage *mounts, *made, *found;
    struct sk_done asked;    /* create only: of the call */
    struct sk_done *making;  /* create only: of the step */
    struct sk_timer again;   /* create only */
    unsigned times_failed;   /* create only */
    char *bundle;            /* create only: in the way; owned */
    struct sk_instant since; /* create only: it is in the way; unset = it is not */
    struct sk_work work;     /* create only: taking it away */
};

static struct flow *flow_of(struct sk_op *op)
{
    return sk_container_of(op, struct flow, op);
}

static void finish_flow(struct sk_done *over, const struct sk_err *err)
{
    struct flow *f = sk_container_of(over, struct flow, over);
    struct sk_done *done = f->done;
    sk_arena_fini(&f->arena);
    free(f->bundle);
    free(f);
    sk_done_fire(done, err);
}

static void start_flow(struct sk_runtime *base, const char *id, const struct sk_step *steps, int *out_pid,
                       struct sk_done *done)
{
    struct flow *f = sk_alloc(sizeof(*f));
    f->rt = sk_ctd_runtime_of(base);
    f->done = done;
    f->out_pid = out_pid;
    f->id = sk_arena_strdup(&f->arena, id);
    sk_done_init(&f->over, finish_flow);
    f->op.flow = "task";
    sk_op_start(&f->op, f->rt->client->loop, f->rt->client->log, steps, (struct sk_instant){0}, &f->over);
}

/* Start, Get, Wait and Delete. What Get finds lands in f->found. */
static void ask_task(struct flow *f, enum sk_ctd_method method, unsigned forgive, struct sk_err *out_err,
                     struct sk_done *done)
{
    Containerd__TaskRequest request = CONTAINERD__TASK_REQUEST__INIT;
    request.container_id = f->id;
    sk_ctd_call(f->rt->client,
                &(struct sk_ctd_ask){
                    .method = method,
                    .forgive = forgive,
                    .arena = &f->arena,
                    .out_response = method == SK_CTD_TASK_GET ? &f->found : NULL,
                    .out_err = out_err,
                },
                &request.base, done);
}

static const Containerd__Process *found_process(const struct flow *f)
{
    const Containerd__GetTaskResponse *response = (const Containerd__GetTaskResponse *)f->found;
    return response ? response->process : NULL;
}

static void step_done(struct flow *f, struct sk_done *done)
{
    sk_done_later(f->rt->client->loop, done, NULL);
}

/* --- create ------------------------------------------------------------------- */

static void find_mounts(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;
    request.snapshotter = f->rt->client->snapshotter;
    request.key = f->id;
    sk_ctd_call(f->rt->client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_SNAPSHOT_MOUNTS,
                    .can_cancel = true,
                    .arena = &f->arena,
                    .out_response = &f->mounts,
                },
                &request.base, done);
}

static void ask_to_make(struct flow *f);

static void make_again(struct sk_timer *timer)
{
    ask_to_make(sk_container_of(timer, struct flow, again));
}

/* Only what the OCI runtime refuses is certainly final. One that ended without a word, of which its shim
 * finds no log, has refused nothing: it was ended. */
static bool is_refusal(const struct sk_err *err)
{
    return strstr(err->text, "OCI runtime") && !strstr(err->text, "unable to retrieve OCI runtime error");
}

/* After a daemon was killed in the middle of a create, containerd undoes that attempt in its own time, and
 * by the task's name: it holds our folder, or takes it away, or closes our shim. It has no code for any of
 * that. */
static bool may_pass(const struct sk_err *err)
{
    bool is_its_own = strstr(err->text, " shim") || strstr(err->text, "/io.containerd.runtime.v2.task/");

    return (err->code == SK_UNKNOWN || err->code == SK_NOT_FOUND) && is_its_own && !is_refusal(err);
}

static void try_again(struct flow *f)
{
    struct sk_loop *loop = f->rt->client->loop;
    sk_timer_start(loop, &f->again, sk_instant_add(sk_loop_now(loop), AGAIN_PAUSE), make_again);
}

static void on_unmade(struct sk_done *asked, const struct sk_err *err)
{
    (void)err;
    try_again(sk_container_of(asked, struct flow, asked));
}

/* Made before, by a call whose answer was lost. A containerd that was killed in the middle of it knows the
 * task, and its shim knows no process: that is taken away first. */
static void on_found(struct sk_done *asked, const struct sk_err *err)
{
    struct flow *f = sk_container_of(asked, struct flow, asked);
    const Containerd__Process *found = found_process(f);
    if (err || (found && found->pid) || f->times_failed++ == AGAIN_TIMES_MAX) {
        sk_done_fire(f->making, err);
        return;
    }
    f->found = NULL;
    sk_done_init(&f->asked, on_unmade);
    ask_task(f, SK_CTD_TASK_DELETE, ~0u, NULL, &f->asked);
}

static void run_unblock(struct sk_work *work)
{
    (void)!sk_bundle_remove_unused(sk_container_of(work, struct flow, work)->bundle, &work->err);
}

static void on_unblocked(struct sk_done *asked, const struct sk_err *err)
{
    struct flow *f = sk_container_of(asked, struct flow, asked);
    sk_log_err(f->rt->client->log, SK_WARN, "task.bundle_removed", err, SK_STR("path", f->bundle));
    try_again(f);
}

/* Only if containerd knows no task of it. */
static void unblock(struct sk_done *asked, const struct sk_err *err)
{
    struct flow *f = sk_container_of(asked, struct flow, asked);
    if (err || f->found) {
        f->found = NULL;
        try_again(f);
        return;
    }
    sk_done_init(&f->asked, on_unblocked);
    sk_work_start(f->rt->client->loop, &f->work, run_unblock, &f->asked);
}

/* True once in each row of refusals. */
static bool is_abandoned(struct flow *f, const struct sk_err *err)
{
    struct sk_instant now = sk_loop_now(f->rt->client->loop);

    free(f->bundle);
    f->bundle = sk_bundle_in_the_way(err->text, f->rt->client->namespace, f->id);
    if (!f->bundle)
        f->since = (struct sk_instant){0};
    else if (!sk_instant_is_set(f->since))
        f->since = now;
    if (!f->bundle || sk_instant_diff(now, f->since).ns < ABANDONED_AFTER.ns)
        return false;
    f->since = (struct sk_instant){0};
    return true;
}

static void on_made(struct sk_done *asked, const struct sk_err *err)
{
    struct flow *f = sk_container_of(asked, struct flow, asked);
    if (err)
        sk_strays_again(&f->rt->strays);
    if (err && may_pass(err) && f->times_failed++ < AGAIN_TIMES_MAX) {
        if (is_abandoned(f, err)) {
            sk_done_init(&f->asked, unblock);
            ask_task(f, SK_CTD_TASK_GET, SK_FORGIVE(SK_NOT_FOUND), NULL, &f->asked);
        } else {
            try_again(f);
        }
    } else if (err || f->made) {
        sk_done_fire(f->making, err);
    } else {
        sk_done_init(&f->asked, on_found);
        ask_task(f, SK_CTD_TASK_GET, SK_FORGIVE(SK_NOT_FOUND), NULL, &f->asked);
    }
}

static void ask_to_make(struct flow *f)
{
    const Containerd__MountsResponse *mounts = (const Containerd__MountsResponse *)f->mounts;
    Containerd__Any options = CONTAINERD__ANY__INIT;
    Containerd__CreateTaskRequest request = CONTAINERD__CREATE_TASK_REQUEST__INIT;
    SK_AUTO_FREE uint8_t *bytes = sk_ctd_runc_options(f->rt, &options.value.len);
    options.type_url = SK_CTD_RUNC_OPTIONS_TYPE;
    options.value.data = bytes;
    request.container_id = f->id;
    request.n_rootfs = mounts->n_mounts;
    request.rootfs = mounts->mounts;
    request.options = bytes ? &options : NULL;
    sk_done_init(&f->asked, on_made);
    sk_ctd_call(f->rt->client,
                &(struct sk_ctd_ask){
                    .method = SK_CTD_TASK_CREATE,
                    .limit = SK_CTD_CREATE_LIMIT,
                    .forgive = SK_FORGIVE(SK_ALREADY_EXISTS),
                    .arena = &f->arena,
                    .out_response = &f->made,
                },
                &request.base, &f->asked);
}

static void make_task(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    f->making = done;
    ask_to_make(f);
}

static void tell_pid(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    const Containerd__CreateTaskResponse *made = (const Containerd__CreateTaskResponse *)f->made;
    const Containerd__Process *found = found_process(f);
    uint32_t pid = made ? made->pid : found ? found->pid : 0;
    struct sk_err err;
    if (pid == 0 || pid > INT32_MAX) {
        sk_fail(&err, SK_UNAVAILABLE, "the task of %s has no process", f->id);
        sk_done_later(f->rt->client->loop, done, &err);
        return;
    }
    *f->out_pid = (int)pid;
    step_done(f, done);
}

void sk_ctd_create_task(struct sk_runtime *rt, const struct sk_box *box, int *out_pid, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"mounts", find_mounts, NULL},
        {"make", make_task, NULL},
        {"pid", tell_pid, NULL},
        {NULL, NULL, NULL},
    };
    start_flow(rt, box->id, steps, out_pid, done);
}

/* --- start -------------------------------------------------------------------- */

static void start_made(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    /* "Already running" has no code of its own. */
    unsigned forgive = SK_FORGIVE(SK_UNKNOWN) | SK_FORGIVE(SK_FAILED_PRECONDITION) |
                       SK_FORGIVE(SK_ALREADY_EXISTS) | SK_FORGIVE(SK_INTERNAL);
    ask_task(f, SK_CTD_TASK_START, forgive, &f->said, done);
}

static void look_if_started(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    if (f->said.code == SK_OK)
        step_done(f, done);
    else
        ask_task(f, SK_CTD_TASK_GET, SK_FORGIVE(SK_NOT_FOUND), NULL, done);
}

static void judge_start(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    const Containerd__Process *found = found_process(f);
    bool runs =
        f->said.code == SK_OK || (found && found->status == CONTAINERD__TASK_STATUS__TASK_STATUS_RUNNING);
    sk_done_later(f->rt->client->loop, done, runs ? NULL : &f->said);
}

void sk_ctd_start_task(struct sk_runtime *rt, const char *id, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"start", start_made, NULL},
        {"look", look_if_started, NULL},
        {"judge", judge_start, NULL},
        {NULL, NULL, NULL},
    };
    start_flow(rt, id, steps, NULL, done);
}

/* --- kill and delete -------------------------------------------------------------- */

static void send_kill(struct sk_ctd_client *client, const char *id, int signo, unsigned forgive,
                      struct sk_done *done)
{
    Containerd__KillTaskRequest request = CONTAINERD__KILL_TASK_REQUEST__INIT;
    request.container_id = (char *)id;
    request.signal = (uint32_t)signo;
    request.all = signo == SIGKILL;
    sk_ctd_call(client, &(struct sk_ctd_ask){.method = SK_CTD_TASK_KILL, .forgive = forgive}, &request.base,
                done);
}

void sk_ctd_kill_task(struct sk_runtime *base, const char *id, int signo, struct sk_done *done)
{
    send_kill(sk_ctd_runtime_of(base)->client, id, signo, SK_FORGIVE(SK_NOT_FOUND), done);
}

/* Whether containerd itself does not answer, so that asking on is useless. */
#define ALL_BUT_GONE (~(SK_FORGIVE(SK_UNAVAILABLE) | SK_FORGIVE(SK_DEADLINE_EXCEEDED)))

static void kill_all(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    sk_shims_leaving(&f->rt->shims, f->id);
    /* What cannot be killed may have ended: the following steps tell. */
    send_kill(f->rt->client, f->id, SIGKILL, ALL_BUT_GONE, done);
}

/* Answers at once when there is nothing (left) to wait for. */
static void await_end(struct sk_op *op, struct sk_done *done)
{
    ask_task(flow_of(op), SK_CTD_TASK_WAIT, ~0u, NULL, done);
}

static void remove_task(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    ask_task(f, SK_CTD_TASK_DELETE, ~0u, &f->said, done);
}

/* Delete is not cleanly repeatable, and its time limit says nothing of its effect: look. */
static void look_if_gone(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    if (f->said.code == SK_OK || f->said.code == SK_NOT_FOUND) {
        f->said.code = SK_NOT_FOUND;
        step_done(f, done);
        return;
    }
    ask_task(f, SK_CTD_TASK_GET, SK_FORGIVE(SK_NOT_FOUND), &f->said, done);
}

static void judge_delete(struct sk_op *op, struct sk_done *done)
{
    struct flow *f = flow_of(op);
    struct sk_err err;
    if (f->said.code == SK_NOT_FOUND) {
        step_done(f, done);
        return;
    }
    sk_fail(&err, SK_UNAVAILABLE, "the task of %s does not go", f->id);
    sk_done_later(f->rt->client->loop, done, &err);
}

void sk_ctd_delete_task(struct sk_runtime *rt, const char *id, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"kill", kill_all, NULL},     {"wait", await_end, NULL},     {"delete", remove_task, NULL},
        {"look", look_if_gone, NULL}, {"judge", judge_delete, NULL}, {NULL, NULL, NULL},
    };
    start_flow(rt, id, steps, NULL, done);
}
