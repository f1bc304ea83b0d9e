#include "drivers/fake/far.h"

static void tell_exits(struct sk_task *task);

struct sk_far *sk_far_find(const struct sk_fake_agent *agent, const char *id)
{
    struct sk_map_node *found = sk_map_find(&agent->by_id, id);
    return found ? sk_map_entry(found, struct sk_far, by_id) : NULL;
}

struct sk_far_process *sk_far_find_key(const struct sk_far *far, uint64_t key)
{
    sk_list_each(&far->processes, node)
    {
        struct sk_far_process *entry = sk_list_entry(node, struct sk_far_process, link);
        if (entry->key == key)
            return entry;
    }
    return NULL;
}

void sk_far_drop_entry(struct sk_far_process *entry)
{
    sk_list_remove(&entry->link);
    sk_fake_process_free(entry->process);
    sk_close_fd(&entry->keep_out);
    sk_close_fd(&entry->keep_err);
    free(entry);
}

void sk_far_drop_processes(struct sk_far *far)
{
    sk_list_each(&far->processes, node) sk_far_drop_entry(sk_list_entry(node, struct sk_far_process, link));
}

void sk_far_free(struct sk_far *far)
{
    sk_far_drop_processes(far);
    sk_fake_files_fini(&far->files);
    sk_map_remove(&far->agent->by_id, &far->by_id);
    sk_list_remove(&far->link);
    free(far);
}

/* --- events towards the host ---------------------------------------------------- */

void sk_far_schedule_exits(struct sk_far *far)
{
    if (far->host && far->host->connected && !far->host->lost)
        sk_loop_defer(far->agent->calls.loop, &far->host->exit_task, tell_exits);
}

static struct sk_far_process *untold(const struct sk_far *far)
{
    sk_list_each(&far->processes, node)
    {
        struct sk_far_process *entry = sk_list_entry(node, struct sk_far_process, link);
        if (entry->ended && !entry->told)
            return entry;
    }
    return NULL;
}

/* One a turn: what the callback does to the guest is seen before the next. */
static void tell_exits(struct sk_task *task)
{
    struct sk_guest *guest = sk_container_of(task, struct sk_guest, exit_task);
    struct sk_far_process *entry = untold(guest->far);

    if (!entry || guest->lost)
        return;
    entry->told = true;
    sk_far_schedule_exits(guest->far);
    guest->events->on_exit(guest->arg, entry->key, entry->status);
}

void sk_far_on_process_exit(void *arg, int status)
{
    struct sk_far_process *entry = arg;

    entry->ended = true;
    entry->status = status;
    sk_far_schedule_exits(entry->far);
}

static void tell_lost(struct sk_task *task)
{
    struct sk_guest *guest = sk_container_of(task, struct sk_guest, lost_task);
    guest->events->on_lost(guest->arg, &guest->why);
}

void sk_far_lose(struct sk_guest *guest, const char *why)
{
    if (guest->lost || !guest->connected)
        return;
    guest->lost = true;
    (void)sk_fail(&guest->why, SK_UNAVAILABLE, "%s", why);
    sk_loop_undefer(&guest->exit_task);
    sk_loop_defer(guest->far->agent->calls.loop, &guest->lost_task, tell_lost);
}
