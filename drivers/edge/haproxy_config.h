/* haproxy_config.h: what HAProxy is told when it starts; nothing in it is any
 * sandbox's. Pure.
 *
 * Files are named relative to the folder that it is started in:
 * hosts.map  host name -> "<id>|<address>|<port>|<seconds of silence, 0 = as others>"
 * ports.map  port of the node -> the same, without seconds
 * names.map  "<source>|<name or *.rest>" -> "<id>"
 * excepts.map  "<source>|<name>" that a "*." does not grant -> "<id>" */
#ifndef SK_EDGE_HAPROXY_CONFIG_H
#define SK_EDGE_HAPROXY_CONFIG_H

#include "base/buf.h"
#include "drivers/edge/edge.h"

#define SK_HAPROXY_CONFIG      "haproxy.cfg"
#define SK_HAPROXY_SOCKET      "sock"
#define SK_HAPROXY_CERTIFICATE "certificate.pem"
#define SK_HAPROXY_SCRIPT      "gate.lua"

enum sk_haproxy_map { SK_MAP_HOSTS, SK_MAP_PORTS, SK_MAP_NAMES, SK_MAP_EXCEPTS, SK_MAP_COUNT };
extern const char *const sk_haproxy_map_files[SK_MAP_COUNT];

/* Which of them there are: none where nothing leads. */
void sk_haproxy_config_maps(const struct sk_haproxy_options *options, bool out_has[SK_MAP_COUNT]);
/* What the machine says. */
struct sk_haproxy_host {
    unsigned uid, gid;       /* whom it becomes; 0 = nobody else */
    size_t descriptors;      /* that a process may have */
    const char *description; /* a word, which "show info" tells again */
};

/* Errors: SK_INVALID_ARGUMENT (addresses and ports that are not such), SK_RESOURCE_EXHAUSTED (too few
 * descriptors for the ports). */
SK_MUST_CHECK enum sk_code sk_haproxy_config_write(const struct sk_haproxy_options *options,
                                                   const struct sk_haproxy_host *host, struct sk_buf *out,
                                                   struct sk_err *err);

#endif
