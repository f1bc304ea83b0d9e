/* watch.c: what comes without being asked for: somebody else's changes of our
 * table, and samples of denied packets; both become events on the loop. */
#include "drivers/nftables/driver.h"

#include <net/if.h>
#include <string.h>

/* Somebody who changes it again and again must not keep us from all else. */
#define RESTORE_PAUSE SK_MSEC(200)

struct told {
    struct sk_post post;
    struct sk_nftables *net;
    struct sk_network_event event;
    char id[SK_SLOT_ID_MAX + 1];
};

static void tell(struct sk_post *post)
{
    struct told *told = sk_container_of(post, struct told, post);
    told->event.id = told->id;
    if (told->net->listener)
        told->net->listener(told->net->listener_arg, &told->event);
    free(told);
}

static void post(struct sk_nftables *net, const struct sk_network_event *event, const char *id)
{
    struct told *told = sk_alloc(sizeof(*told));
    told->net = net;
    told->event = *event;
    (void)snprintf(told->id, sizeof(told->id), "%s", id);
    sk_loop_post(net->loop, &told->post, tell);
}

void sk_nftables_denied(void *arg, const struct sk_denial *denial)
{
    struct sk_nftables *net = arg;
    char name[IF_NAMESIZE] = "";
    const char *id = "";
    (void)if_indextoname(denial->link, name);
    sk_list_each(&net->all, node)
    {
        const struct sk_slot *slot = sk_list_entry(node, struct sk_slot, all);
        if (*name && strcmp(slot->link.name, name) == 0)
            id = slot->id;
    }
    post(net, &denial->event, id);
}

static void restore(struct sk_nftables *net, struct sk_instant now)
{
    struct sk_err err = {0};
    net->restore_at = sk_instant_add(now, RESTORE_PAUSE);
    if (sk_nftables_restore(net, &err) != SK_OK) {
        sk_log_err(net->log, SK_ERROR, "network.restore_failed", &err);
        if (!net->is_broken)
            post(net, &(struct sk_network_event){.kind = SK_NETWORK_BROKEN, .rule = ""}, "");
        net->is_broken = true;
        return; /* again after the pause */
    }
    net->is_changed = net->is_broken = false;
    post(net, &(struct sk_network_event){.kind = SK_NETWORK_RESTORED, .rule = ""}, "");
}

int sk_nftables_look(struct sk_nftables *net)
{
    struct sk_instant now = sk_clock_boot();
    sk_denials_read(&net->denials);
    net->is_changed |= sk_guard_ask(&net->guard);
    if (net->is_changed && net->restore_at.ns <= now.ns)
        restore(net, now);
    sk_nftables_settle(net, false);
    int leaving_ms = sk_nftables_await_leaving(net);
    if (!net->is_changed)
        return leaving_ms;
    return (int)sk_duration_ms(sk_instant_diff(net->restore_at, now)) + 1;
}
