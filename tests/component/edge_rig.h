/* edge_rig.h: a node with a real HAProxy in a network of its own: one sandbox
 * (a namespace behind a link), an internet behind another link, and rules that
 * bring the sandbox's HTTPS to the gate. Skips where that cannot be had. */
#ifndef SK_TEST_EDGE_RIG_H
#define SK_TEST_EDGE_RIG_H

#include "base/program.h"
#include "drivers/edge/edge.h"
#include "support/net_lab.h"
#include "support/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RIG_BOX4    "10.231.0.2"
#define RIG_BOX6    "fd5a::2"
#define RIG_SHARED4 "198.51.100.7" /* where granted names, and others, are */
#define RIG_SHARED6 "2a00:0:0:7::7"
#define RIG_GATE    7443
#define RIG_PORTS   20000

struct edge_rig {
    struct net_lab lab;
    char box[96]; /* path of the sandbox's namespace */
    struct sk_loop *loop;
    struct sk_log log;
    struct sk_haproxy_options options;
    struct sk_haproxy *edge;
    pid_t internet, app;
    struct sk_edge_denial denials[64];
    size_t denied;
};

static inline void rig_denied(void *arg, const struct sk_edge_denial *denial)
{
    struct edge_rig *rig = arg;
    rig->denials[rig->denied % 64] = *denial;
    rig->denied++;
}

static inline bool rig_wire(struct edge_rig *rig)
{
    (void)snprintf(rig->box, sizeof(rig->box), "%s/box", rig->lab.dir);
    return lab_add_internet(&rig->lab, RIG_SHARED4 "/32 " RIG_SHARED6 "/128") &&
           lab_run("touch %s && unshare --net=%s true && ip link add sk0 type veth peer name eth0 && "
                   "nsenter --net=%s true && ip link set eth0 netns %s && ip link set sk0 up && "
                   "ip addr add 10.231.0.1/24 dev sk0 && ip -6 addr add fd5a::1/64 dev sk0 nodad && "
                   "ip addr add 10.231.255.1/32 dev lo && ip -6 addr add fd5b::1/128 dev lo nodad",
                   rig->box, rig->box, rig->box, rig->box) == 0 &&
           lab_inside(rig->box,
                      "ip link set lo up && ip link set eth0 up && ip addr add " RIG_BOX4 "/24 dev eth0 && "
                      "ip -6 addr add " RIG_BOX6
                      "/64 dev eth0 nodad && ip route add default via 10.231.0.1 && "
                      "ip -6 route add default via fd5a::1") == 0 &&
           lab_write("/proc/sys/net/ipv4/ip_forward", "1") &&
           lab_write("/proc/sys/net/ipv6/conf/all/forwarding", "1");
}

/* As the packet filter of a node does. */
static inline bool rig_bring_to_gate(void)
{
    return lab_run("nft 'table inet gate { chain nat { type nat hook prerouting priority -100; "
                   "iifname sk0 meta nfproto ipv4 tcp dport 443 dnat ip to 10.231.255.1:%d; "
                   "iifname sk0 meta nfproto ipv6 tcp dport 443 dnat ip6 to [fd5b::1]:%d; }; }'",
                   RIG_GATE, RIG_GATE) == 0;
}

static inline enum sk_code rig_open(struct edge_rig *rig, struct sk_err *err)
{
    enum sk_code code = sk_haproxy_open(rig->loop, &rig->log, &rig->options, &rig->edge, err);
    if (code == SK_OK)
        sk_haproxy_base(rig->edge)->ops->listen(sk_haproxy_base(rig->edge), rig_denied, rig);
    return code;
}

static inline void rig_close(struct edge_rig *rig)
{
    struct sk_wait wait;
    sk_wait_init(&wait, rig->loop);
    sk_haproxy_close(rig->edge, &wait.done);
    assert_int_equal(sk_wait(&wait), SK_OK);
    rig->edge = NULL;
}

static inline void rig_run(struct edge_rig *rig, int ms)
{
    bool never = false;
    (void)sk_wait_until(rig->loop, &never, SK_MSEC(ms));
}

/* --- HAProxy's process --------------------------------------------------------------------------- */

static inline int rig_pid(const struct edge_rig *rig)
{
    char path[128];
    int pid = 0;
    (void)snprintf(path, sizeof(path), "%s/edge/pid", rig->lab.dir);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%d", &pid) != 1)
        pid = 0;
    if (file)
        (void)fclose(file);
    return pid;
}

/* One that was replaced is this process' child, but nobody's to wait for. */
static inline bool rig_lives(int pid)
{
    if (pid > 0)
        (void)waitpid(pid, NULL, WNOHANG);
    return pid > 0 && kill(pid, 0) == 0;
}

/* --- the whole ----------------------------------------------------------------------------------- */

/* The tests of one program share the network, each opens its own edge. */
static inline int rig_setup_group(void **state)
{
    struct edge_rig *rig = sk_alloc(sizeof(*rig));
    const uint16_t ports[] = {443, 80};
    char *found = sk_program_find("haproxy");
    struct sk_err err;
    if (!found || geteuid() != 0 || !lab_open(&rig->lab))
        exit(77);
    free(found);
    if (!rig_wire(rig) || !rig_bring_to_gate() || sk_loop_new(&rig->loop, &err) != SK_OK)
        return -1;
    rig->internet = lab_serve(rig->lab.internet, ports, 2);
    sk_log_init(&rig->log, STDERR_FILENO, SK_WARN);
    rig->options = (struct sk_haproxy_options){
        .program = "haproxy",
        .run_dir = rig->lab.dir,
        .user = "haproxy",
        .listen = "127.0.0.1",
        .first_port = RIG_PORTS,
        .last_port = RIG_PORTS + 99,
        .gate_port = RIG_GATE,
        .gate_has_ipv6 = true,
    };
    (void)!sk_ip_parse("10.231.255.1", &rig->options.gate_ipv4, NULL);
    (void)!sk_ip_parse("fd5b::1", &rig->options.gate_ipv6, NULL);
    *state = rig;
    return rig->internet > 0 ? 0 : -1;
}

static inline int rig_teardown_group(void **state)
{
    struct edge_rig *rig = *state;
    if (rig_pid(rig) > 0) /* left by a test that failed */
        (void)kill(rig_pid(rig), SIGKILL);
    lab_stop(rig->internet);
    lab_stop(rig->app);
    sk_loop_free(rig->loop);
    lab_close(&rig->lab);
    free(rig);
    return 0;
}

/* --- what the sandbox has --------------------------------------------------------------------- */

struct rig_box {
    struct sk_edge_box box;
    struct sk_net_policy policy;
    struct sk_net_rule rules[8];
    struct sk_edge_door doors[4];
};

static inline void rig_box_init(struct rig_box *it, const char *id)
{
    memset(it, 0, sizeof(*it));
    it->policy.egress = it->rules;
    it->box = (struct sk_edge_box){.id = id, .has_ipv6 = true, .doors = it->doors, .policy = &it->policy};
    (void)!sk_ip_parse(RIG_BOX4, &it->box.ipv4, NULL);
    (void)!sk_ip_parse(RIG_BOX6, &it->box.ipv6, NULL);
    static char tenant[] = "tenant";
    it->policy.tenant = tenant;
}

static inline void rig_grant(struct rig_box *it, const char *name, char **except)
{
    it->rules[it->policy.egress_count++] =
        (struct sk_net_rule){.peer = SK_NET_NAME, .name = (char *)(uintptr_t)name, .name_except = except};
}

static inline void rig_add_door(struct rig_box *it, uint16_t node_port, const char *host, uint16_t port)
{
    it->doors[it->box.door_count++] = (struct sk_edge_door){node_port, host, port};
}

static inline enum sk_code rig_set(struct edge_rig *rig, const struct rig_box *it)
{
    struct sk_wait wait;
    sk_wait_init(&wait, rig->loop);
    sk_haproxy_base(rig->edge)->ops->set(sk_haproxy_base(rig->edge), &it->box, &wait.done);
    return sk_wait(&wait);
}

static inline enum sk_code rig_remove(struct edge_rig *rig, const char *id)
{
    struct sk_wait wait;
    sk_wait_init(&wait, rig->loop);
    sk_haproxy_base(rig->edge)->ops->remove(sk_haproxy_base(rig->edge), id, &wait.done);
    return sk_wait(&wait);
}

/* --- talking ---------------------------------------------------------------------------------------- */

/* Reads until the end, or until that is all (NULL = nothing is); at most `limit_ms` of silence. The length of
 * what came; out is ended by a NUL. */
static inline size_t rig_hear(int fd, char *out, size_t size, bool (*is_all)(const char *out, size_t got),
                              int limit_ms)
{
    size_t got = 0;
    struct pollfd poll_it = {.fd = fd, .events = POLLIN};
    out[0] = '\0';
    while (got + 1 < size && !(is_all && is_all(out, got)) && poll(&poll_it, 1, limit_ms) == 1) {
        ssize_t more = recv(fd, out + got, size - 1 - got, 0);
        if (more <= 0)
            break;
        got += (size_t)more;
        out[got] = '\0';
    }
    return got;
}

/* Sends, ends its side if told to, and reads until the end; at most `limit_ms` of silence. */
static inline size_t rig_converse(int fd, const void *data, size_t len, bool ends, char *out, size_t size,
                                  int limit_ms)
{
    (void)lab_send(fd, data, len); /* what is refused is not taken */
    if (ends)
        (void)shutdown(fd, SHUT_WR);
    return rig_hear(fd, out, size, NULL, limit_ms);
}

/* Sends, and reads so much, or until the end. */
static inline size_t rig_converse_for(int fd, const void *data, size_t len, char *out, size_t wanted)
{
    (void)lab_send(fd, data, len);
    return rig_hear(fd, out, wanted + 1, NULL, LAB_COMES_MS);
}

#endif
