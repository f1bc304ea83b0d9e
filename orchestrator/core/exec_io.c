#include "core/exec_impl.h"

#include <assert.h>

/* After the exit children that were left behind may hold the pipes. What the process itself wrote is in the
 * pipes by then, is read without waiting, and is less than the largest pipes; so the output ends after a
 * silence, after so much waiting in all, or after so many bytes. */
#define SILENCE   SK_MSEC(200)
#define WAIT_MOST SK_SEC(1)
#define DRAIN_MAX ((uint64_t)2 * 1024 * 1024)

static struct sk_loop *loop_of(const struct sk_exec *exec)
{
    return exec->sandbox->node->loop;
}

static void finish(struct sk_exec *exec)
{
    exec->phase = SK_EXEC_OVER;
    exec->wanted = false;
    sk_timer_stop(loop_of(exec), &exec->silence);
    sk_exec_measure(exec, exec->failure.code == SK_OK ? SK_EXEC_EXITED : SK_EXEC_FAILED);
    if (exec->failure.code != SK_OK)
        exec->events->on_error(exec->arg, &exec->failure);
    else
        exec->events->on_exit(exec->arg, exec->status);
}

/* --- output ---------------------------------------------------------------- */

static void start_silence(struct sk_exec *exec);

static void on_silence(struct sk_timer *timer)
{
    struct sk_exec *exec = sk_container_of(timer, struct sk_exec, silence);

    if (sk_exec_stream_owes(&exec->out) || sk_exec_stream_owes(&exec->err)) {
        start_silence(exec); /* it was we who did not listen: the loop, or the whole machine, stood still */
        return;
    }
    sk_exec_stream_end(&exec->out);
    sk_exec_stream_end(&exec->err);
    sk_exec_defer_turn(exec);
}

static void start_silence(struct sk_exec *exec)
{
    struct sk_duration left = SK_NS(WAIT_MOST.ns - exec->waited.ns);

    exec->silence_began = sk_loop_now(loop_of(exec));
    if (left.ns > SILENCE.ns)
        left = SILENCE;
    sk_timer_start(loop_of(exec), &exec->silence, sk_instant_add(exec->silence_began, left), on_silence);
}

static void break_silence(struct sk_exec *exec)
{
    struct sk_duration lasted = sk_instant_diff(sk_loop_now(loop_of(exec)), exec->silence_began);

    if (exec->silence.slot)
        exec->waited.ns += lasted.ns;
    sk_timer_stop(loop_of(exec), &exec->silence);
}

void sk_exec_begin_drain(struct sk_exec *exec)
{
    exec->phase = SK_EXEC_DRAINING;
    sk_timer_stop(loop_of(exec), &exec->again);
    exec->total_at_exit = exec->out.total + exec->err.total;
    sk_exec_stream_settle(&exec->out);
    sk_exec_stream_settle(&exec->err);
    sk_exec_defer_turn(exec);
}

/* True if a chunk went out: the exec may be gone by then. */
static bool deliver(struct sk_exec *exec, struct sk_exec_stream *stream, enum sk_stream name)
{
    size_t len = sk_exec_stream_ready(stream);

    if (len == 0)
        return false;
    uint8_t *chunk = sk_exec_stream_take(stream, len);
    if (!exec->has_spoken)
        sk_series_observe_since(exec->sandbox->node->meters.exec_first_byte[exec->path], exec->began,
                                sk_loop_now(loop_of(exec)));
    exec->has_spoken = true;
    exec->wanted = false;
    break_silence(exec); /* nobody listens from here on: no silence to measure */
    exec->events->on_output(exec->arg, name, chunk, len);
    return true;
}

static bool has_drained_enough(const struct sk_exec *exec)
{
    return exec->phase == SK_EXEC_DRAINING &&
           exec->out.total + exec->err.total - exec->total_at_exit > DRAIN_MAX;
}

static void discard(struct sk_exec_stream *stream)
{
    free(sk_exec_stream_take(stream, stream->held_len));
    sk_exec_stream_want(stream);
}

void sk_exec_pump(struct sk_exec *exec)
{
    if (!exec->wanted || exec->phase < SK_EXEC_RUNNING || exec->phase == SK_EXEC_OVER)
        return;
    if (has_drained_enough(exec)) {
        sk_exec_stream_end(&exec->out);
        sk_exec_stream_end(&exec->err);
    }
    if (deliver(exec, &exec->out, SK_STDOUT) || deliver(exec, &exec->err, SK_STDERR))
        return;
    if (exec->phase == SK_EXEC_DRAINING && sk_exec_stream_is_over(&exec->out) &&
        sk_exec_stream_is_over(&exec->err)) {
        finish(exec);
        return;
    }
    sk_exec_stream_want(&exec->out);
    sk_exec_stream_want(&exec->err);
    if (exec->phase == SK_EXEC_DRAINING && !exec->silence.slot)
        start_silence(exec);
}

static void on_change(struct sk_exec *exec, struct sk_exec_stream *stream, bool got_data)
{
    if (exec->orphan) {
        discard(stream);
        return;
    }
    if (got_data)
        break_silence(exec);
    sk_exec_pump(exec);
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
    sk_exec_defer_turn(exec);
}

void sk_exec_begin_output(struct sk_exec *exec)
{
    sk_exec_stream_open(&exec->out, loop_of(exec), sk_take_fd(&exec->io.out), out_change);
    sk_exec_stream_open(&exec->err, loop_of(exec), sk_take_fd(&exec->io.err), err_change);
}

/* --- stdin ----------------------------------------------------------------- */

static void on_room_task(struct sk_task *task)
{
    struct sk_exec *exec = sk_container_of(task, struct sk_exec, room);

    exec->writing = false;
    exec->events->on_stdin_room(exec->arg);
}

static void end_input(struct sk_exec *exec)
{
    if (exec->on_terminal)
        sk_exec_type_eof(exec);
    else
        sk_writer_close(&exec->in);
}

static void on_room(struct sk_writer *writer, const struct sk_err *err)
{
    struct sk_exec *exec = sk_container_of(writer, struct sk_exec, in);

    if (err)
        sk_writer_close(writer); /* what comes later is discarded */
    if (exec->typing_eof) {
        sk_exec_eof_typed(exec);
        return;
    }
    exec->writing = false;
    if (exec->close_in)
        end_input(exec);
    exec->events->on_stdin_room(exec->arg);
}

void sk_exec_write(struct sk_exec *exec, const uint8_t *data, size_t len)
{
    assert(!exec->writing);
    exec->writing = true;
    if (exec->in.fd >= 0 && !exec->close_in) {
        exec->last_typed = len ? data[len - 1] : exec->last_typed;
        sk_writer_write(&exec->in, data, len);
        return;
    }
    sk_loop_defer(loop_of(exec), &exec->room, on_room_task);
}

void sk_exec_close_stdin(struct sk_exec *exec)
{
    if (exec->close_in)
        return;
    exec->close_in = true;
    if (!exec->writing)
        end_input(exec);
}

enum sk_code sk_exec_open_stdin(struct sk_exec *exec, struct sk_err *err)
{
    return sk_writer_open(&exec->in, loop_of(exec), sk_take_fd(&exec->io.in), on_room, err);
}
