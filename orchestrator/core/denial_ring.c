#include "core/denial_ring.h"

#include <string.h>

#define WHILE           SK_SEC(10)
#define LINES_PER_WHILE 5

/* Names are mostly absent and short: they are kept apart. */
struct sk_denial_entry {
    struct sk_wall at;
    struct sk_ip ip;
    const char *rule;
    char *name; /* NULL = "" */
    uint8_t protocol;
    uint16_t port;
};

void sk_denial_ring_fini(struct sk_denial_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        free(ring->entries[i].name);
    free(ring->entries);
    *ring = (struct sk_denial_ring){0};
}

static void say(const struct sk_denial_ring *ring, const struct sk_network_denial *denial,
                const struct sk_log *log)
{
    static const struct sk_ip none;
    char ip[SK_IP_TEXT_MAX] = "";

    if (memcmp(&denial->ip, &none, sizeof(none)) != 0)
        sk_ip_print(&denial->ip, ip);
    sk_log(log, SK_INFO, "network.denied", SK_STR("ip", ip), SK_INT("protocol", denial->protocol),
           SK_INT("port", denial->port), SK_STR("name", denial->name), SK_STR("rule", denial->rule),
           SK_INT("unsaid", ring->unsaid));
}

static void say_some(struct sk_denial_ring *ring, const struct sk_network_denial *denial,
                     const struct sk_log *log, struct sk_instant now)
{
    if (!ring->lines || now.ns >= sk_instant_add(ring->since, WHILE).ns) {
        ring->since = now;
        ring->lines = 0;
    }
    if (ring->lines == LINES_PER_WHILE) {
        ring->unsaid++;
        return;
    }
    ring->lines++;
    say(ring, denial, log);
    ring->unsaid = 0;
}

void sk_denial_ring_add(struct sk_denial_ring *ring, const struct sk_network_denial *denial,
                        const struct sk_log *log, struct sk_instant now)
{
    if (!ring->entries)
        ring->entries = sk_alloc(SK_NETWORK_DENIALS * sizeof(*ring->entries));
    struct sk_denial_entry *entry = &ring->entries[ring->next];
    free(entry->name);
    *entry = (struct sk_denial_entry){
        .at = denial->at,
        .ip = denial->ip,
        .rule = denial->rule,
        .name = denial->name[0] ? sk_strdup(denial->name) : NULL,
        .protocol = denial->protocol,
        .port = denial->port,
    };
    ring->next = (ring->next + 1) % SK_NETWORK_DENIALS;
    ring->count += ring->count < SK_NETWORK_DENIALS;
    say_some(ring, denial, log, now);
}

size_t sk_denial_ring_copy(const struct sk_denial_ring *ring,
                           struct sk_network_denial out[SK_NETWORK_DENIALS])
{
    for (size_t i = 0; i < ring->count; i++) {
        size_t at = (ring->next + SK_NETWORK_DENIALS - 1 - i) % SK_NETWORK_DENIALS;
        const struct sk_denial_entry *entry = &ring->entries[at];
        out[i] = (struct sk_network_denial){
            .at = entry->at,
            .ip = entry->ip,
            .protocol = entry->protocol,
            .port = entry->port,
            .rule = entry->rule,
        };
        if (entry->name)
            (void)snprintf(out[i].name, sizeof(out[i].name), "%s", entry->name);
    }
    return ring->count;
}
