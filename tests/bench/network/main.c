/* sandkeep-bench-network [ROUNDS [TRAFFIC_ROUNDS]]: rows for tests/bench/table_network.py. Root. */
#include "bench/network/bench_network.h"

static struct sk_net_rule rules[POLICIES];
static struct sk_cidr except[POLICIES];
static struct sk_net_ports tcp = {SK_NET_TCP, 1, 65535};
static char tenant[] = "bench";
static struct sk_net_policy policy = {.tenant = tenant, .egress = rules, .egress_count = POLICIES};

void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "cannot %s\n", what);
    exit(1);
}

static struct sk_cidr block(const char *text)
{
    struct sk_cidr cidr = {0};
    must(sk_cidr_parse(text, &cidr, NULL) == SK_OK, "read a block");
    return cidr;
}

void policy_init(void)
{
    char text[SK_CIDR_TEXT_MAX];
    for (int i = 0; i < POLICIES; i++) {
        (void)snprintf(text, sizeof(text), i % 2 ? "2a01:%d::/32" : "172.%d.0.0/16", i % 2 ? i : 16 + i % 16);
        rules[i] =
            (struct sk_net_rule){.peer = SK_NET_CIDR, .cidr = block(text), .ports = &tcp, .port_count = 1};
        (void)snprintf(text, sizeof(text), i % 2 ? "2a01:%d:1::/48" : "172.%d.1.0/24",
                       i % 2 ? i : 16 + i % 16);
        except[i] = block(text);
        rules[i].except = &except[i];
        rules[i].except_count = 1;
    }
    rules[POLICIES - 2].cidr = block("198.51.100.0/24");
    rules[POLICIES - 1].cidr = block("2a00::/16");
}

const struct sk_net_policy *policy_get(void)
{
    return &policy;
}

static struct sk_cidr wide4, wide6;

static void with_room(struct sk_nftables_options *options)
{
    wide4 = block("10.213.0.0/16");
    wide6 = block("fd5a:4b01::/112");
    options->ipv4 = wide4;
    options->ipv6 = wide6;
    options->ready_slots = 0;
    options->connections_max = 65535;
    options->gate_port = 8443;
}

int main(int argc, char **argv)
{
    static struct real real;
    int rounds = argc > 1 ? atoi(argv[1]) : 100, traffic_rounds = argc > 2 ? atoi(argv[2]) : 3;
    policy_init();
    int opened = real_open_as(&real, FAR4 "/32 " FAR6 "/128", with_room);
    must(opened == 0, "open the lab");
    measure_attach(&real, rounds);
    measure_cni(&real.lab, rounds);
    measure_traffic(&real, traffic_rounds);
    real_close(&real);
    return 0;
}
