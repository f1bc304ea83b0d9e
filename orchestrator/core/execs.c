#include "core/exec_impl.h"

/* Processes of an earlier daemon that a guest may make us drain. */
#define ORPHANS_MAX 1024

void sk_execs_poke(struct sk_sandbox *s)
{
    sk_list_each(&s->execs, link)
    {
        struct sk_exec *exec = sk_list_entry(link, struct sk_exec, link);
        if (exec->phase == SK_EXEC_WAITING && !exec->closed)
            sk_exec_defer_turn(exec);
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
    if (sk_exec_is_finished(exec))
        sk_exec_destroy(exec);
    else if (!exec->closed && exec->phase == SK_EXEC_RUNNING)
        sk_exec_begin_drain(exec);
}

void sk_execs_exited(struct sk_sandbox *s, uint64_t key, int status)
{
    struct sk_exec *exec = find(s, key);

    if (!exec) {
        if (s->guest)
            s->node->agent->ops->release(s->guest, key);
        return;
    }
    exec->status = status;
    exec->kept = true;
    if (!exec->grace.slot)
        sk_exec_release(exec); /* else what it left behind is killed first */
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
    struct sk_exec *exec = sk_exec_new(s);
    exec->key = key;
    exec->closed = exec->orphan = exec->live = true;
    exec->phase = SK_EXEC_RUNNING;
    exec->io.out = sk_take_fd(&out);
    exec->io.err = sk_take_fd(&err);
    sk_exec_begin_output(exec);
    sk_exec_stream_want(&exec->out);
    sk_exec_stream_want(&exec->err);
}

/* Nobody wants output yet that an error could come behind: it is said in the next turn. */
static void start_again(struct sk_exec *exec)
{
    exec->phase = SK_EXEC_WAITING;
    sk_timer_stop(exec->sandbox->node->loop, &exec->limit);
    if (!exec->closed)
        sk_exec_defer_turn(exec);
}

void sk_execs_gone(struct sk_sandbox *s)
{
    sk_list_each(&s->execs, link)
    {
        struct sk_exec *exec = sk_list_entry(link, struct sk_exec, link);
        bool was_known = exec->live || exec->starting || exec->kept;
        exec->kept = false;
        sk_timer_stop(s->node->loop, &exec->grace);
        if (!was_known)
            continue;
        if (exec->phase == SK_EXEC_STARTING || exec->phase == SK_EXEC_RUNNING)
            sk_sandbox_not_running_err(&exec->failure);
        if (exec->phase == SK_EXEC_STARTING)
            start_again(exec);
        ended(exec);
    }
}

static void on_stop_turn(struct sk_task *task)
{
    struct sk_exec *exec = sk_container_of(task, struct sk_exec, turn);
    struct sk_err err = {0};

    sk_node_stopping_err(&err);
    sk_exec_fail(exec, &err);
}

void sk_execs_stop(struct sk_sandbox *s)
{
    sk_list_each(&s->execs, link)
    {
        struct sk_exec *exec = sk_list_entry(link, struct sk_exec, link);
        exec->live = exec->starting = exec->kept = false; /* the guest goes: it says no more */
        sk_timer_stop(s->node->loop, &exec->limit);
        sk_loop_undefer(&exec->turn);
        if (exec->closed)
            sk_exec_destroy(exec);
        else if (exec->phase != SK_EXEC_OVER)
            sk_loop_defer(s->node->loop, &exec->turn, on_stop_turn);
    }
}
