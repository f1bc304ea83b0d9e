#include "drivers/nftables/denials.h"

#include "drivers/nftables/reasons.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD 80 /* bytes of a packet that are of interest; the table's snaplen */

static void begin(struct sk_message *message, uint16_t group)
{
    *message = (struct sk_message){0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
    struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
    generic->nfgen_family = AF_UNSPEC;
    generic->version = NFNETLINK_V0;
    generic->res_id = htons(group);
}

static enum sk_code configure(struct sk_netlink *log, uint16_t group, struct sk_err *err)
{
    struct sk_message message;
    struct nfulnl_msg_config_cmd bind = {.command = NFULNL_CFG_CMD_BIND};
    struct nfulnl_msg_config_mode mode = {.copy_range = htonl(HEAD), .copy_mode = NFULNL_COPY_PACKET};
    begin(&message, group);
    mnl_attr_put(&message.header, NFULA_CFG_CMD, sizeof(bind), &bind);
    enum sk_code code = sk_netlink_ask(log, &message, "listen to a log group", err);
    if (code != SK_OK)
        return code;
    begin(&message, group);
    mnl_attr_put(&message.header, NFULA_CFG_MODE, sizeof(mode), &mode);
    mnl_attr_put_u32(&message.header, NFULA_CFG_QTHRESH, htonl(1));
    return sk_netlink_ask(log, &message, "listen to a log group", err);
}

enum sk_code sk_denials_open(struct sk_denials *denials, uint16_t group, struct sk_err *err)
{
    enum sk_code code = sk_netlink_open(&denials->log, NETLINK_NETFILTER, 0, err);
    if (code == SK_OK)
        code = configure(&denials->log, group, err);
    if (code != SK_OK)
        sk_denials_close(denials);
    return code;
}

void sk_denials_close(struct sk_denials *denials)
{
    sk_netlink_close(&denials->log);
}

int sk_denials_fd(const struct sk_denials *denials)
{
    return denials->log.socket ? mnl_socket_get_fd(denials->log.socket) : -1;
}

/* --- packets -------------------------------------------------------------------------- */

bool sk_denial_parse(const uint8_t *packet, size_t len, struct sk_network_event *out)
{
    bool is_v6 = len > 0 && packet[0] >> 4 == 6;
    size_t behind = is_v6 ? 40 : len > 0 ? (size_t)(packet[0] & 15) * 4 : 0;
    if (len < (is_v6 ? 40 : 20) || (!is_v6 && packet[0] >> 4 != 4))
        return false;
    out->source = sk_ip_from_bytes(packet + (is_v6 ? 8 : 12), is_v6);
    out->destination = sk_ip_from_bytes(packet + (is_v6 ? 24 : 16), is_v6);
    out->protocol = packet[is_v6 ? 6 : 9];
    out->port = 0;
    bool has_ports =
        out->protocol == IPPROTO_TCP || out->protocol == IPPROTO_UDP || out->protocol == IPPROTO_SCTP;
    if (has_ports && len >= behind + 4)
        out->port = (uint16_t)(packet[behind + 2] << 8 | packet[behind + 3]);
    return true;
}

struct sample {
    uint32_t in, out;
    const char *prefix;
    const uint8_t *packet;
    size_t len;
};

static int take_sample(const struct nlattr *attr, void *arg)
{
    struct sample *sample = arg;
    uint16_t type = mnl_attr_get_type(attr);
    if (type == NFULA_IFINDEX_INDEV && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
        sample->in = ntohl(mnl_attr_get_u32(attr));
    if (type == NFULA_IFINDEX_OUTDEV && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
        sample->out = ntohl(mnl_attr_get_u32(attr));
    if (type == NFULA_PREFIX && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
        sample->prefix = mnl_attr_get_str(attr);
    if (type == NFULA_PAYLOAD) {
        sample->packet = mnl_attr_get_payload(attr);
        sample->len = mnl_attr_get_payload_len(attr);
    }
    return MNL_CB_OK;
}

static int tell(const struct nlmsghdr *header, void *arg)
{
    const struct sk_denials *denials = arg;
    struct sample sample = {0};
    struct sk_denial denial = {.event = {.kind = SK_NETWORK_DENIED}};
    if (header->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
        return MNL_CB_OK;
    (void)mnl_attr_parse(header, sizeof(struct nfgenmsg), take_sample, &sample);
    denial.event.rule = sample.prefix ? sk_reason_find(sample.prefix) : NULL;
    if (!denial.event.rule || !sample.packet || !sk_denial_parse(sample.packet, sample.len, &denial.event))
        return MNL_CB_OK;
    denial.link = sk_reason_is_inward(denial.event.rule) ? sample.out : sample.in;
    denials->each(denials->arg, &denial);
    return MNL_CB_OK;
}

void sk_denials_read(struct sk_denials *denials)
{
    _Alignas(struct nlmsghdr) uint8_t bytes[16384];
    int fd = sk_denials_fd(denials);
    /* Samples that did not fit into the socket were counted all the same. */
    for (int rounds = 0; fd >= 0 && rounds < 64; rounds++) {
        ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (len > 0)
            (void)mnl_cb_run(bytes, (size_t)len, 0, 0, tell, denials);
        else if (len == 0 || (errno != EINTR && errno != ENOBUFS))
            return;
    }
}
