#include "drivers/fake/process.h"

#include "base/arena.h"
#include "loop/pump.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

struct trap {
    int signo, status; /* status -1 = ignored */
};

struct sk_fake_process {
    struct sk_loop *loop;
    struct sk_arena arena;
    const char **steps;
    size_t at;
    struct sk_writer out, err;
    struct sk_reader in;
    struct sk_timer timer; /* sleep:, then fork: */
    struct sk_task next;
    struct sk_task exit_task;
    struct sk_duration fork_for;
    struct sk_duration chatter; /* the child left behind writes a byte this often; 0 = it is silent */
    struct sk_instant child_until;
    struct trap traps[4];
    size_t trap_count;
    bool alive, child;
    int status;
    void (*on_exit)(void *arg, int status);
    void *arg;
};

static void step(struct sk_task *task);

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

enum sk_code sk_fake_process_check(const struct sk_process *process, struct sk_err *err)
{
    static const char *const known[] = {"true", "false", "cat", "env", "pwd",  "tail",
                                        "echo", "sleep", "yes", "sh",  "stty", "play"};
    const char *name = base_name(process->argv[0]);

    if (strcmp(process->user, "nosuch") == 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "no such user in the sandbox");
    if (strcmp(process->working_dir, "/nosuch") == 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "enter the working directory: No such file or directory");
    if (strcmp(name, "noexec") == 0)
        return sk_fail(err, SK_PERMISSION_DENIED, "execute the program: Permission denied");
    for (size_t i = 0; i < sk_array_len(known); i++)
        if (strcmp(name, known[i]) == 0)
            return SK_OK;
    return sk_fail(err, SK_NOT_FOUND, "execute the program: No such file or directory");
}

/* --- from argv to steps ------------------------------------------------------ */

static char *joined(struct sk_arena *arena, const char *head, const char *const *words, char between)
{
    size_t len = strlen(head) + 2;

    for (size_t i = 0; words[i]; i++)
        len += strlen(words[i]) + 1;
    char *text = sk_arena_alloc(arena, len);
    char *end = stpcpy(text, head);
    for (size_t i = 0; words[i]; i++) {
        if (i > 0)
            *end++ = between;
        end = stpcpy(end, words[i]);
    }
    *end = '\n'; /* the arena is zeroed behind it */
    return text;
}

static const char **one_step(struct sk_arena *arena, const char *text)
{
    const char **steps = sk_arena_alloc(arena, 2 * sizeof(steps[0]));
    steps[0] = text;
    return steps;
}

static const char **copy_steps(struct sk_arena *arena, const char *const *argv)
{
    size_t len = 0;

    while (argv[len])
        len++;
    const char **steps = sk_arena_alloc(arena, (len + 1) * sizeof(steps[0]));
    for (size_t i = 0; i < len; i++)
        steps[i] = sk_arena_strdup(arena, argv[i]);
    return steps;
}

static const char **steps_of(struct sk_arena *arena, const struct sk_process *p)
{
    static const char *const polite[] = {"trap:15:0", "trap:2:0", "sleep:infinity", NULL};
    static const char *const nothing[] = {NULL};
    const char *name = base_name(p->argv[0]);
    const char *first = p->argv[1] ? p->argv[1] : "0";

    if (strcmp(name, "play") == 0)
        return copy_steps(arena, p->argv + 1);
    if (strcmp(name, "false") == 0)
        return one_step(arena, "exit:1");
    if (strcmp(name, "cat") == 0)
        return one_step(arena, "cat");
    if (strcmp(name, "stty") == 0)
        return one_step(arena, "size");
    if (strcmp(name, "tail") == 0)
        return one_step(arena, "sleep:infinity");
    if (strcmp(name, "echo") == 0)
        return one_step(arena, joined(arena, "out:", p->argv + 1, ' '));
    if (strcmp(name, "env") == 0)
        return one_step(arena, joined(arena, "out:", p->env, '\n'));
    if (strcmp(name, "pwd") == 0)
        return one_step(arena, sk_arena_printf(arena, "out:%s\n", p->working_dir[0] ? p->working_dir : "/"));
    if (strcmp(name, "sleep") == 0)
        return one_step(arena, sk_arena_printf(arena, "sleep:%s", first));
    if (strcmp(name, "yes") == 0)
        return one_step(arena, sk_arena_printf(arena, "fill:%s", first));
    return copy_steps(arena, strcmp(name, "sh") == 0 ? polite : nothing);
}

/* --- ending ------------------------------------------------------------------- */

static void close_pipes(struct sk_fake_process *p)
{
    sk_reader_close(&p->in);
    sk_writer_close(&p->out);
    sk_writer_close(&p->err);
    p->child = false;
}

static void child_lives(struct sk_timer *timer)
{
    struct sk_fake_process *p = sk_container_of(timer, struct sk_fake_process, timer);
    struct sk_instant now = sk_loop_now(p->loop);

    if (now.ns >= p->child_until.ns) {
        close_pipes(p);
        return;
    }
    if (p->chatter.ns > 0 && p->out.fd >= 0 && write(p->out.fd, ".", 1) < 0) {
        close_pipes(p);
        return;
    }
    struct sk_instant next = sk_instant_add(now, p->chatter.ns > 0 ? p->chatter : p->fork_for);
    sk_timer_start(p->loop, timer, sk_instant_min(next, p->child_until), child_lives);
}

static void tell_exit(struct sk_task *task)
{
    struct sk_fake_process *p = sk_container_of(task, struct sk_fake_process, exit_task);
    p->on_exit(p->arg, p->status);
}

void sk_fake_process_exit(struct sk_fake_process *p, int status)
{
    if (!p->alive)
        return;
    p->alive = false;
    p->status = status;
    sk_loop_undefer(&p->next);
    sk_timer_stop(p->loop, &p->timer);
    p->child = p->fork_for.ns > 0;
    p->child_until = sk_instant_add(sk_loop_now(p->loop), p->fork_for);
    child_lives(&p->timer);
    sk_loop_defer(p->loop, &p->exit_task, tell_exit);
}

void sk_fake_process_signal(struct sk_fake_process *p, int signo, bool tree)
{
    if (tree && signo == SIGKILL) {
        p->fork_for = SK_NS(0);
        sk_timer_stop(p->loop, &p->timer);
        close_pipes(p);
    }
    for (size_t i = 0; p->alive && i < p->trap_count; i++) {
        if (p->traps[i].signo != signo)
            continue;
        if (p->traps[i].status >= 0)
            sk_fake_process_exit(p, p->traps[i].status);
        return;
    }
    sk_fake_process_exit(p, 128 + signo);
}

/* --- the steps ------------------------------------------------------------------ */

static void go_on(struct sk_fake_process *p)
{
    p->at++;
    sk_loop_defer(p->loop, &p->next, step);
}

static void on_room(struct sk_fake_process *p, const struct sk_err *err)
{
    const char *at = p->steps[p->at];

    if (err)
        sk_fake_process_exit(p, 128 + SIGPIPE);
    else if (strcmp(at, "cat") == 0)
        sk_reader_want(&p->in);
    else
        go_on(p);
}

static void out_room(struct sk_writer *writer, const struct sk_err *err)
{
    on_room(sk_container_of(writer, struct sk_fake_process, out), err);
}

static void err_room(struct sk_writer *writer, const struct sk_err *err)
{
    on_room(sk_container_of(writer, struct sk_fake_process, err), err);
}

static void in_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    struct sk_fake_process *p = sk_container_of(reader, struct sk_fake_process, in);

    if (p->out.fd >= 0)
        sk_writer_write(&p->out, data, len);
    else
        sk_reader_want(reader);
}

static void in_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct sk_fake_process *p = sk_container_of(reader, struct sk_fake_process, in);

    (void)err;
    if (p->alive)
        go_on(p);
}

static void write_step(struct sk_fake_process *p, struct sk_writer *writer, const void *data, size_t len)
{
    if (writer->fd >= 0 && len > 0)
        sk_writer_write(writer, data, len);
    else
        go_on(p);
}

static void fill_step(struct sk_fake_process *p, const char *count)
{
    size_t len = strtoul(count, NULL, 10);
    SK_AUTO_FREE void *bytes = sk_alloc(len + 1);

    memset(bytes, 'x', len);
    write_step(p, &p->out, bytes, len);
}

static unsigned nibble(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static void hex_step(struct sk_fake_process *p, const char *text)
{
    size_t len = strlen(text) / 2;
    SK_AUTO_FREE uint8_t *bytes = sk_alloc(len + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    write_step(p, &p->out, bytes, len);
}

static void slept(struct sk_timer *timer)
{
    go_on(sk_container_of(timer, struct sk_fake_process, timer));
}

static struct sk_duration seconds(const char *text)
{
    return SK_NS((int64_t)(strtod(text, NULL) * 1e9));
}

static void sleep_step(struct sk_fake_process *p, const char *text)
{
    if (strncmp(text, "inf", 3) == 0)
        return;
    sk_timer_start(p->loop, &p->timer, sk_instant_add(sk_loop_now(p->loop), seconds(text)), slept);
}

static void trap_step(struct sk_fake_process *p, const char *text)
{
    const char *status = strchr(text, ':');

    if (p->trap_count < sk_array_len(p->traps))
        p->traps[p->trap_count++] = (struct trap){atoi(text), status ? atoi(status + 1) : -1};
    go_on(p);
}

static void size_step(struct sk_fake_process *p)
{
    struct winsize size = {0};
    char text[32];

    if (p->in.fd >= 0)
        (void)ioctl(p->in.fd, TIOCGWINSZ, &size);
    int len = snprintf(text, sizeof(text), "%d %d\n", size.ws_row, size.ws_col);
    write_step(p, &p->out, text, (size_t)len);
}

static void cat_step(struct sk_fake_process *p)
{
    if (p->in.fd >= 0)
        sk_reader_want(&p->in);
    else
        go_on(p);
}

static const char *after(const char *text, const char *verb)
{
    size_t len = strlen(verb);
    return strncmp(text, verb, len) == 0 ? text + len : NULL;
}

static void step(struct sk_task *task)
{
    struct sk_fake_process *p = sk_container_of(task, struct sk_fake_process, next);
    const char *text = p->steps[p->at], *rest;

    if (!text)
        sk_fake_process_exit(p, 0);
    else if ((rest = after(text, "out:")))
        write_step(p, &p->out, rest, strlen(rest));
    else if ((rest = after(text, "err:")))
        write_step(p, &p->err, rest, strlen(rest));
    else if ((rest = after(text, "hex:")))
        hex_step(p, rest);
    else if ((rest = after(text, "fill:")))
        fill_step(p, rest);
    else if ((rest = after(text, "sleep:")))
        sleep_step(p, rest);
    else if ((rest = after(text, "trap:")))
        trap_step(p, rest);
    else if ((rest = after(text, "exit:")))
        sk_fake_process_exit(p, atoi(rest));
    else if ((rest = after(text, "kill:")))
        sk_fake_process_exit(p, 128 + atoi(rest));
    else if (strcmp(text, "cat") == 0)
        cat_step(p);
    else if (strcmp(text, "size") == 0)
        size_step(p);
    else {
        if ((rest = after(text, "fork:")))
            p->fork_for = seconds(rest);
        else if ((rest = after(text, "chatter:")))
            p->chatter = seconds(rest);
        go_on(p);
    }
}

/* --- birth and death -------------------------------------------------------------- */

static void open_pipes(struct sk_fake_process *p, const struct sk_process *from)
{
    bool on_terminal = from->on_terminal;
    int out = on_terminal ? fcntl(from->stdin_take, F_DUPFD_CLOEXEC, 0) : from->stdout_take;
    int err = on_terminal ? fcntl(from->stdin_take, F_DUPFD_CLOEXEC, 0) : from->stderr_take;

    p->in.fd = p->out.fd = p->err.fd = -1;
    if (from->stdin_take >= 0 &&
        sk_reader_open(&p->in, p->loop, from->stdin_take, in_data, in_end, NULL) != SK_OK)
        p->in.fd = -1;
    if (out >= 0 && sk_writer_open(&p->out, p->loop, out, out_room, NULL) != SK_OK)
        p->out.fd = -1;
    if (err >= 0 && sk_writer_open(&p->err, p->loop, err, err_room, NULL) != SK_OK)
        p->err.fd = -1;
}

struct sk_fake_process *sk_fake_process_new(struct sk_loop *loop, const struct sk_process *process,
                                            void (*on_exit)(void *arg, int status), void *arg)
{
    struct sk_fake_process *p = sk_alloc(sizeof(*p));

    p->loop = loop;
    p->on_exit = on_exit;
    p->arg = arg;
    p->alive = true;
    p->steps = steps_of(&p->arena, process);
    open_pipes(p, process);
    sk_loop_defer(loop, &p->next, step);
    return p;
}

bool sk_fake_process_is_alive(const struct sk_fake_process *process)
{
    return process->alive;
}

bool sk_fake_process_left_child(const struct sk_fake_process *process)
{
    return process->child;
}

void sk_fake_process_free(struct sk_fake_process *p)
{
    if (!p)
        return;
    sk_loop_undefer(&p->next);
    sk_loop_undefer(&p->exit_task);
    sk_timer_stop(p->loop, &p->timer);
    close_pipes(p);
    sk_arena_fini(&p->arena);
    free(p);
}
