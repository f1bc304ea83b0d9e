#include "core/create.h"

#include "core/defaults.h"
#include "core/log_shelf.h"
#include "core/mounts.h"
#include "core/patience.h"
#include "core/stdio.h"
#include "core/steps.h"
#include "core/teardown.h"

#include <stdio.h>
#include <string.h>

struct sk_create {
    struct sk_op op;
    struct sk_done whole;
    struct sk_sandbox *sandbox; /* a reference */
    struct sk_instant began;
    struct sk_timer limit;
    bool clean;
    bool undo_failed;            /* something may be left of it */
    struct sk_patience patience; /* of the step under way */
    struct sk_teardown teardown;
    struct sk_image_wait image_wait;
    struct sk_image *image;
    struct sk_box box;
    char cpuset[256];
    struct sk_arena arena; /* of what is mounted */
    int pid;
    struct sk_instant started; /* its init */
    struct sk_done main_started;
    struct sk_done *main_done; /* the step's */
    struct sk_stdio io;
};

static struct sk_create *of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_create, op);
}

static struct sk_runtime *runtime(struct sk_create *c)
{
    return c->sandbox->node->runtime;
}

static const char *id(const struct sk_create *c)
{
    return c->sandbox->record->id;
}

static void answer(struct sk_create *c, struct sk_done *done, enum sk_code code, const struct sk_err *err)
{
    sk_done_later(c->sandbox->node->loop, done, code == SK_OK ? NULL : err);
}

static void patiently(struct sk_op *op, void (*ask)(struct sk_op *op, struct sk_done *done),
                      struct sk_done *done)
{
    sk_patience_run(&of(op)->patience, of(op)->sandbox->node, op, ask, done);
}

/* --- steps ----------------------------------------------------------------- */

static void tear_down(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);
    sk_teardown_start(&c->teardown, c->sandbox->node, id(c), sk_teardown_forget_guest, done);
}

static void clean_up(struct sk_op *op, struct sk_done *done)
{
    if (of(op)->clean)
        patiently(op, tear_down, done);
    else
        answer(of(op), done, SK_OK, NULL);
}

static void ask_image(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);
    struct sk_node *node = c->sandbox->node;
    const struct sk_record *record = c->sandbox->record;
    const struct sk_spec *spec = &record->spec;
    SK_CLEANUP(sk_pull_login_fini) struct sk_pull_login login = {0};
    struct sk_image_login borrowed;
    struct sk_err err = {0};

    if (spec->login.store[0] &&
        sk_pull_login_find(&node->config.secrets, &spec->login, record->tenant, &login, &err) != SK_OK) {
        sk_done_later(node->loop, done, &err);
        return;
    }
    sk_images_ensure(node->images, &c->image_wait, spec->image, sk_pull_login_borrow(&login, &borrowed),
                     &c->image, done);
}

static void ensure_image(struct sk_op *op, struct sk_done *done)
{
    patiently(op, ask_image, done);
}

/* As many cpus as the limit grants, so that programs which count them choose sensible thread pools; each
 * sandbox begins where the last one ended. */
static const char *choose_cpuset(struct sk_create *c)
{
    struct sk_node *node = c->sandbox->node;
    int64_t limit = c->sandbox->record->spec.cpu_limit_millis;
    unsigned total = node->config.cpu_count;
    size_t len = 0;

    if (limit <= 0 || limit > (int64_t)(total - 1) * 1000 || total < 2)
        return NULL;
    unsigned count = (unsigned)((limit + 999) / 1000);
    for (unsigned i = 0; i < count && len < sizeof(c->cpuset) - 12; i++)
        len += (size_t)snprintf(c->cpuset + len, sizeof(c->cpuset) - len, "%s%u", i ? "," : "",
                                node->config.cpus[(node->next_cpu + i) % total]);
    node->next_cpu = (node->next_cpu + count) % total;
    return c->cpuset;
}

static void fill_box(struct sk_create *c)
{
    const struct sk_spec *spec = &c->sandbox->record->spec;

    c->box = (struct sk_box){
        .id = id(c),
        .snapshot_parent = c->image->snapshot_parent,
        .image_name = c->image->name,
        .hostname = id(c),
        .cpu_limit_millis = spec->cpu_limit_millis,
        .cpu_request_millis = spec->cpu_request_millis,
        .memory_limit_bytes = spec->memory_limit_bytes,
        .pids_limit = c->sandbox->node->config.pids_limit,
        .cpuset = choose_cpuset(c),
        .read_only_root = spec->read_only_root,
        .drop_capabilities = (const char *const *)spec->drop_capabilities,
    };
}

static void resolve(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);
    struct sk_err err = {0};
    struct sk_record *record = c->sandbox->record;
    const struct sk_device *const *devices = NULL;
    enum sk_code code = sk_defaults_resolve(record, c->image, &err);

    if (code == SK_OK)
        code = sk_gpus_find(&c->sandbox->node->gpus, &record->spec, &record->arena, &devices, &err);
    if (code == SK_OK && devices[0])
        record->process.env = sk_gpus_env(&record->arena, (const char *const *)record->process.env, devices);
    fill_box(c);
    c->box.devices = devices;
    answer(c, done, code, &err);
}

/* What an earlier attempt printed is not this one's. */
static void clear_log(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);

    if (c->clean)
        sk_log_shelf_remove(c->sandbox->node, id(c), done);
    else
        answer(c, done, SK_OK, NULL);
}

static void open_log(struct sk_op *op, struct sk_done *done)
{
    sk_main_log_open(of(op)->sandbox, done);
}

static void close_log(struct sk_op *op, struct sk_done *done)
{
    sk_main_log_close(of(op)->sandbox);
    answer(of(op), done, SK_OK, NULL);
}

static void open_guest(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);
    struct sk_err err = {0};
    enum sk_code code = sk_sandbox_open_guest(c->sandbox, &err);

    if (code == SK_OK)
        c->box.agent_dir = c->sandbox->node->agent->ops->dir(c->sandbox->guest);
    answer(c, done, code, &err);
}

static void close_guest(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);

    sk_sandbox_close_guest(c->sandbox, true);
    answer(c, done, SK_OK, NULL);
}

static void open_network(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);

    if (c->sandbox->record->spec.network)
        sk_network_open(c->sandbox, done);
    else
        answer(c, done, SK_OK, NULL); /* of a daemon that knew none: the runtime makes it one */
}

static void close_network(struct sk_op *op, struct sk_done *done)
{
    sk_network_close(of(op)->sandbox->node, id(of(op)), done);
}

static void put_files(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);
    struct sk_sandbox *s = c->sandbox;
    const struct sk_network_place *place = sk_sandbox_place(s);
    struct sk_mounts mounts = sk_mounts_make(&c->arena, s->record, place, c->box.agent_dir);

    c->box.netns = place ? place->netns : NULL;
    c->box.binds = mounts.binds;
    c->box.bind_count = mounts.count;
    if (mounts.count)
        s->node->agent->ops->put_files(s->guest, mounts.files, mounts.count, done);
    else
        answer(c, done, SK_OK, NULL);
}

static void ask_rootfs(struct sk_op *op, struct sk_done *done)
{
    runtime(of(op))->ops->prepare_rootfs(runtime(of(op)), &of(op)->box, done);
}

static void prepare_rootfs(struct sk_op *op, struct sk_done *done)
{
    patiently(op, ask_rootfs, done);
}

static void remove_rootfs(struct sk_op *op, struct sk_done *done)
{
    runtime(of(op))->ops->remove_rootfs(runtime(of(op)), id(of(op)), done);
}

static void ask_container(struct sk_op *op, struct sk_done *done)
{
    runtime(of(op))->ops->create_container(runtime(of(op)), &of(op)->box, done);
}

static void create_container(struct sk_op *op, struct sk_done *done)
{
    patiently(op, ask_container, done);
}

static void delete_container(struct sk_op *op, struct sk_done *done)
{
    runtime(of(op))->ops->delete_container(runtime(of(op)), id(of(op)), done);
}

static void ask_task(struct sk_op *op, struct sk_done *done)
{
    runtime(of(op))->ops->create_task(runtime(of(op)), &of(op)->box, &of(op)->pid, done);
}

static void create_task(struct sk_op *op, struct sk_done *done)
{
    patiently(op, ask_task, done);
}

static void delete_task(struct sk_op *op, struct sk_done *done)
{
    runtime(of(op))->ops->delete_task(runtime(of(op)), id(of(op)), done);
}

static void ask_start(struct sk_op *op, struct sk_done *done)
{
    runtime(of(op))->ops->start_task(runtime(of(op)), id(of(op)), done);
}

static void start_task(struct sk_op *op, struct sk_done *done)
{
    patiently(op, ask_start, done);
}

static void await_guest(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);

    c->started = sk_loop_now(c->sandbox->node->loop);
    c->sandbox->node->agent->ops->await(c->sandbox->guest, c->pid, done);
}

/* --- the main process ------------------------------------------------------ */

static void on_main_started(struct sk_done *inner, const struct sk_err *err)
{
    struct sk_create *c = sk_container_of(inner, struct sk_create, main_started);
    struct sk_sandbox *s = c->sandbox;
    struct sk_err why;

    c->main_done->cancel = NULL;
    if (err) {
        (void)sk_defaults_explain(s->record->process.argv[0], err, &why);
        sk_done_fire(c->main_done, &why);
        return;
    }
    s->main.started = true;
    sk_main_log_attach(s, sk_take_fd(&c->io.out));
    sk_done_fire(c->main_done, NULL);
}

static void cancel_main(struct sk_done *done)
{
    struct sk_create *c = done->callee;

    done->cancel = NULL;
    sk_done_cancel(&c->main_started);
}

static void start_main(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);
    struct sk_sandbox *s = c->sandbox;
    const struct sk_process_defaults *defaults = &s->record->process;
    struct sk_err err = {0};

    enum sk_code code = sk_stdio_open_merged(&c->io, &err);
    if (code != SK_OK) {
        answer(c, done, code, &err);
        return;
    }
    struct sk_process process = {
        .key = SK_MAIN_KEY,
        .is_main = true,
        .argv = (const char *const *)defaults->argv,
        .env = (const char *const *)defaults->env,
        .working_dir = defaults->working_dir,
        .user = defaults->user,
    };
    sk_stdio_give(&c->io, &process);
    c->main_done = done;
    done->callee = c;
    done->cancel = cancel_main;
    sk_done_init(&c->main_started, on_main_started);
    s->node->agent->ops->start(s->guest, &process, &c->main_started);
}

static void forget_main(struct sk_op *op, struct sk_done *done)
{
    struct sk_create *c = of(op);
    struct sk_main *main = &c->sandbox->main;

    sk_main_fini(c->sandbox);
    main->started = main->ended = false;
    answer(c, done, SK_OK, NULL);
}

static const struct sk_step steps[] = {
    {"clean", clean_up, NULL},
    {"image", ensure_image, NULL},
    {"process", resolve, NULL},
    {"old log", clear_log, NULL},
    {"log", open_log, close_log},
    {"guest", open_guest, close_guest},
    {"network", open_network, close_network},
    {"files", put_files, NULL}, /* they go with the guest's directory */
    {"rootfs", prepare_rootfs, remove_rootfs},
    {"container", create_container, delete_container},
    {"task", create_task, delete_task},
    {"start", start_task, NULL},
    {"await", await_guest, NULL},
    {"main", start_main, forget_main},
    {0},
};

/* --- the whole ------------------------------------------------------------- */

static void on_undo_error(struct sk_op *op, const struct sk_step *step, const struct sk_err *err)
{
    of(op)->undo_failed = true;
    sk_log_err(sk_sandbox_log(of(op)->sandbox), SK_WARN, "create.undo_failed", err,
               SK_STR("step", step->name));
}

/* What a client reads as the reason: the sentence of the step that failed. */
static void phrase(const struct sk_err *err, struct sk_err *out)
{
    *out = *err;
    if (err->code == SK_DEADLINE_EXCEEDED)
        (void)sk_err_wrap(out, "creating the sandbox took too long");
}

static void measure(const struct sk_create *c, const struct sk_err *err)
{
    const struct sk_node *node = c->sandbox->node;
    const struct sk_meters *m = &node->meters;
    enum sk_create_path path = c->image_wait.pulled ? SK_CREATE_PULLED : SK_CREATE_COLD;

    if (!err)
        sk_series_observe_since(m->create_seconds[path], c->began, sk_loop_now(node->loop));
    sk_series_add(m->creates[!err                        ? SK_CREATE_RUNNING
                             : err->code == SK_CANCELLED ? SK_CREATE_CANCELLED
                                                         : SK_CREATE_FAILED],
                  1);
}

static void on_whole(struct sk_done *whole, const struct sk_err *err)
{
    struct sk_create *c = sk_container_of(whole, struct sk_create, whole);
    struct sk_sandbox *s = c->sandbox;
    struct sk_node *node = s->node;
    struct sk_err why;

    s->create = NULL;
    sk_timer_stop(node->loop, &c->limit);
    measure(c, err);
    sk_image_free(c->image);
    sk_stdio_close(&c->io);
    sk_arena_fini(&c->arena);
    if (err)
        phrase(err, &why);
    sk_sandbox_created(s, err ? &why : NULL);
    sk_sandbox_give_back(s, !c->undo_failed);
    free(c);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

static void say_late(const struct sk_create *c, struct sk_err *out)
{
    char text[SK_IMAGE_WAIT_TEXT];

    sk_image_wait_describe(&c->image_wait, text);
    if (text[0])
        (void)sk_fail(out, SK_DEADLINE_EXCEEDED, "no time left while %s", text);
    else
        (void)sk_fail(out, SK_DEADLINE_EXCEEDED, "no time left in step \"%s\"%s", sk_op_step_name(&c->op),
                      c->sandbox->node->away ? ", while the sandbox runtime does not answer" : "");
}

/* Its time is over, and nobody waits for the walk back, which may hang as well: what that leaves is gc's. */
static void on_limit(struct sk_timer *timer)
{
    struct sk_create *c = sk_container_of(timer, struct sk_create, limit);
    struct sk_sandbox *s = c->sandbox;
    struct sk_err late = {0}, why;

    if (s->node->stopping)
        return;
    say_late(c, &late);
    phrase(c->op.err.code == SK_OK ? &late : &c->op.err, &why);
    sk_op_cancel(&c->op, &late);
    (void)sk_sandbox_move(s, SK_EV_BROKEN, why.text);
}

static void on_step(struct sk_op *op, const struct sk_step *step, const struct sk_err *err)
{
    sk_steps_trace(sk_container_of(op, struct sk_create, op)->sandbox, op, step, err);
}

void sk_create_start(struct sk_sandbox *sandbox, bool clean)
{
    struct sk_node *node = sandbox->node;
    struct sk_create *c = sk_alloc(sizeof(*c));

    c->sandbox = sk_sandbox_ref(sandbox);
    c->clean = clean;
    c->began = sk_loop_now(node->loop);
    c->io = SK_STDIO_CLOSED;
    sandbox->create = c;
    sk_node_hold(node);
    sk_done_init(&c->whole, on_whole);
    c->op.flow = "create";
    c->op.on_step = on_step;
    c->op.on_undo_error = on_undo_error;
    sk_timer_start(node->loop, &c->limit, sk_instant_add(sk_loop_now(node->loop), node->config.create_limit),
                   on_limit);
    sk_op_start(&c->op, node->loop, sk_sandbox_log(sandbox), steps, (struct sk_instant){0}, &c->whole);
}

bool sk_create_runs_since(const struct sk_sandbox *sandbox, struct sk_instant at)
{
    const struct sk_create *c = sandbox->create;
    return c && !c->op.undoing && sk_instant_is_set(c->started) && c->started.ns < at.ns;
}

void sk_sandbox_describe_progress(const struct sk_sandbox *sandbox, char out[SK_IMAGE_WAIT_TEXT])
{
    out[0] = '\0';
    if (sandbox->create)
        sk_image_wait_describe(&sandbox->create->image_wait, out);
}

void sk_create_cancel(struct sk_sandbox *sandbox, const struct sk_err *why)
{
    if (sandbox->create)
        sk_op_cancel(&sandbox->create->op, why);
}
