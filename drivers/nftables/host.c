/* host.c: what the driver does to the machine when it opens, and what it lets
 * go of when it closes; on the worker's thread. */
#include "drivers/nftables/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

static enum sk_code turn_on(const char *path, struct sk_err *err)
{
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1", 1) == 1)
        return SK_OK;
    int sys = errno;
    return sk_fail_sys(err, sk_code_from_errno(sys), sys, "write %s", path);
}

static enum sk_code add_gateway(struct sk_nftables *net, bool is_v6, struct sk_err *err)
{
    struct sk_ip gateway = sk_slots_gateway(&net->slots, is_v6);
    return sk_link_add_address(&net->slots.route, "lo", &gateway, err);
}

static enum sk_code settle_host(struct sk_nftables *net, struct sk_err *err)
{
    bool has_ipv6 = net->slots.ipv6.prefix != 0;
    enum sk_code code = sk_link_up(&net->slots.route, "lo", err);
    if (code == SK_OK)
        code = add_gateway(net, false, err);
    if (code == SK_OK && has_ipv6)
        code = add_gateway(net, true, err);
    if (code == SK_OK)
        code = turn_on("/proc/sys/net/ipv4/ip_forward", err);
    if (code == SK_OK && has_ipv6)
        code = turn_on("/proc/sys/net/ipv6/conf/all/forwarding", err);
    return code;
}

/* One of an older release may differ in what it is made of: then it is replaced, and what it let through
 * comes back with each sandbox's own rules. */
static enum sk_code load_table(struct sk_nftables *net, struct sk_err *err)
{
    struct sk_err first = {0};
    if (sk_table_load(&net->table, false, &first) == SK_OK)
        return SK_OK;
    sk_log_err(net->log, SK_WARN, "network.table_replaced", &first);
    return sk_table_load(&net->table, true, err);
}

/* Counts go on without samples. */
static void open_denials(struct sk_nftables *net)
{
    struct sk_err err = {0};
    net->denials.each = sk_nftables_denied;
    net->denials.arg = net;
    if (sk_denials_open(&net->denials, net->table.log_group, &err) != SK_OK)
        sk_log_err(net->log, SK_WARN, "network.no_denial_samples", &err);
    net->worker.fds[0] = sk_guard_fd(&net->guard);
    net->worker.fds[1] = sk_denials_fd(&net->denials);
}

void sk_nftables_end(void *arg)
{
    struct sk_nftables *net = arg;
    sk_nftables_forget(net);
    sk_nftables_forget_tenants(net);
    sk_guard_close(&net->guard);
    sk_denials_close(&net->denials);
    sk_netlink_close(&net->slots.route);
    sk_netlink_close(&net->netfilter);
    sk_close_fd(&net->slots.home);
}

/* Where the thread is, or where it goes now, for good. */
static enum sk_code take_home(struct sk_nftables *net, struct sk_err *err)
{
    const char *path = net->netns[0] ? net->netns : "/proc/thread-self/ns/net";
    net->slots.home = open(path, O_RDONLY | O_CLOEXEC);
    if (net->slots.home >= 0 && (!net->netns[0] || setns(net->slots.home, CLONE_NEWNET) == 0))
        return SK_OK;
    int sys = errno;
    return sk_fail_sys(err, sk_code_from_errno(sys), sys, "enter the network namespace %s", path);
}

static enum sk_code start(struct sk_nftables *net, struct sk_err *err)
{
    enum sk_code code = take_home(net, err);
    if (code == SK_OK)
        code = sk_netlink_open(&net->slots.route, NETLINK_ROUTE, 0, err);
    if (code == SK_OK)
        code = sk_netlink_open(&net->netfilter, NETLINK_NETFILTER, 0, err);
    /* Closed first: only then do packets find a way. */
    if (code == SK_OK)
        code = sk_guard_open(&net->guard, net->name, err);
    if (code == SK_OK)
        code = load_table(net, err);
    if (code != SK_OK)
        return code;
    sk_guard_settle(&net->guard);
    open_denials(net);
    code = settle_host(net, err);
    return code == SK_OK ? sk_nftables_adopt(net, err) : code;
}

enum sk_code sk_nftables_begin(void *arg, struct sk_err *err)
{
    struct sk_nftables *net = arg;
    enum sk_code code = start(net, err);
    if (code != SK_OK)
        sk_nftables_end(net);
    return code;
}
