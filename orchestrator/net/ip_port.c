#include "net/ip_port.h"

#include <stdio.h>
#include <string.h>

static enum sk_code refuse(const char *text, struct sk_err *err)
{
    return sk_fail(err, SK_INVALID_ARGUMENT, "\"%.64s\" is no address in numbers with a port", text);
}

static bool parse_port(const char *text, uint16_t *out_port)
{
    unsigned long port = 0;
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 5 || text[len])
        return false;
    for (size_t i = 0; i < len; i++)
        port = port * 10 + (unsigned long)(text[i] - '0');
    *out_port = (uint16_t)port;
    return port <= UINT16_MAX;
}

enum sk_code sk_ip_port_parse(const char *text, struct sk_ip_port *out, struct sk_err *err)
{
    char ip[SK_IP_TEXT_MAX];
    bool is_v6 = text[0] == '[';
    const char *end = is_v6 ? strstr(text, "]:") : strchr(text, ':'), *begin = text + is_v6;
    struct sk_ip_port found;
    struct sk_err ignored;

    if (!end || (size_t)(end - begin) >= sizeof(ip))
        return refuse(text, err);
    (void)snprintf(ip, sizeof(ip), "%.*s", (int)(end - begin), begin);
    if (sk_ip_parse(ip, &found.ip, &ignored) != SK_OK || (strchr(ip, ':') != NULL) != is_v6 ||
        !parse_port(end + 1 + is_v6, &found.port))
        return refuse(text, err);
    *out = found;
    return SK_OK;
}

bool sk_ip_is_loopback(const struct sk_ip *ip)
{
    static const uint8_t v6[16] = {[15] = 1};

    return ip->is_v6 ? memcmp(ip->bytes, v6, sizeof(v6)) == 0 : ip->bytes[0] == 127;
}
