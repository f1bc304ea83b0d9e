#include "drivers/containerd/runtime.h"

#include "drivers/containerd/containerd.h"

static void listen_events(struct sk_runtime *base,
                          void (*fn)(void *arg, const struct sk_runtime_event *event), void *arg)
{
    struct sk_ctd_runtime *rt = sk_ctd_runtime_of(base);
    rt->events.fn = fn;
    rt->events.arg = arg;
    sk_pulse_retell(&rt->client->pulse);
}

static const struct sk_runtime_ops ops = {
    .listen = listen_events,
    .prepare_rootfs = sk_ctd_prepare_rootfs,
    .remove_rootfs = sk_ctd_remove_rootfs,
    .create_container = sk_ctd_create_container,
    .delete_container = sk_ctd_delete_container,
    .create_task = sk_ctd_create_task,
    .start_task = sk_ctd_start_task,
    .kill_task = sk_ctd_kill_task,
    .delete_task = sk_ctd_delete_task,
    .oom_kills = sk_ctd_oom_kills,
    .measure = sk_ctd_measure_use,
    .list = sk_ctd_list,
    .list_litter = sk_ctd_list_litter,
    .remove_litter = sk_ctd_remove_litter,
};

enum sk_code sk_ctd_runtime_init(struct sk_ctd_runtime *rt, struct sk_ctd_client *client,
                                 const struct sk_containerd_options *options, struct sk_err *err)
{
    struct sk_host_facts facts;
    enum sk_code code = sk_host_read(&facts, err);
    if (code != SK_OK)
        return code;
    *rt = (struct sk_ctd_runtime){
        .base.ops = &ops,
        .client = client,
        .facts = facts,
        .runtime_type = sk_strdup(options->runtime_type),
        .runtime = sk_strdup(options->runtime),
        .cgroup_parent = sk_strdup(options->cgroup_parent),
        .guest_path = sk_strdup(options->guest_path),
    };
    rt->host = (struct sk_spec_host){
        .guest_path = rt->guest_path,
        .cgroup_parent = rt->cgroup_parent,
        .machine = rt->facts.machine,
        .nofile_hard = facts.nofile_hard,
        .swap_accounting = facts.swap_accounting,
    };
    /* The time in ms: it outruns any daemon's count of groups. */
    sk_shims_init(&rt->shims, options->shim_group_max, (uint64_t)(sk_clock_wall().ns / 1000000));
    return SK_OK;
}

void sk_ctd_runtime_fini(struct sk_ctd_runtime *rt)
{
    sk_shims_fini(&rt->shims);
    free(rt->runtime_type);
    free(rt->runtime);
    free(rt->cgroup_parent);
    free(rt->guest_path);
    *rt = (struct sk_ctd_runtime){0};
}
