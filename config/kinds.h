/* kinds.h: what a configuration value can be: its C type, how JSON becomes
 * it, and how to say what would be right. */
#ifndef SK_CONFIG_KINDS_H
#define SK_CONFIG_KINDS_H

#include "config/entities.h"
#include "config/environment.h"
#include "config/faults.h"
#include "config/json.h"
#include "config/key_entries.h"
#include "config/network_kinds.h"
#include "config/peers.h"
#include "config/quotas.h"
#include "config/registries.h"

#include <stdint.h>

/* The C type of each kind, for struct sk_config. */
#define SK_TYPE_NODE          const char *
#define SK_TYPE_ADDRESSES     const char **
#define SK_TYPE_SECRETS       const char **
#define SK_TYPE_IP_PORT       const char *
#define SK_TYPE_PATH          const char *
#define SK_TYPE_OPTIONAL_PATH const char *
#define SK_TYPE_NAME          const char *
#define SK_TYPE_PROGRAM       const char *
#define SK_TYPE_CGROUP        const char *
#define SK_TYPE_LEVEL         const char *
#define SK_TYPE_DRIVERS       const char *
#define SK_TYPE_PULL_POLICY   const char *
#define SK_TYPE_LEAVE_OR_STOP const char *
#define SK_TYPE_LOG_FORMAT    const char *
#define SK_TYPE_AUDIT_SYNC    const char *
#define SK_TYPE_AUDIT_FULL    const char *
#define SK_TYPE_PATTERNS      const char **
#define SK_TYPE_IMAGES        const char **
#define SK_TYPE_URL           const char *
#define SK_TYPE_REGISTRIES    struct sk_registry_settings
#define SK_TYPE_QUOTAS        struct sk_quota_table
#define SK_TYPE_FOLDERS       const char **
#define SK_TYPE_DEVICE_KINDS  const char **
#define SK_TYPE_PEERS         struct sk_peer_settings
#define SK_TYPE_ENTITIES      struct sk_entity_table
#define SK_TYPE_KEYS          struct sk_key_entries
#define SK_TYPE_NETWORK       const char *
#define SK_TYPE_LINK          const char *
#define SK_TYPE_POOL4         struct sk_cidr
#define SK_TYPE_POOL6         struct sk_cidr
#define SK_TYPE_CIDRS         struct sk_cidr_settings
#define SK_TYPE_REACHABLE     struct sk_reachable_settings
#define SK_TYPE_RESOLVERS     const char **
#define SK_TYPE_NAMES         const char **
#define SK_TYPE_HOST          const char *
#define SK_TYPE_ADDRESS       struct sk_ip
#define SK_TYPE_PORTS         struct sk_port_settings
#define SK_TYPE_DOMAIN        const char *
#define SK_TYPE_IMAGE         const char *
#define SK_TYPE_WORDS         const char **
#define SK_TYPE_ENVIRONMENT   struct sk_env_list
#define SK_TYPE_USER          const char *
#define SK_TYPE_CAPABILITIES  const char **
#define SK_TYPE_EGRESS        const char *
#define SK_TYPE_FLAG          bool
#define SK_TYPE_INTEGER       int64_t
#define SK_TYPE_CPU           int64_t
#define SK_TYPE_MEMORY        int64_t

enum sk_kind {
    SK_KIND_NODE,          /* "" or 1 to 12 of [a-z0-9] */
    SK_KIND_ADDRESSES,     /* what address.h takes; NULL-terminated */
    SK_KIND_SECRETS,       /* printable ASCII; NULL-terminated; never shown */
    SK_KIND_IP_PORT,       /* what net/ip_port.h takes, or "" */
    SK_KIND_PATH,          /* absolute */
    SK_KIND_OPTIONAL_PATH, /* absolute, or "" */
    SK_KIND_NAME,          /* letters, digits, "._-" */
    SK_KIND_PROGRAM,       /* a name or an absolute path */
    SK_KIND_CGROUP,        /* names separated by "/" */
    SK_KIND_LEVEL,
    SK_KIND_DRIVERS,
    SK_KIND_PULL_POLICY,   /* "missing", "always" or "never" */
    SK_KIND_LEAVE_OR_STOP, /* "leave" or "stop" */
    SK_KIND_PATTERNS,      /* what pattern.h takes; NULL-terminated */
    SK_KIND_IMAGES,       /* printable ASCII; NULL-terminated; whether they are references is not looked at */
    SK_KIND_URL,          /* what url.h takes, or "" */
    SK_KIND_REGISTRIES,   /* what registries.h takes */
    SK_KIND_QUOTAS,       /* what quotas.h takes */
    SK_KIND_FOLDERS,      /* absolute paths; NULL-terminated */
    SK_KIND_DEVICE_KINDS, /* "vendor/class"; NULL-terminated */
    SK_KIND_PEERS,        /* what peers.h takes */
    SK_KIND_ENTITIES,     /* what entities.h takes */
    SK_KIND_KEYS,         /* what key_entries.h takes */
    SK_KIND_NETWORK,      /* "nftables" or "cni" */
    SK_KIND_LINK,         /* this and those below: as network_kinds.h reads them */
    SK_KIND_LOG_FORMAT,   /* "json" or "journald" */
    SK_KIND_AUDIT_SYNC,   /* "never", "second" or "group" */
    SK_KIND_AUDIT_FULL,   /* "drop_oldest" or "refuse_changes" */
    SK_KIND_POOL4,
    SK_KIND_POOL6,
    SK_KIND_CIDRS,
    SK_KIND_REACHABLE,
    SK_KIND_RESOLVERS, /* NULL-terminated */
    SK_KIND_NAMES,     /* NULL-terminated */
    SK_KIND_HOST,
    SK_KIND_ADDRESS,
    SK_KIND_PORTS,
    SK_KIND_DOMAIN,
    SK_KIND_IMAGE,        /* as IMAGES */
    SK_KIND_WORDS,        /* any texts; NULL-terminated */
    SK_KIND_ENVIRONMENT,  /* what environment.h takes */
    SK_KIND_USER,         /* "UID", "UID:GID" or "" */
    SK_KIND_CAPABILITIES, /* base/capability.h, or "ALL"; NULL-terminated */
    SK_KIND_EGRESS,       /* "internet" or "none" */
    SK_KIND_FLAG,         /* true or false */
    SK_KIND_INTEGER,
    SK_KIND_CPU,    /* a quantity; in thousandths of a core; "" = 0 where low allows */
    SK_KIND_MEMORY, /* a quantity; in bytes; the same */
};

/* When a changed value is taken over. */
enum sk_when {
    SK_WHEN_START, /* by a restart of the daemon */
    SK_WHEN_LIVE,  /* by a reload */
    SK_WHEN_SWAP,  /* by a reload; but from nothing or to nothing by a restart */
};

/* A key of the schema. */
struct sk_key {
    const char *name;
    enum sk_kind kind;
    enum sk_when when;
    size_t offset; /* in struct sk_config */
    const char *fallback;
    int64_t low, high;
    const char *help;
};

/* Writes the value to `out` (of the kind's type; texts in the arena), or adds
 * faults and leaves it alone. */
void sk_kind_take(struct sk_arena *arena, const struct sk_key *key, const struct sk_json *value, void *out,
                  struct sk_faults *faults);

/* What would be right, e.g. "a whole number from 0 to 1000". */
const char *sk_kind_wish(const struct sk_key *key, char out[128]);

#endif
