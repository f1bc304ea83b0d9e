#include "core/exec_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#define COLUMNS 80
#define ROWS    24

/* Shells save their history when they are hung up, on a busy machine, too. */
#define GRACE SK_SEC(2)

/* A program that switches its terminal from lines to single keys, as every
 * interactive shell does before each prompt, turns an end of file that it has
 * not read yet into a NUL. So that a close is not lost with it, and because
 * the end of input is a state and not an event, it is typed again while the program lives. */
#define EOF_PAUSE      SK_MSEC(100)
#define EOF_PAUSE_MOST SK_SEC(10)

#define CTRL_D 4

static struct sk_loop *loop_of(const struct sk_exec *exec)
{
    return exec->sandbox->node->loop;
}

static struct sk_instant after(const struct sk_exec *exec, struct sk_duration by)
{
    return sk_instant_add(sk_loop_now(loop_of(exec)), by);
}

/* --- opening ---------------------------------------------------------------- */

static void set_size(int master, uint16_t columns, uint16_t rows)
{
    struct winsize size = {.ws_col = columns, .ws_row = rows};

    (void)ioctl(master, TIOCSWINSZ, &size); /* the kernel tells the foreground group */
}

/* Two descriptors of one terminal: a descriptor has one watch, and reading and writing have one each. */
static enum sk_code begin_streams(struct sk_exec *exec, struct sk_err *err)
{
    exec->io.in = fcntl(exec->master, F_DUPFD_CLOEXEC, 0);
    if (exec->io.in < 0)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "copy a terminal's descriptor");
    set_size(exec->master, exec->columns ? exec->columns : COLUMNS, exec->rows ? exec->rows : ROWS);
    exec->io.out = sk_take_fd(&exec->master);
    sk_exec_begin_output(exec);
    exec->out.gathers = true;
    enum sk_code code = sk_exec_open_stdin(exec, err);
    if (code == SK_OK && exec->close_in)
        sk_exec_type_eof(exec);
    return code;
}

static void on_terminal(struct sk_done *done, const struct sk_err *err)
{
    struct sk_exec *exec = sk_container_of(done, struct sk_exec, started);
    struct sk_err why = {0};

    exec->starting = false;
    if (!err && !exec->closed && exec->phase == SK_EXEC_STARTING && begin_streams(exec, &why) != SK_OK)
        err = &why;
    if (err || exec->closed || exec->phase != SK_EXEC_STARTING) {
        sk_close_fd(&exec->master);
        sk_close_fd(&exec->slave);
        sk_exec_start_failed(exec, err);
        return;
    }
    exec->phase = SK_EXEC_WAITING; /* much may have changed since */
    sk_exec_defer_turn(exec);
}

void sk_exec_open_terminal(struct sk_exec *exec)
{
    struct sk_sandbox *s = exec->sandbox;

    sk_done_init(&exec->started, on_terminal);
    s->node->agent->ops->open_terminal(s->guest, &exec->master, &exec->slave, &exec->started);
}

const char *const *sk_exec_terminal_env(struct sk_exec *exec, const char *const *env)
{
    size_t count = sk_strings_count(env);
    const char **all = sk_arena_alloc(&exec->arena, (count + 2) * sizeof(all[0]));

    all[0] = "TERM=xterm-256color"; /* first: any other of that name takes its place */
    memcpy(all + 1, env, count * sizeof(all[0]));
    return all;
}

void sk_exec_resize(struct sk_exec *exec, uint16_t columns, uint16_t rows)
{
    exec->columns = columns ? columns : exec->columns;
    exec->rows = rows ? rows : exec->rows;
    if (exec->on_terminal && exec->in.fd >= 0)
        set_size(exec->in.fd, exec->columns ? exec->columns : COLUMNS, exec->rows ? exec->rows : ROWS);
}

/* --- the end of input ------------------------------------------------------- */

static uint8_t eof_character(const struct sk_exec *exec)
{
    struct termios mode;

    if (tcgetattr(exec->in.fd, &mode) < 0 || mode.c_cc[VEOF] == _POSIX_VDISABLE)
        return CTRL_D;
    return mode.c_cc[VEOF];
}

/* Behind an unfinished line the character ends that line alone, and a second one the input. */
static bool is_within_line(const struct sk_exec *exec)
{
    return exec->last_typed >= ' ' || exec->last_typed == '\t';
}

void sk_exec_type_eof(struct sk_exec *exec)
{
    uint8_t eof[2];
    size_t len = is_within_line(exec) ? 2 : 1;

    if (exec->in.fd < 0)
        return;
    memset(eof, eof_character(exec), sizeof(eof));
    exec->last_typed = 0;
    exec->typing_eof = true;
    sk_writer_write(&exec->in, eof, len);
}

static void on_again(struct sk_timer *timer)
{
    sk_exec_type_eof(sk_container_of(timer, struct sk_exec, again));
}

void sk_exec_eof_typed(struct sk_exec *exec)
{
    struct sk_duration next = SK_NS(exec->pause.ns * 2);

    exec->typing_eof = false;
    if (exec->phase > SK_EXEC_RUNNING)
        return;
    exec->pause = next.ns == 0 ? EOF_PAUSE : next.ns < EOF_PAUSE_MOST.ns ? next : EOF_PAUSE_MOST;
    sk_timer_start(loop_of(exec), &exec->again, after(exec, exec->pause), on_again);
}

/* --- letting go ------------------------------------------------------------- */

static void on_grace(struct sk_timer *timer)
{
    struct sk_exec *exec = sk_container_of(timer, struct sk_exec, grace);

    sk_exec_signal_tree(exec, SIGKILL); /* also when only what it left behind is still there */
    if (sk_exec_is_finished(exec))
        sk_exec_destroy(exec);
}

void sk_exec_hang_up(struct sk_exec *exec)
{
    sk_exec_signal_tree(exec, SIGHUP);
    sk_timer_start(loop_of(exec), &exec->grace, after(exec, GRACE), on_grace);
}
