#include "core/exec_impl.h"

#include "core/activity.h"
#include "core/defaults.h"
#include "loop/failpoint.h"

#include <stdio.h>

/* A guest short of cpu may need seconds to start a program; one that needs longer is broken. */
#define START_LIMIT SK_SEC(30)

static void turn(struct sk_task *task);

static struct sk_loop *loop_of(const struct sk_exec *exec)
{
    return exec->sandbox->node->loop;
}

void sk_exec_defer_turn(struct sk_exec *exec)
{
    sk_loop_defer(loop_of(exec), &exec->turn, turn);
}

/* --- the end of the struct ------------------------------------------------- */

static void close_streams(struct sk_exec *exec)
{
    sk_timer_stop(loop_of(exec), &exec->silence);
    sk_timer_stop(loop_of(exec), &exec->limit);
    sk_timer_stop(loop_of(exec), &exec->again);
    sk_loop_undefer(&exec->turn);
    sk_loop_undefer(&exec->room);
    sk_exec_stream_close(&exec->out);
    sk_exec_stream_close(&exec->err);
    sk_writer_close(&exec->in);
    sk_stdio_close(&exec->io);
    if (!exec->starting) { /* else the agent may still put them there */
        sk_close_fd(&exec->master);
        sk_close_fd(&exec->slave);
    }
}

void sk_exec_destroy(struct sk_exec *exec)
{
    struct sk_sandbox *s = exec->sandbox;
    struct sk_node *node = s->node;

    close_streams(exec);
    sk_timer_stop(loop_of(exec), &exec->grace);
    sk_exec_release(exec);
    sk_list_remove(&exec->link);
    sk_arena_fini(&exec->arena);
    free(exec);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

bool sk_exec_is_finished(const struct sk_exec *exec)
{
    return exec->closed && !exec->starting && !exec->live && !exec->grace.slot;
}

void sk_exec_signal_tree(const struct sk_exec *exec, int signo)
{
    const struct sk_sandbox *s = exec->sandbox;

    if (s->guest)
        s->node->agent->ops->signal(s->guest, exec->key, signo, true);
}

void sk_exec_release(struct sk_exec *exec)
{
    const struct sk_sandbox *s = exec->sandbox;

    if (exec->kept && s->guest)
        s->node->agent->ops->release(s->guest, exec->key);
    exec->kept = false;
}

/* --- the last word --------------------------------------------------------- */

void sk_exec_measure(struct sk_exec *exec, enum sk_exec_result result)
{
    const struct sk_meters *m = &exec->sandbox->node->meters;

    if (!sk_instant_is_set(exec->began))
        return;
    sk_series_add(m->execs[exec->path][result], 1);
    sk_series_add(m->execs_open, -1);
    if (result == SK_EXEC_EXITED)
        sk_series_observe_since(m->exec_seconds[exec->path], exec->began, sk_loop_now(loop_of(exec)));
    exec->began = (struct sk_instant){0};
}

void sk_exec_fail(struct sk_exec *exec, const struct sk_err *err)
{
    exec->failure = *err;
    exec->phase = SK_EXEC_OVER;
    sk_timer_stop(loop_of(exec), &exec->limit);
    sk_exec_measure(exec, SK_EXEC_FAILED);
    exec->events->on_error(exec->arg, &exec->failure);
}

/* --- start ----------------------------------------------------------------- */

/* As a shell would say it: the exec worked, the command did not. */
static void end_like_a_shell(struct sk_exec *exec, const struct sk_err *err)
{
    struct sk_exec_stream *stream = exec->on_terminal ? &exec->out : &exec->err;
    struct sk_err why;
    char line[320];

    (void)sk_defaults_explain(exec->argv[0], err, &why);
    (void)snprintf(line, sizeof(line), "sandkeep: %s%s\n", why.text, exec->on_terminal ? "\r" : "");
    sk_exec_stream_end(&exec->out);
    sk_exec_stream_end(&exec->err);
    sk_exec_stream_put(stream, line);
    exec->status = err->code == SK_NOT_FOUND ? 127 : 126;
    sk_exec_begin_drain(exec);
    exec->events->on_started(exec->arg);
}

void sk_exec_start_failed(struct sk_exec *exec, const struct sk_err *err)
{
    if (sk_exec_is_finished(exec)) {
        sk_exec_destroy(exec);
        return;
    }
    if (exec->phase != SK_EXEC_STARTING)
        return; /* it was given up */
    struct sk_err why = *err;
    if (err->code == SK_NOT_FOUND || err->code == SK_PERMISSION_DENIED) {
        end_like_a_shell(exec, err);
        return;
    }
    if (exec->sandbox->state != SK_STATE_RUNNING)
        sk_sandbox_not_running_err(&why);
    sk_exec_fail(exec, &why);
}

static void on_started(struct sk_done *done, const struct sk_err *err)
{
    struct sk_exec *exec = sk_container_of(done, struct sk_exec, started);

    exec->starting = false;
    sk_timer_stop(loop_of(exec), &exec->limit);
    sk_failpoint_pass(loop_of(exec), "exec", "start", SK_AFTER);
    if (err) {
        sk_exec_start_failed(exec, err);
        return;
    }
    exec->live = true;
    if (exec->closed || exec->phase == SK_EXEC_OVER) {
        sk_exec_signal_tree(exec, SIGKILL);
        return;
    }
    exec->phase = SK_EXEC_RUNNING;
    sk_exec_defer_turn(exec);
    exec->events->on_started(exec->arg);
}

static void on_limit(struct sk_timer *timer)
{
    struct sk_exec *exec = sk_container_of(timer, struct sk_exec, limit);
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_UNAVAILABLE, "the sandbox did not start the process in time");
    sk_done_cancel(&exec->started);
    sk_exec_fail(exec, &err);
}

static void start_process(struct sk_exec *exec)
{
    struct sk_sandbox *s = exec->sandbox;
    const struct sk_process_defaults *defaults = &s->record->process;
    const char *const *base = (const char *const *)defaults->env;
    struct sk_process process = {
        .key = exec->key = s->next_key++,
        .argv = (const char *const *)exec->argv,
        .working_dir = defaults->working_dir,
        .user = defaults->user,
    };

    if (exec->on_terminal)
        base = sk_exec_terminal_env(exec, base);
    process.env = (const char *const *)sk_defaults_env(&exec->arena, base, exec->env, exec->env_count);
    sk_stdio_give(&exec->io, &process);
    if (exec->on_terminal) {
        process.on_terminal = true;
        process.stdin_take = sk_take_fd(&exec->slave);
    } else {
        sk_exec_begin_output(exec);
    }
    sk_done_init(&exec->started, on_started);
    sk_failpoint_pass(loop_of(exec), "exec", "start", SK_BEFORE);
    s->node->agent->ops->start(s->guest, &process, &exec->started);
}

static void start(struct sk_exec *exec)
{
    exec->phase = SK_EXEC_STARTING;
    exec->starting = true;
    if (!exec->limit.slot)
        sk_timer_start(loop_of(exec), &exec->limit, sk_instant_add(sk_loop_now(loop_of(exec)), START_LIMIT),
                       on_limit);
    if (exec->on_terminal && exec->slave < 0)
        sk_exec_open_terminal(exec);
    else
        start_process(exec);
}

static void start_if_possible(struct sk_exec *exec)
{
    struct sk_sandbox *s = exec->sandbox;
    struct sk_err err = exec->failure;

    if (err.code == SK_OK && s->node->stopping)
        sk_node_stopping_err(&err);
    else if (err.code == SK_OK && s->state > SK_STATE_RUNNING)
        sk_sandbox_not_running_err(&err);
    if (err.code != SK_OK)
        sk_exec_fail(exec, &err);
    else if (s->state == SK_STATE_RUNNING && s->guest_ready && !s->adoption)
        start(exec);
}

static void turn(struct sk_task *task)
{
    struct sk_exec *exec = sk_container_of(task, struct sk_exec, turn);

    if (exec->phase == SK_EXEC_WAITING)
        start_if_possible(exec);
    else
        sk_exec_pump(exec);
}

/* --- open, close ----------------------------------------------------------- */

struct sk_exec *sk_exec_new(struct sk_sandbox *sandbox)
{
    struct sk_exec *exec = sk_alloc(sizeof(*exec));

    exec->sandbox = sk_sandbox_ref(sandbox);
    exec->io = SK_STDIO_CLOSED;
    exec->in.fd = exec->master = exec->slave = -1;
    sk_exec_stream_open(&exec->out, sandbox->node->loop, -1, NULL);
    sk_exec_stream_open(&exec->err, sandbox->node->loop, -1, NULL);
    sk_list_append(&sandbox->execs, &exec->link);
    sk_node_hold(sandbox->node);
    return exec;
}

static void copy_request(struct sk_exec *exec, const struct sk_exec_request *request)
{
    exec->argv = sk_strings_copy(&exec->arena, request->argv);
    exec->env_count = request->env_count;
    exec->env = sk_arena_alloc(&exec->arena, (request->env_count + 1) * sizeof(exec->env[0]));
    for (size_t i = 0; i < request->env_count; i++) {
        exec->env[i].name = sk_arena_strdup(&exec->arena, request->env[i].name);
        exec->env[i].value = sk_arena_strdup(&exec->arena, request->env[i].value);
    }
}

static enum sk_code open_pipes(struct sk_exec *exec, bool has_stdin, struct sk_err *err)
{
    if (exec->on_terminal)
        return SK_OK; /* the guest has to be asked */
    enum sk_code code = sk_stdio_open(&exec->io, has_stdin, err);
    if (code == SK_OK && has_stdin)
        code = sk_exec_open_stdin(exec, err);
    return code;
}

struct sk_exec *sk_exec_open(struct sk_sandbox *sandbox, const struct sk_exec_request *request,
                             const struct sk_exec_events *events, void *arg)
{
    struct sk_exec *exec = sk_exec_new(sandbox);

    exec->events = events;
    exec->arg = arg;
    exec->began = sk_loop_now(loop_of(exec));
    exec->path = request->is_stream ? SK_EXEC_STREAM : SK_EXEC_UNARY;
    sk_series_add(sandbox->node->meters.execs_open, 1);
    exec->on_terminal = request->on_terminal;
    exec->columns = request->columns;
    exec->rows = request->rows;
    copy_request(exec, request);
    sk_activity_attach(sandbox);
    if (!exec->argv[0])
        (void)sk_fail(&exec->failure, SK_INVALID_ARGUMENT, "the command is empty");
    else if (open_pipes(exec, request->has_stdin, &exec->failure) != SK_OK)
        exec->failure.code = SK_RESOURCE_EXHAUSTED;
    sk_exec_defer_turn(exec);
    return exec;
}

void sk_exec_close(struct sk_exec *exec)
{
    if (!exec)
        return;
    exec->closed = true;
    sk_exec_measure(exec, SK_EXEC_ABANDONED);
    sk_activity_detach(exec->sandbox);
    if (exec->live && exec->on_terminal)
        sk_exec_hang_up(exec);
    else if (exec->live)
        sk_exec_signal_tree(exec, SIGKILL);
    close_streams(exec); /* after the signal: a shell that reads an error first ends without passing it on */
    if (exec->starting)
        sk_done_cancel(&exec->started);
    if (sk_exec_is_finished(exec))
        sk_exec_destroy(exec);
}
