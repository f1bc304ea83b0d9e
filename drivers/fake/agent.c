#include "drivers/fake/agent.h"

#include "base/strings.h"
#include "drivers/fake/far.h"
#include "drivers/fake/opens.h"
#include "loop/pump.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct sk_fake_agent *of(struct sk_agent *base)
{
    return sk_container_of(base, struct sk_fake_agent, base);
}

static void on_task(void *arg, const char *id, int pid, bool alive);

/* --- connecting ------------------------------------------------------------------ */

static int dup_read_end(int fd)
{
    int copy = -1;

    if (fd >= 0 && sk_fd_reopen_pipe(fd, O_RDONLY, &copy, NULL) != SK_OK)
        return -1;
    return copy;
}

static void tell_found(struct sk_guest *guest)
{
    sk_list_each(&guest->far->processes, node)
    {
        struct sk_far_process *entry = sk_list_entry(node, struct sk_far_process, link);
        if (entry->key == 0)
            continue;
        entry->told = false;
        guest->events->on_found(guest->arg, entry->key, entry->is_main, dup_read_end(entry->keep_out),
                                dup_read_end(entry->keep_err));
    }
}

static void answer_await(struct sk_task *task)
{
    struct sk_guest *guest = sk_container_of(task, struct sk_guest, await_task);
    struct sk_done *done = sk_take(guest->awaiting);
    bool ok = guest->await_err.code == SK_OK;

    if (!done)
        return;
    done->cancel = NULL;
    if (ok) {
        guest->connected = true;
        tell_found(guest);
        sk_far_schedule_exits(guest->far);
    }
    sk_done_fire(done, ok ? NULL : &guest->await_err);
}

static void connect_if_there(struct sk_guest *guest)
{
    struct sk_fake_agent *agent = guest->far->agent;

    if (!guest->awaiting || agent->deaf)
        return;
    if (agent->rt && sk_fake_runtime_pid(agent->rt, guest->far->id) != guest->await_pid)
        return;
    sk_loop_defer(agent->calls.loop, &guest->await_task, answer_await);
}

static void cancel_await(struct sk_done *done)
{
    struct sk_guest *guest = done->callee;

    done->cancel = NULL;
    (void)sk_fail(&guest->await_err, SK_CANCELLED, "waiting for the guest was cancelled");
    sk_loop_defer(guest->far->agent->calls.loop, &guest->await_task, answer_await);
}

static void op_await(struct sk_guest *guest, int pid, struct sk_done *done)
{
    struct sk_fake_calls *calls = &guest->far->agent->calls;
    int verdict = calls->hook ? calls->hook(calls->arg, "agent.await") : SK_FAKE_OK;

    assert(!guest->awaiting);
    calls->made++;
    guest->awaiting = done;
    guest->await_pid = pid;
    guest->await_err = (struct sk_err){0};
    done->callee = guest;
    done->cancel = cancel_await;
    if (verdict == SK_FAKE_FAIL || verdict == SK_FAKE_FAIL_AFTER) {
        (void)sk_fail(&guest->await_err, SK_UNAVAILABLE, "the guest did not come");
        sk_loop_defer(calls->loop, &guest->await_task, answer_await);
    } else if (verdict == SK_FAKE_OK) {
        connect_if_there(guest);
    }
}

static void on_task(void *arg, const char *id, int pid, bool alive)
{
    struct sk_fake_agent *agent = arg;
    struct sk_far *far = sk_far_find(agent, id);

    (void)pid;
    if (!far)
        return;
    if (alive && far->host) {
        connect_if_there(far->host);
    } else if (!alive) {
        sk_far_drop_processes(far);
        sk_fake_files_fini(&far->files);
        if (far->host)
            sk_far_lose(far->host, "the guest is gone");
        else if (!far->has_dir)
            sk_far_free(far);
    }
}

/* --- the contract ------------------------------------------------------------------ */

static enum sk_code op_open(struct sk_agent *base, const char *id, const struct sk_guest_events *events,
                            void *arg, struct sk_guest **out_guest, struct sk_err *err)
{
    struct sk_fake_agent *agent = of(base);
    struct sk_far *far = sk_far_find(agent, id);
    int verdict = agent->calls.hook ? agent->calls.hook(agent->calls.arg, "agent.open") : SK_FAKE_OK;

    agent->calls.made++;
    if (verdict != SK_FAKE_OK)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no socket for the guest of %s", id);
    if (!far) {
        far = sk_alloc(sizeof(*far));
        far->agent = agent;
        (void)snprintf(far->id, sizeof(far->id), "%s", id);
        (void)snprintf(far->dir, sizeof(far->dir), "/run/fake/agent/%s", id);
        sk_list_init(&far->processes);
        sk_fake_files_init(&far->files);
        sk_list_append(&agent->fars, &far->link);
        sk_map_add(&agent->by_id, &far->by_id, far->id);
    }
    assert(!far->host);
    far->has_dir = true;
    far->host = *out_guest = sk_alloc(sizeof(**out_guest));
    **out_guest = (struct sk_guest){.far = far, .events = events, .arg = arg};
    return SK_OK;
}

static const char *op_dir(struct sk_guest *guest)
{
    return guest->far->dir;
}

/* A copy of what is to be started; the strings live in the arena. */
struct start {
    struct sk_process process;
    struct sk_arena arena;
};

static void drop_start(struct sk_fake_call *call)
{
    struct start *start = call->out;

    sk_process_close(&start->process);
    sk_arena_fini(&start->arena);
    free(start);
}

static enum sk_code start_effect(struct sk_fake_call *call, struct sk_err *err)
{
    struct start *start = call->out;
    struct sk_far *far = sk_far_find(call->target, call->id);
    struct sk_process *process = &start->process;

    if (!far || !far->host || !far->host->connected || far->host->lost)
        return sk_fail(err, SK_UNAVAILABLE, "the guest is not connected");
    if (sk_far_find_key(far, process->key))
        return sk_fail(err, SK_ALREADY_EXISTS, "key %llu is in use", (unsigned long long)process->key);
    enum sk_code code = sk_fake_process_check(process, err);
    if (code != SK_OK)
        return code;
    struct sk_far_process *entry = sk_alloc(sizeof(*entry));
    entry->far = far;
    entry->key = process->key;
    entry->is_main = process->is_main;
    entry->keep_out = sk_take_fd(&process->stdout_keep_take);
    entry->keep_err = sk_take_fd(&process->stderr_keep_take);
    entry->process = sk_fake_process_new(call->calls->loop, process, sk_far_on_process_exit, entry);
    process->stdin_take = process->stdout_take = process->stderr_take = -1;
    sk_list_append(&far->processes, &entry->link);
    return SK_OK;
}

static void op_start(struct sk_guest *guest, const struct sk_process *process, struct sk_done *done)
{
    struct start *start = sk_alloc(sizeof(*start));

    start->process = *process;
    start->process.argv = (const char *const *)sk_strings_copy(&start->arena, process->argv);
    start->process.env = (const char *const *)sk_strings_copy(&start->arena, process->env);
    start->process.working_dir = sk_arena_strdup(&start->arena, process->working_dir);
    start->process.user = sk_arena_strdup(&start->arena, process->user);
    struct sk_fake_call call = {
        .target = guest->far->agent,
        .owner = guest,
        .id = guest->far->id,
        .out = start,
        .effect = start_effect,
        .drop = drop_start,
    };
    sk_fake_call(&guest->far->agent->calls, "agent.start", &call, done);
}

static void op_signal(struct sk_guest *guest, uint64_t key, int signo, bool tree)
{
    struct sk_far_process *entry = sk_far_find_key(guest->far, key);

    if (sk_fake_allowed(&guest->far->agent->calls, "agent.signal") && entry && !guest->lost)
        sk_fake_process_signal(entry->process, signo, tree);
}

static void op_release(struct sk_guest *guest, uint64_t key)
{
    struct sk_far_process *entry = sk_far_find_key(guest->far, key);

    if (!sk_fake_allowed(&guest->far->agent->calls, "agent.release") || !entry || guest->lost)
        return;
    assert(entry->ended);
    if (!sk_fake_process_left_child(entry->process)) {
        sk_far_drop_entry(entry);
        return;
    }
    sk_close_fd(&entry->keep_out); /* what it left behind lives on, forgotten */
    sk_close_fd(&entry->keep_err);
    entry->key = 0;
    entry->told = true;
}

static void op_close(struct sk_guest *guest, bool remove)
{
    struct sk_far *far = guest->far;
    struct sk_fake_agent *agent = far->agent;

    sk_fake_calls_forget(&agent->calls, guest);
    sk_loop_undefer(&guest->exit_task);
    sk_loop_undefer(&guest->lost_task);
    sk_loop_undefer(&guest->await_task);
    sk_fake_files_abandon_all(&far->files);
    far->host = NULL;
    free(guest);
    if (!remove || !sk_fake_allowed(&agent->calls, "agent.close"))
        return;
    far->has_dir = false;
    if (!agent->rt || !sk_fake_runtime_pid(agent->rt, far->id))
        sk_far_free(far);
}

static enum sk_code list_litter(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_agent *agent = call->target;

    (void)err;
    sk_list_each(&agent->fars, node)
    {
        const struct sk_far *far = sk_list_entry(node, struct sk_far, link);
        if (far->has_dir)
            sk_litter_add(call->out, "agent folder", far->id, false);
    }
    return SK_OK;
}

static enum sk_code remove_litter(struct sk_fake_call *call, struct sk_err *err)
{
    struct sk_fake_agent *agent = call->target;
    const struct sk_litter *litter = call->args;
    struct sk_far *far = sk_far_find(agent, litter->name);

    (void)err;
    if (!far)
        return SK_OK;
    assert(!far->host);
    far->has_dir = false;
    if (!agent->rt || !sk_fake_runtime_pid(agent->rt, far->id))
        sk_far_free(far);
    return SK_OK;
}

static void op_list_litter(struct sk_agent *base, struct sk_litter_list *out_list, struct sk_done *done)
{
    struct sk_fake_call call = {.target = of(base), .out = out_list, .asks = true, .effect = list_litter};

    *out_list = (struct sk_litter_list){0};
    sk_fake_call(&of(base)->calls, "agent.list_litter", &call, done);
}

static void op_remove_litter(struct sk_agent *base, const struct sk_litter *litter, struct sk_done *done)
{
    struct sk_fake_call call = {.target = of(base), .args = litter, .effect = remove_litter};
    sk_fake_call(&of(base)->calls, "agent.remove_litter", &call, done);
}

static const struct sk_agent_ops ops = {
    .open = op_open,
    .dir = op_dir,
    .put_files = sk_fake_put_files,
    .await = op_await,
    .start = op_start,
    .signal = op_signal,
    .release = op_release,
    .open_read = sk_fake_open_read,
    .open_write = sk_fake_open_write,
    .commit = sk_fake_commit,
    .abandon = sk_fake_abandon,
    .open_terminal = sk_fake_open_terminal,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
    .close = op_close,
};

/* --- steering -------------------------------------------------------------------------- */

struct sk_fake_agent *sk_fake_agent_new(struct sk_loop *loop, struct sk_fake_runtime *rt)
{
    struct sk_fake_agent *agent = sk_alloc(sizeof(*agent));

    agent->base.ops = &ops;
    agent->rt = rt;
    sk_fake_calls_init(&agent->calls, loop);
    sk_list_init(&agent->fars);
    sk_map_init(&agent->by_id);
    if (rt)
        sk_fake_runtime_watch(rt, on_task, agent);
    return agent;
}

void sk_fake_agent_free(struct sk_fake_agent *agent)
{
    if (!agent)
        return;
    sk_fake_calls_fini(&agent->calls);
    if (agent->rt)
        sk_fake_runtime_watch(agent->rt, NULL, NULL);
    sk_list_each(&agent->fars, node)
    {
        struct sk_far *far = sk_list_entry(node, struct sk_far, link);
        assert(!far->host);
        sk_far_free(far);
    }
    sk_map_fini(&agent->by_id);
    free(agent);
}

struct sk_agent *sk_fake_agent_base(struct sk_fake_agent *agent)
{
    return &agent->base;
}

struct sk_fake_calls *sk_fake_agent_calls(struct sk_fake_agent *agent)
{
    return &agent->calls;
}

size_t sk_fake_agent_held(const struct sk_fake_agent *agent)
{
    size_t held = 0;

    sk_list_each(&agent->fars, node)
    {
        const struct sk_far *far = sk_list_entry(node, struct sk_far, link);
        held += (size_t)(far->host != NULL) + (size_t)far->has_dir + sk_fake_files_written(&far->files);
    }
    return held;
}

size_t sk_fake_agent_alive(const struct sk_fake_agent *agent, const char *id)
{
    const struct sk_far *far = sk_far_find(agent, id);
    size_t alive = 0;

    if (!far)
        return 0;
    sk_list_each(&far->processes, node)
    {
        const struct sk_far_process *entry = sk_list_entry(node, struct sk_far_process, link);
        alive += (size_t)sk_fake_process_is_alive(entry->process) +
                 (size_t)sk_fake_process_left_child(entry->process);
    }
    return alive;
}

size_t sk_fake_agent_remembered(const struct sk_fake_agent *agent, const char *id)
{
    const struct sk_far *far = sk_far_find(agent, id);
    size_t count = 0;

    if (!far)
        return 0;
    sk_list_each(&far->processes, node)
    {
        count += (size_t)(sk_list_entry(node, struct sk_far_process, link)->key != 0);
    }
    return count;
}

void sk_fake_agent_main_exits(struct sk_fake_agent *agent, const char *id, int status)
{
    struct sk_far *far = sk_far_find(agent, id);

    if (!far)
        return;
    sk_list_each(&far->processes, node)
    {
        struct sk_far_process *entry = sk_list_entry(node, struct sk_far_process, link);
        if (entry->is_main)
            sk_fake_process_exit(entry->process, status);
    }
}

void sk_fake_agent_lose(struct sk_fake_agent *agent, const char *id)
{
    struct sk_far *far = sk_far_find(agent, id);

    if (far && far->host)
        sk_far_lose(far->host, "the guest broke the protocol");
}

void sk_fake_agent_deaf(struct sk_fake_agent *agent, bool deaf)
{
    agent->deaf = deaf;
    sk_list_each(&agent->fars, node)
    {
        struct sk_far *far = sk_list_entry(node, struct sk_far, link);
        if (!deaf && far->host)
            connect_if_there(far->host);
    }
}
