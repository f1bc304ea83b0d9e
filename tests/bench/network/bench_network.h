/* bench_network.h: what sandboxes' networks cost: the real driver in a lab
 * (tests/support/net_lab.h), with the CNI bridge plugin beside it. */
#ifndef SK_BENCH_NETWORK_H
#define SK_BENCH_NETWORK_H

#include "bench/samples.h"
#include "contract/network_real.h"

#define FAR4     "198.51.100.7" /* a host of the lab's internet */
#define FAR6     "2a00:0:0:2::7"
#define ECHO     8080
#define SINK     7001
#define BOXES    500
#define POLICIES 24 /* rules of each sandbox */

/* Ends the program unless it is so. */
void must(bool is_so, const char *what);

/* A policy of many rules, of which the last lets through what is measured. */
void policy_init(void);
const struct sk_net_policy *policy_get(void);

/* Attach, apply, detach; cold, and with slots made ahead. */
void measure_attach(struct real *r, int rounds);
/* The bridge plugin: a namespace, ADD, DEL. */
void measure_cni(const struct net_lab *lab, int rounds);
/* Throughput, round trips and new connections, with 1, 100 and 500 policies in force. */
void measure_traffic(struct real *r, int rounds);

#endif
