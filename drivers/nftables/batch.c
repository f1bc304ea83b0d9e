#include "drivers/nftables/batch.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* What the nft tool calls the types of keys; the kernel only keeps it for the tool. */
enum { TYPE_IPV4 = 7, TYPE_IPV6 = 8 };

/* Large enough for one rule of as many expressions as the kernel takes. */
struct piece {
    union {
        struct nlmsghdr header;
        uint8_t bytes[32768];
    };
};

void sk_batch_init(struct sk_batch *batch, const char *table)
{
    *batch = (struct sk_batch){.table = table};
    sk_buf_init(&batch->messages, SK_BATCH_MAX);
}

void sk_batch_fini(struct sk_batch *batch)
{
    sk_buf_fini(&batch->messages);
}

static void append(struct sk_batch *batch, const void *data, size_t len)
{
    if (sk_buf_append(&batch->messages, data, len) != SK_OK)
        batch->overflown = true;
}

static struct nlmsghdr *begin(struct sk_batch *batch, struct piece *piece, uint16_t type, uint16_t flags)
{
    struct piece mark;
    if (batch->messages.len == 0) {
        struct nlmsghdr *first = nftnl_batch_begin((char *)mark.bytes, 0);
        append(batch, first, first->nlmsg_len);
    }
    return nftnl_nlmsg_build_hdr((char *)piece->bytes, type, NFPROTO_INET, flags, ++batch->seq);
}

static void end(struct sk_batch *batch, const struct nlmsghdr *header)
{
    append(batch, header, header->nlmsg_len); /* attributes end aligned */
}

/* --- sending ------------------------------------------------------------------------ */

static int note_error(const struct nlmsghdr *header, void *arg)
{
    const struct nlmsgerr *answer = mnl_nlmsg_get_payload(header);
    int *sys = arg;
    if (mnl_nlmsg_get_payload_len(header) >= sizeof(*answer) && answer->error && !*sys)
        *sys = -answer->error;
    return MNL_CB_OK;
}

/* The kernel has done it all when sending returns: what it has to say lies in the socket. Without errors it
 * says nothing. Returns the first error, or 0. */
static int collect(struct sk_netlink *netfilter)
{
    mnl_cb_t control[NLMSG_MIN_TYPE] = {[NLMSG_ERROR] = note_error};
    _Alignas(struct nlmsghdr) uint8_t bytes[16384];
    int fd = mnl_socket_get_fd(netfilter->socket);
    int sys = 0;
    for (;;) {
        ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (len > 0)
            (void)mnl_cb_run2(bytes, (size_t)len, 0, 0, NULL, &sys, control, (unsigned)sk_array_len(control));
        else if (len < 0 && errno == ENOBUFS)
            sys = sys ? sys : ENOBUFS; /* so many errors that they did not fit */
        else if (len == 0 || errno != EINTR)
            return sys;
    }
}

static int transact(struct sk_batch *batch, struct sk_netlink *netfilter)
{
    int fd = mnl_socket_get_fd(netfilter->socket);
    int room = (int)batch->messages.len + 4096;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
    for (int tries = 0;; tries++) {
        if (mnl_socket_sendto(netfilter->socket, batch->messages.data, batch->messages.len) < 0)
            return errno;
        int sys = collect(netfilter);
        /* Somebody else's transaction came between: the kernel undid ours and asks for it again. */
        if ((sys != EAGAIN && sys != EINTR) || tries == 10)
            return sys;
    }
}

enum sk_code sk_batch_send(struct sk_batch *batch, struct sk_netlink *netfilter, struct sk_err *err)
{
    struct piece mark;
    bool is_empty = batch->messages.len == 0;
    struct nlmsghdr *last = nftnl_batch_end((char *)mark.bytes, ++batch->seq);
    append(batch, last, last->nlmsg_len);
    bool overflown = batch->overflown;
    int sys = overflown || is_empty ? 0 : transact(batch, netfilter);
    sk_buf_clear(&batch->messages);
    batch->overflown = false;
    if (overflown)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "too many rules for one transaction");
    if (sys)
        return sk_fail_sys(err, sk_code_from_errno(sys), sys, "change the packet filter");
    return SK_OK;
}

/* --- chains and rules ------------------------------------------------------------------ */

void sk_batch_chain(struct sk_batch *batch, enum sk_batch_verb verb, const char *name)
{
    struct piece piece;
    struct nftnl_chain *chain = nftnl_chain_alloc();
    bool adds = verb == SK_BATCH_ADD;
    struct nlmsghdr *header =
        begin(batch, &piece, adds ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN, adds ? NLM_F_CREATE : 0);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, batch->table);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
    nftnl_chain_nlmsg_build_payload(header, chain);
    end(batch, header);
    nftnl_chain_free(chain);
}

static void put_rule(struct sk_batch *batch, uint16_t type, uint16_t flags, const char *chain,
                     struct nftnl_rule *rule)
{
    struct piece piece;
    struct nlmsghdr *header = begin(batch, &piece, type, flags);
    nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, batch->table);
    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
    nftnl_rule_nlmsg_build_payload(header, rule);
    end(batch, header);
    nftnl_rule_free(rule);
}

void sk_batch_flush_chain(struct sk_batch *batch, const char *name)
{
    put_rule(batch, NFT_MSG_DELRULE, 0, name, nftnl_rule_alloc());
}

void sk_batch_rule(struct sk_batch *batch, const char *chain, struct nftnl_rule *rule_take)
{
    put_rule(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, chain, rule_take);
}

/* --- counters ---------------------------------------------------------------------------- */

void sk_batch_counter(struct sk_batch *batch, enum sk_batch_verb verb, const char *name)
{
    struct piece piece;
    struct nftnl_obj *counter = nftnl_obj_alloc();
    bool adds = verb == SK_BATCH_ADD;
    struct nlmsghdr *header =
        begin(batch, &piece, adds ? NFT_MSG_NEWOBJ : NFT_MSG_DELOBJ, adds ? NLM_F_CREATE : 0);
    nftnl_obj_set_str(counter, NFTNL_OBJ_TABLE, batch->table);
    nftnl_obj_set_str(counter, NFTNL_OBJ_NAME, name);
    nftnl_obj_set_u32(counter, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
    if (adds)
        nftnl_obj_set_u64(counter, NFTNL_OBJ_CTR_PKTS, 0);
    nftnl_obj_nlmsg_build_payload(header, counter);
    end(batch, header);
    nftnl_obj_free(counter);
}

/* --- sets and their elements ---------------------------------------------------------------- */

static struct nftnl_set *set_new(const struct sk_batch *batch, const char *name)
{
    struct nftnl_set *set = nftnl_set_alloc();
    nftnl_set_set_str(set, NFTNL_SET_TABLE, batch->table);
    nftnl_set_set_str(set, NFTNL_SET_NAME, name);
    return set;
}

void sk_batch_set(struct sk_batch *batch, enum sk_batch_verb verb, const char *name, bool is_v6,
                  uint32_t size)
{
    struct piece piece;
    bool adds = verb == SK_BATCH_ADD;
    struct nlmsghdr *header =
        begin(batch, &piece, adds ? NFT_MSG_NEWSET : NFT_MSG_DELSET, adds ? NLM_F_CREATE : 0);
    struct nftnl_set *set = set_new(batch, name);
    if (adds) {
        nftnl_set_set_u32(set, NFTNL_SET_ID, ++batch->set_id);
        nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_TIMEOUT);
        nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, is_v6 ? TYPE_IPV6 : TYPE_IPV4);
        nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, is_v6 ? 16 : 4);
        nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, size);
    }
    nftnl_set_nlmsg_build_payload(header, set);
    end(batch, header);
    nftnl_set_free(set);
}

static void put_elements(struct sk_batch *batch, uint16_t type, uint16_t flags, struct nftnl_set *set)
{
    struct piece piece;
    struct nlmsghdr *header = begin(batch, &piece, type, flags);
    nftnl_set_elems_nlmsg_build_payload(header, set);
    end(batch, header);
    nftnl_set_free(set);
}

void sk_batch_flush_set(struct sk_batch *batch, const char *name)
{
    put_elements(batch, NFT_MSG_DELSETELEM, 0, set_new(batch, name));
}

void sk_batch_element(struct sk_batch *batch, enum sk_batch_verb verb, const struct sk_batch_element *element)
{
    struct nftnl_set *set = set_new(batch, element->set);
    struct nftnl_set_elem *elem = nftnl_set_elem_alloc();
    bool adds = verb == SK_BATCH_ADD;
    nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, element->key, element->key_len);
    if (adds && element->chain) {
        nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_JUMP);
        nftnl_set_elem_set_str(elem, NFTNL_SET_ELEM_CHAIN, element->chain);
    }
    if (adds && element->counter)
        nftnl_set_elem_set_str(elem, NFTNL_SET_ELEM_OBJREF, element->counter);
    if (adds && element->mark)
        nftnl_set_elem_set(elem, NFTNL_SET_ELEM_DATA, element->mark, sizeof(*element->mark));
    if (adds && element->lifetime_ms)
        nftnl_set_elem_set_u64(elem, NFTNL_SET_ELEM_TIMEOUT, element->lifetime_ms);
    nftnl_set_elem_add(set, elem);
    put_elements(batch, adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, adds ? NLM_F_CREATE : 0, set);
}
