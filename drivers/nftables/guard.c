#include "drivers/nftables/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* A transaction of thousands of rules is announced rule by rule. */
#define ROOM (64 << 20)
/* The table's name comes first in every kind of announcement but that of a generation. */
#define TABLE_NAME NFTA_RULE_TABLE

enum sk_code sk_guard_open(struct sk_guard *guard, const char *table, struct sk_err *err)
{
    int room = ROOM;
    enum sk_code code = sk_netlink_open(&guard->events, NETLINK_NETFILTER, 1u << (NFNLGRP_NFTABLES - 1), err);
    if (code != SK_OK)
        return code;
    guard->table = table;
    (void)setsockopt(sk_guard_fd(guard), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    return SK_OK;
}

void sk_guard_close(struct sk_guard *guard)
{
    sk_netlink_close(&guard->events);
}

int sk_guard_fd(const struct sk_guard *guard)
{
    return mnl_socket_get_fd(guard->events.socket);
}

struct facts {
    const char *table;
    uint32_t process;
};

static int take_table(const struct nlattr *attr, void *arg)
{
    struct facts *facts = arg;
    if (mnl_attr_get_type(attr) == TABLE_NAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
        facts->table = mnl_attr_get_str(attr);
    return MNL_CB_OK;
}

static int take_process(const struct nlattr *attr, void *arg)
{
    struct facts *facts = arg;
    if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_PID && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
        facts->process = ntohl(mnl_attr_get_u32(attr));
    return MNL_CB_OK;
}

/* A generation ends what a transaction is announced with. */
static void end_transaction(struct sk_guard *guard, uint32_t process)
{
    if (guard->is_touched) {
        guard->last = process;
        guard->is_changed |= process != guard->self;
    }
    guard->is_touched = false;
}

static int note(const struct nlmsghdr *header, void *arg)
{
    struct sk_guard *guard = arg;
    const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
    struct facts facts = {0};
    if (header->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
        return MNL_CB_OK;
    if ((header->nlmsg_type & 0xFF) == NFT_MSG_NEWGEN) {
        (void)mnl_attr_parse(header, sizeof(*generic), take_process, &facts);
        end_transaction(guard, facts.process);
        return MNL_CB_OK;
    }
    (void)mnl_attr_parse(header, sizeof(*generic), take_table, &facts);
    if (generic->nfgen_family == NFPROTO_INET && facts.table && strcmp(facts.table, guard->table) == 0)
        guard->is_touched = true;
    return MNL_CB_OK;
}

static void read_all(struct sk_guard *guard)
{
    _Alignas(struct nlmsghdr) uint8_t bytes[16384];
    for (;;) {
        ssize_t len = recv(sk_guard_fd(guard), bytes, sizeof(bytes), MSG_DONTWAIT);
        if (len > 0)
            (void)mnl_cb_run(bytes, (size_t)len, 0, 0, note, guard);
        else if (len < 0 && errno == ENOBUFS)
            guard->is_changed = true;
        else if (len == 0 || errno != EINTR)
            return;
    }
}

bool sk_guard_ask(struct sk_guard *guard)
{
    read_all(guard);
    bool changed = guard->is_changed;
    guard->is_changed = false;
    return changed;
}

void sk_guard_settle(struct sk_guard *guard)
{
    read_all(guard);
    guard->self = guard->last;
    guard->is_changed = guard->is_touched = false;
}
