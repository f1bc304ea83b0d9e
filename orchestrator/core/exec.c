#include "core/exec_impl.h"

#include "core/defaults.h"
#include "core/exec_stream.h"
#include "core/stdio.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>

/* After the exit: a silence this long ends the output even if a child left behind holds the pipe. */
#define SILENCE SK_MSEC(200)
/* Processes of an earlier daemon that a guest may make us drain. */
#define ORPHANS_MAX 1024
/* A guest short of cpu may need seconds to start a program; one that needs longer is broken. */
#define START_LIMIT SK_SEC(30)

enum phase {
    WAITING,  /* for the sandbox to run */
    STARTING, /* the guest was asked */
    RUNNING,
    DRAINING, /* it has ended (or its sandbox has): output, then the last word */
    OVER,     /* the last word was said */
};

struct sk_exec {
    struct sk_sandbox *sandbox; /* a reference */
    struct sk_list link;        /* sandbox->execs */
    const struct sk_exec_events *events;
    void *arg;
    enum phase phase;
    bool closed;   /* the owner has let go: no callback any more */
    bool orphan;   /* of an earlier daemon: never had an owner here */
    bool starting; /* the guest has yet to say whether it runs */
    bool live;     /* the guest has yet to report its end */
    bool wanted;
    uint64_t key;
    int status;
    struct sk_err failure; /* the last word is this, unless SK_OK */

    struct sk_arena arena; /* of the two below */
    const char **argv;
    struct sk_env *env;
    size_t env_count;

    struct sk_stdio io;
    struct sk_exec_stream out, err;
    struct sk_timer silence;
    struct sk_timer limit; /* of the start */
    struct sk_writer in;
    bool close_in; /* once what is pending is written */
    bool writing;
    struct sk_task room;
    struct sk_task turn;
    struct sk_done started;
};

static void turn(struct sk_task *task);

static struct sk_loop *loop_of(const struct sk_exec *exec)
{
    return exec->sandbox->node->loop;
}

static void defer_turn(struct sk_exec *exec)
{
    sk_loop_defer(loop_of(exec), &exec->turn, turn);
}

/* --- the end of the struct ------------------------------------------------------------ */

static void close_streams(struct sk_exec *exec)
{
    sk_timer_stop(loop_of(exec), &exec->silence);
    sk_timer_stop(loop_of(exec), &exec->limit);
    sk_loop_undefer(&exec->turn);
    sk_loop_undefer(&exec->room);
    sk_exec_stream_close(&exec->out);
    sk_exec_stream_close(&exec->err);
    sk_writer_close(&exec->in);
    sk_stdio_close(&exec->io);
}

static void destroy(struct sk_exec *exec)
{
    struct sk_sandbox *s = exec->sandbox;
    struct sk_node *node = s->node;

    close_streams(exec);
    sk_list_remove(&exec->link);
    sk_arena_fini(&exec->arena);
    free(exec);
    sk_sandbox_unref(s);
    sk_node_unhold(node);
}

/* Its owner has let go and the guest has nothing to say of it any more. */
static bool is_finished(const struct sk_exec *exec)
{
    return exec->closed && !exec->starting && !exec->live;
}

static void kill_tree(const struct sk_exec *exec)
{
    const struct sk_sandbox *s = exec->sandbox;

    if (s->guest)
        s->node->agent->ops->signal(s->guest, exec->key, SIGKILL, true);
}

/* --- the last word ------------------------------------------------------------------------ */

static void fail(struct sk_exec *exec, const struct sk_err *err)
{
    exec->failure = *err;
    exec->phase = OVER;
    sk_timer_stop(loop_of(exec), &exec->limit);
    exec->events->on_error(exec->arg, &exec->failure);
}

static void not_running(struct sk_err *err)
{
    (void)sk_fail(err, SK_FAILED_PRECONDITION, "the sandbox is not running");
    (void)sk_err_reason(err, "SANDBOX_NOT_RUNNING");
}

static void finish(struct sk_exec *exec)
{
    exec->phase = OVER;
    exec->wanted = false;
    sk_timer_stop(loop_of(exec), &exec->silence);
    if (exec->failure.code != SK_OK)
        exec->events->on_error(exec->arg, &exec->failure);
    else
        exec->events->on_exit(exec->arg, exec->status);
}

/* --- output --------------------------------------------------------------------------------- */

static void on_silence(struct sk_timer *timer)
{
    struct sk_exec *exec = sk_container_of(timer, struct sk_exec, silence);

    sk_exec_stream_end(&exec->out);
    sk_exec_stream_end(&exec->err);
    defer_turn(exec);
}

static void start_silence(struct sk_exec *exec)
{
    sk_timer_start(loop_of(exec), &exec->silence, sk_instant_add(sk_loop_now(loop_of(exec)), SILENCE),
                   on_silence);
}

/* True if a chunk went out: the exec may be gone by then. */
static bool deliver(struct sk_exec *exec, struct sk_exec_stream *stream, enum sk_stream name)
{
    size_t len = sk_exec_stream_ready(stream);

    if (len == 0)
        return false;
    SK_AUTO_FREE uint8_t *chunk = sk_exec_stream_take(stream, len);
    exec->wanted = false;
    sk_timer_stop(loop_of(exec), &exec->silence); /* nobody listens: no silence to measure */
    exec->events->on_output(exec->arg, name, chunk, len);
    return true;
}

static void discard(struct sk_exec_stream *stream)
{
    free(sk_exec_stream_take(stream, stream->held_len));
    sk_exec_stream_want(stream);
}

static void pump(struct sk_exec *exec)
{
    if (!exec->wanted || exec->phase < RUNNING || exec->phase == OVER)
        return;
    if (deliver(exec, &exec->out, SK_STDOUT) || deliver(exec, &exec->err, SK_STDERR))
        return;
    if (exec->phase == DRAINING && sk_exec_stream_is_over(&exec->out) && sk_exec_stream_is_over(&exec->err)) {
        finish(exec);
        return;
    }
    sk_exec_stream_want(&exec->out);
    sk_exec_stream_want(&exec->err);
    if (exec->phase == DRAINING && !exec->silence.slot)
        start_silence(exec);
}

static void on_change(struct sk_exec *exec, struct sk_exec_stream *stream, bool got_data)
{
    if (exec->orphan) {
        discard(stream);
        return;
    }
    if (got_data && exec->silence.slot)
        start_silence(exec);
    pump(exec);
}

static void out_change(struct sk_exec_stream *stream, bool got_data)
{
    on_change(sk_container_of(stream, struct sk_exec, out), stream, got_data);
}

static void err_change(struct sk_exec_stream *stream, bool got_data)
{
    on_change(sk_container_of(stream, struct sk_exec, err), stream, got_data);
}

void sk_exec_want(struct sk_exec *exec)
{
    exec->wanted = true;
    defer_turn(exec);
}

/* --- start --------------------------------------------------------------------------------------- */

static void begin_output(struct sk_exec *exec)
{
    sk_exec_stream_open(&exec->out, loop_of(exec), sk_take_fd(&exec->io.out), out_change);
    sk_exec_stream_open(&exec->err, loop_of(exec), sk_take_fd(&exec->io.err), err_change);
}

/* As a shell would say it: the exec worked, the command did not. */
static void end_like_a_shell(struct sk_exec *exec, const struct sk_err *err)
{
    char line[320];

    (void)snprintf(line, sizeof(line), "sandkeep: %s\n", err->text);
    sk_exec_stream_end(&exec->out);
    sk_exec_stream_end(&exec->err);
    sk_exec_stream_put(&exec->err, line);
    exec->status = err->code == SK_NOT_FOUND ? 127 : 126;
    exec->phase = DRAINING;
    defer_turn(exec);
    exec->events->on_started(exec->arg);
}

static void start_failed(struct sk_exec *exec, const struct sk_err *err)
{
    struct sk_err why = *err;

    if (is_finished(exec)) {
        destroy(exec);
        return;
    }
    if (exec->phase == OVER)
        return; /* it was given up */
    if ((err->code == SK_NOT_FOUND || err->code == SK_PERMISSION_DENIED)) {
        end_like_a_shell(exec, err);
        return;
    }
    if (exec->sandbox->state != SK_STATE_RUNNING)
        not_running(&why);
    fail(exec, &why);
}

static void on_started(struct sk_done *done, const struct sk_err *err)
{
    struct sk_exec *exec = sk_container_of(done, struct sk_exec, started);

    exec->starting = false;
    sk_timer_stop(loop_of(exec), &exec->limit);
    if (err) {
        start_failed(exec, err);
        return;
    }
    exec->live = true;
    if (exec->closed || exec->phase == OVER) {
        kill_tree(exec);
        return;
    }
    exec->phase = RUNNING;
    defer_turn(exec);
    exec->events->on_started(exec->arg);
}

static void on_limit(struct sk_timer *timer)
{
    struct sk_exec *exec = sk_container_of(timer, struct sk_exec, limit);
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_UNAVAILABLE, "the sandbox did not start the process in time");
    sk_done_cancel(&exec->started);
    fail(exec, &err);
}

static void start(struct sk_exec *exec)
{
    struct sk_sandbox *s = exec->sandbox;
    const struct sk_process_defaults *defaults = &s->record->process;
    struct sk_process process = {
        .key = exec->key = s->next_key++,
        .argv = (const char *const *)exec->argv,
        .env = (const char *const *)sk_defaults_env(&exec->arena, (const char *const *)defaults->env,
                                                    exec->env, exec->env_count),
        .working_dir = defaults->working_dir,
        .user = defaults->user,
    };

    sk_stdio_give(&exec->io, &process);
    begin_output(exec);
    exec->phase = STARTING;
    exec->starting = true;
    sk_timer_start(loop_of(exec), &exec->limit, sk_instant_add(sk_loop_now(loop_of(exec)), START_LIMIT),
                   on_limit);
    sk_done_init(&exec->started, on_started);
    s->node->agent->ops->start(s->guest, &process, &exec->started);
}

static void start_if_possible(struct sk_exec *exec)
{
    struct sk_sandbox *s = exec->sandbox;
    struct sk_err err = exec->failure;

    if (err.code == SK_OK && s->node->stopping)
        sk_node_stopping_err(&err);
    else if (err.code == SK_OK && s->state > SK_STATE_RUNNING)
        not_running(&err);
    if (err.code != SK_OK)
        fail(exec, &err);
    else if (s->state == SK_STATE_RUNNING && s->guest_ready && !s->adoption)
        start(exec);
}

static void turn(struct sk_task *task)
{
    struct sk_exec *exec = sk_container_of(task, struct sk_exec, turn);

    if (exec->phase == WAITING)
        start_if_possible(exec);
    else
        pump(exec);
}

/* --- stdin -------------------------------------------------------------------------------------------- */

static void on_room_task(struct sk_task *task)
{
    struct sk_exec *exec = sk_container_of(task, struct sk_exec, room);

    exec->writing = false;
    exec->events->on_stdin_room(exec->arg);
}

static void on_room(struct sk_writer *writer, const struct sk_err *err)
{
    struct sk_exec *exec = sk_container_of(writer, struct sk_exec, in);

    if (err || exec->close_in)
        sk_writer_close(writer); /* what comes later is discarded */
    exec->writing = false;
    exec->events->on_stdin_room(exec->arg);
}

void sk_exec_write(struct sk_exec *exec, const uint8_t *data, size_t len)
{
    assert(!exec->writing);
    exec->writing = true;
    if (exec->in.fd >= 0 && !exec->close_in)
        sk_writer_write(&exec->in, data, len);
    else
        sk_loop_defer(loop_of(exec), &exec->room, on_room_task);
}

void sk_exec_close_stdin(struct sk_exec *exec)
{
    exec->close_in = true;
    if (!exec->writing)
        sk_writer_close(&exec->in);
}

/* --- open, close ------------------------------------------------------------------------------------------
 */

static struct sk_exec *new_exec(struct sk_sandbox *sandbox)
{
    struct sk_exec *exec = sk_alloc(sizeof(*exec));

    exec->sandbox = sk_sandbox_ref(sandbox);
    exec->io = (struct sk_stdio){-1, -1, -1, -1, -1, -1, -1, -1};
    exec->in.fd = -1;
    sk_exec_stream_open(&exec->out, sandbox->node->loop, -1, out_change);
    sk_exec_stream_open(&exec->err, sandbox->node->loop, -1, err_change);
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
    enum sk_code code = sk_stdio_open(&exec->io, has_stdin, err);

    if (code == SK_OK && has_stdin)
        code = sk_writer_open(&exec->in, loop_of(exec), sk_take_fd(&exec->io.in), on_room, err);
    return code;
}

struct sk_exec *sk_exec_open(struct sk_sandbox *sandbox, const struct sk_exec_request *request,
                             const struct sk_exec_events *events, void *arg)
{
    struct sk_exec *exec = new_exec(sandbox);

    exec->events = events;
    exec->arg = arg;
    copy_request(exec, request);
    if (!exec->argv[0])
        (void)sk_fail(&exec->failure, SK_INVALID_ARGUMENT, "the command is empty");
    else if (open_pipes(exec, request->has_stdin, &exec->failure) != SK_OK)
        exec->failure.code = SK_RESOURCE_EXHAUSTED;
    defer_turn(exec);
    return exec;
}

void sk_exec_close(struct sk_exec *exec)
{
    if (!exec)
        return;
    exec->closed = true;
    close_streams(exec);
    if (exec->starting)
        sk_done_cancel(&exec->started);
    if (exec->live)
        kill_tree(exec);
    if (is_finished(exec))
        destroy(exec);
}

/* --- for the rest of core
 * ------------------------------------------------------------------------------------ */

void sk_execs_poke(struct sk_sandbox *s)
{
    sk_list_each(&s->execs, link)
    {
        struct sk_exec *exec = sk_list_entry(link, struct sk_exec, link);
        if (exec->phase == WAITING && !exec->closed)
            defer_turn(exec);
    }
}

static struct sk_exec *find(const struct sk_sandbox *s, uint64_t key)
{
    sk_list_each(&s->execs, link)
    {
        struct sk_exec *exec = sk_list_entry(link, struct sk_exec, link);
        if (exec->key == key && exec->live)
            return exec;
    }
    return NULL;
}

static void ended(struct sk_exec *exec)
{
    exec->live = exec->starting = false;
    if (is_finished(exec)) {
        destroy(exec);
    } else if (exec->phase == STARTING || exec->phase == RUNNING) {
        exec->phase = DRAINING;
        sk_timer_stop(loop_of(exec), &exec->limit);
        defer_turn(exec);
    }
}

void sk_execs_exited(struct sk_sandbox *s, uint64_t key, int status)
{
    struct sk_exec *exec = find(s, key);

    if (s->guest)
        s->node->agent->ops->release(s->guest, key);
    if (!exec)
        return;
    exec->status = status;
    ended(exec);
}

void sk_execs_found(struct sk_sandbox *s, uint64_t key, int stdout_take, int stderr_take)
{
    SK_AUTO_FD int out = stdout_take;
    SK_AUTO_FD int err = stderr_take;
    size_t count = 0;

    sk_list_each(&s->execs, link) count++;
    if (count >= ORPHANS_MAX || find(s, key))
        return;
    struct sk_exec *exec = new_exec(s);
    exec->key = key;
    exec->closed = exec->orphan = exec->live = true;
    exec->phase = RUNNING;
    exec->io.out = sk_take_fd(&out);
    exec->io.err = sk_take_fd(&err);
    begin_output(exec);
    sk_exec_stream_want(&exec->out);
    sk_exec_stream_want(&exec->err);
}

void sk_execs_gone(struct sk_sandbox *s)
{
    sk_list_each(&s->execs, link)
    {
        struct sk_exec *exec = sk_list_entry(link, struct sk_exec, link);
        if (!exec->live && !exec->starting)
            continue;
        if (exec->phase == STARTING || exec->phase == RUNNING)
            not_running(&exec->failure);
        ended(exec);
    }
}

static void on_stop_turn(struct sk_task *task)
{
    struct sk_exec *exec = sk_container_of(task, struct sk_exec, turn);
    struct sk_err err = {0};

    sk_node_stopping_err(&err);
    fail(exec, &err);
}

void sk_execs_stop(struct sk_sandbox *s)
{
    sk_list_each(&s->execs, link)
    {
        struct sk_exec *exec = sk_list_entry(link, struct sk_exec, link);
        exec->live = exec->starting = false; /* the guest goes: it says no more */
        sk_loop_undefer(&exec->turn);
        if (exec->closed)
            destroy(exec);
        else if (exec->phase != OVER)
            sk_loop_defer(loop_of(exec), &exec->turn, on_stop_turn);
    }
}
