/* network_scene.h: what the suites of passing packets have in common: the lab's
 * hosts, policies, ears for events, one program's frame. */
#ifndef SK_CONTRACT_NETWORK_SCENE_H
#define SK_CONTRACT_NETWORK_SCENE_H

#include "contract/network_real.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define V4_A "198.51.100.7"
#define V4_B "198.51.100.8"
#define V4_C "192.0.2.9"
#define V6_A "2a00:0:0:2::7"
#define V6_B "2a00:0:0:2::8"

/* All that the internet has. */
#define HOSTS                                                                                                \
    V4_A "/32 " V4_B "/32 " V4_C "/32 " V6_A "/128 " V6_B "/128 "                                            \
         "169.254.169.254/32 100.100.100.200/32 64:ff9b::a9fe:a9fe/128 64:ff9b::c633:6407/128 "              \
         "64:ff9b::ad5:2/128 64:ff9b:1::c633:6407/128 2002:a9fe:a9fe::1/128 2002:ad5:2::1/128 "              \
         "fd00:ec2::254/128 192.0.2.77/32"

/* --- policies ---------------------------------------------------------------------- */

static char acme[] = "acme", example[] = "example.com", other_name[] = "example.org";

static inline struct sk_cidr block(const char *text)
{
    struct sk_cidr cidr = {0};
    if (sk_cidr_parse(text, &cidr, NULL) != SK_OK)
        abort();
    return cidr;
}

static const struct sk_net_policy deny_all = {.tenant = acme, .dns = SK_NET_DNS_ALL};
static struct sk_net_rule any_rule = {.peer = SK_NET_ANY};
static const struct sk_net_policy allow_any = {
    .tenant = acme, .egress = &any_rule, .egress_count = 1, .dns = SK_NET_DNS_ALL};

static struct sk_net_rule name_rules[] = {{.peer = SK_NET_NAME, .name = example},
                                          {.peer = SK_NET_NAME, .name = other_name}};
static const struct sk_net_policy by_names = {
    .tenant = acme, .egress = name_rules, .egress_count = 2, .dns = SK_NET_DNS_GRANTED};
static const struct sk_net_policy by_one_name = {
    .tenant = acme, .egress = name_rules, .egress_count = 1, .dns = SK_NET_DNS_GRANTED};
static const struct sk_net_policy by_other_name = {
    .tenant = acme, .egress = name_rules + 1, .egress_count = 1, .dns = SK_NET_DNS_GRANTED};

/* --- events -------------------------------------------------------------------------- */

struct heard {
    bool restored, denied;
    const char *rule; /* wanted */
    char id[64];
    struct sk_network_event event;
    struct sk_loop *loop;
};

static inline void hear(void *arg, const struct sk_network_event *event)
{
    struct heard *heard = arg;
    if (event->kind == SK_NETWORK_RESTORED)
        heard->restored = true;
    /* Last words of sandboxes that were detached have no id. */
    if (event->kind == SK_NETWORK_DENIED && !heard->denied && event->id[0] &&
        strcmp(event->rule, heard->rule) == 0) {
        heard->denied = true;
        heard->event = *event;
        (void)snprintf(heard->id, sizeof(heard->id), "%s", event->id);
    }
    sk_loop_stop(heard->loop);
}

static inline void ignore_all(void *arg, const struct sk_network_event *event)
{
    (void)arg;
    (void)event;
}

/* --- what takes its time --------------------------------------------------------------- */

/* How long a grant lasts that is not to end. */
#define LONG_S 3600

/* A connection made while a grant of one second lasted, however long that takes to happen. */
static inline int connect_by_short_grant(struct network_suite *s, const char *id, const char *netns,
                                         const char *host)
{
    int fd = -1;
    for (int waited = 0; waited < LAB_COMES_MS && fd < 0; waited += LAB_QUIET_MS) {
        if (grant(s, id, host, 1) != SK_OK)
            return -1;
        fd = lab_connect_within(netns, SOCK_STREAM, host, 443, LAB_QUIET_MS);
    }
    return fd;
}

/* --- a program ------------------------------------------------------------------------ */

/* Names nobody uses in one program are of use in another. */
#define NETWORK_MAIN(adjust, ...)                                                                            \
    int main(void)                                                                                           \
    {                                                                                                        \
        static struct real real;                                                                             \
        struct network_suite *s = &real.suite;                                                               \
        int opened = real_open_as(&real, HOSTS, adjust);                                                     \
        if (opened)                                                                                          \
            return opened;                                                                                   \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                                     \
        int result = cmocka_run_group_tests(tests, NULL, NULL);                                              \
        real_close(&real);                                                                                   \
        return result;                                                                                       \
    }

#define IN_LAB(test) cmocka_unit_test_prestate(test, s)

#endif
