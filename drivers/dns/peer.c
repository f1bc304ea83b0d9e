#include "drivers/dns/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* Digits and nothing else, 1 to 65535. */
static bool parse_port(const char *text, uint16_t *out_port)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long number = digits > 0 && digits <= 5 && !text[digits] ? strtoul(text, NULL, 10) : 0;
    if (number == 0 || number > UINT16_MAX)
        return false;
    *out_port = (uint16_t)number;
    return true;
}

/* Where its port begins: behind a bracket, or behind the only colon. NULL: there is none. */
static const char *port_of(const char *text)
{
    const char *colon = strchr(text, *text == '[' ? ']' : ':');
    if (colon && *text == '[')
        return colon[1] == ':' ? colon + 2 : NULL;
    return colon && !strchr(colon + 1, ':') ? colon + 1 : NULL;
}

enum sk_code sk_dns_peer_parse(const char *text, uint16_t port, struct sk_dns_peer *out_peer,
                               struct sk_err *err)
{
    struct sk_dns_peer peer = {.port = port};
    const char *at = port_of(text);
    bool bracket = *text == '[';
    size_t len = at ? (size_t)(at - text) - 1 : strlen(text);
    char ip[SK_IP_TEXT_MAX + 2];
    bool fits = len < sizeof(ip) && (!bracket || (len > 2 && text[len - 1] == ']'));
    if (fits)
        (void)snprintf(ip, sizeof(ip), "%.*s", (int)(len - 2 * bracket), text + bracket);
    if (!fits || (at && !parse_port(at, &peer.port)) || sk_ip_parse(ip, &peer.ip, NULL) != SK_OK ||
        (bracket && !strchr(ip, ':')))
        return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.80s\" is not the address of a resolver", text);
    *out_peer = peer;
    return SK_OK;
}

socklen_t sk_dns_peer_address(const struct sk_dns_peer *peer, struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(peer->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(peer->port)};
    memcpy(&v4.sin_addr, peer->ip.bytes, sizeof(v4.sin_addr));
    memcpy(&v6.sin6_addr, peer->ip.bytes, sizeof(v6.sin6_addr));
    socklen_t len = peer->ip.is_v6 ? sizeof(v6) : sizeof(v4);
    memset(out, 0, sizeof(*out));
    memcpy(out, peer->ip.is_v6 ? (const void *)&v6 : &v4, len);
    return len;
}

struct sk_dns_peer sk_dns_peer_of(const struct sockaddr_storage *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, address, sizeof(v4));
    memcpy(&v6, address, sizeof(v6));
    if (address->ss_family == AF_INET)
        return (struct sk_dns_peer){sk_ip_from_bytes((const uint8_t *)&v4.sin_addr, false),
                                    ntohs(v4.sin_port)};
    if (address->ss_family == AF_INET6)
        return (struct sk_dns_peer){sk_ip_from_bytes((const uint8_t *)&v6.sin6_addr, true),
                                    ntohs(v6.sin6_port)};
    return (struct sk_dns_peer){0};
}
