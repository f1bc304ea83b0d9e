#include "config/network_kinds.h"

#include "config/address.h"
#include "net/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS   "0123456789"
#define LINK_MAX 8
#define DNS_PORT 53

/* What the pool's addresses are counted from: the network driver wants a few of them. */
#define POOL4_WIDEST    8
#define POOL4_NARROWEST 29
#define POOL6_WIDEST    16
#define POOL6_NARROWEST 112

/* --- addresses ------------------------------------------------------------------ */

bool sk_read_cidr(const char *text, void *out_cidr)
{
    return sk_cidr_parse(text, out_cidr, NULL) == SK_OK;
}

bool sk_read_pool4(const char *text, void *out_cidr)
{
    struct sk_cidr *pool = out_cidr;

    return strchr(text, '/') && sk_read_cidr(text, pool) && !pool->base.is_v6 &&
           pool->prefix >= POOL4_WIDEST && pool->prefix <= POOL4_NARROWEST;
}

bool sk_read_pool6(const char *text, void *out_cidr)
{
    struct sk_cidr *pool = out_cidr;

    *pool = (struct sk_cidr){.prefix = 0};
    if (!*text)
        return true;
    return strchr(text, '/') && sk_read_cidr(text, pool) && pool->base.is_v6 &&
           pool->prefix >= POOL6_WIDEST && pool->prefix <= POOL6_NARROWEST;
}

bool sk_read_ip(const char *text, void *out_ip)
{
    return sk_ip_parse(text, out_ip, NULL) == SK_OK;
}

/* --- ports ---------------------------------------------------------------------- */

/* A port from 1, of `len` bytes; 0 = it is none. */
static uint16_t read_port(const char *text, size_t len)
{
    long port = len >= 1 && len <= 5 && strspn(text, DIGITS) >= len ? strtol(text, NULL, 10) : 0;
    return *text != '0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool read_range(const char *text, uint16_t *out_first, uint16_t *out_last)
{
    size_t len = strcspn(text, "-");

    *out_first = *out_last = read_port(text, len);
    if (text[len])
        *out_last = read_port(text + len + 1, strlen(text + len + 1));
    return *out_first && *out_last >= *out_first;
}

bool sk_read_ports(const char *text, void *out_port_settings)
{
    struct sk_port_settings *ports = out_port_settings;

    *ports = (struct sk_port_settings){.first = 0};
    return !*text || read_range(text, &ports->first, &ports->last);
}

static bool read_protocol(const char *word, enum sk_net_protocol *out_protocol)
{
    static const struct {
        const char *word;
        enum sk_net_protocol protocol;
    } protocols[] = {{"tcp", SK_NET_TCP}, {"udp", SK_NET_UDP}, {"sctp", SK_NET_SCTP}};

    for (size_t i = 0; i < sk_array_len(protocols); i++)
        if (!strcmp(protocols[i].word, word)) {
            *out_protocol = protocols[i].protocol;
            return true;
        }
    return false;
}

/* "tcp", "tcp 5000". */
static bool read_flow(const char *text, struct sk_reachable_setting *setting)
{
    size_t len = strcspn(text, " ");
    enum sk_net_protocol protocol;
    char word[8] = "";

    if (len >= sizeof(word))
        return false;
    memcpy(word, text, len);
    if (!read_protocol(word, &protocol))
        return false;
    setting->protocol = (uint8_t)protocol;
    if (text[len])
        setting->port = read_port(text + len + 1, strlen(text + len + 1));
    return !text[len] || setting->port;
}

bool sk_read_reachable(const char *text, void *out_reachable_setting)
{
    struct sk_reachable_setting *setting = out_reachable_setting;
    size_t len = strcspn(text, " ");
    char cidr[SK_CIDR_TEXT_MAX] = "";

    *setting = (struct sk_reachable_setting){.port = 0};
    if (len >= sizeof(cidr))
        return false;
    memcpy(cidr, text, len);
    return sk_read_cidr(cidr, &setting->cidr) && (!text[len] || read_flow(text + len + 1, setting));
}

/* An address alone, or one with a port behind it. */
bool sk_read_resolver(const char *text, struct sk_resolver_address *out_address)
{
    bool has_bracket = text[0] == '[';
    size_t len = strcspn(text, has_bracket ? "]" : ":");
    const char *port = text + len + has_bracket;
    char ip[SK_IP_TEXT_MAX] = "";

    *out_address = (struct sk_resolver_address){.port = DNS_PORT};
    if (sk_read_ip(text, &out_address->ip))
        return true;
    if (!text[len] || *port != ':' || len - has_bracket >= sizeof(ip))
        return false;
    memcpy(ip, text + has_bracket, len - has_bracket);
    out_address->port = read_port(port + 1, strlen(port + 1));
    return sk_read_ip(ip, &out_address->ip) && out_address->ip.is_v6 == has_bracket && out_address->port;
}

bool sk_resolver_is_valid(const char *text)
{
    struct sk_resolver_address address;
    return sk_read_resolver(text, &address);
}

/* --- names ---------------------------------------------------------------------- */

bool sk_link_is_valid(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    return len >= 1 && len <= LINK_MAX && !text[len];
}

/* As they are compared: lower case, no dot at the end. */
static bool is_normal_name(const char *text)
{
    char name[SK_DOMAIN_MAX];
    return sk_domain_normalise(text, name, NULL) == SK_OK && !strcmp(name, text);
}

bool sk_host_is_valid(const char *text)
{
    bool has_port = text[0] == '[' ? text[strlen(text) - 1] != ']' : strchr(text, ':') != NULL;
    return !has_port && sk_address_is_host(text);
}

bool sk_domain_setting_is_valid(const char *text)
{
    return !*text || (is_normal_name(text) && strchr(text, '.'));
}

bool sk_names_setting_is_valid(const char *text)
{
    return is_normal_name(strncmp(text, "*.", 2) ? text : text + 2);
}
