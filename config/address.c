#include "config/address.h"

#include "base/own.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX  253
#define UNIX_MAX  107
#define PORT_MAX  65535
#define DIGITS    "0123456789"
#define HOST_CHAR "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS ".-"

static const char unix_prefix[] = "unix:";

static bool is_unix(const char *address)
{
    return !strncmp(address, unix_prefix, sizeof(unix_prefix) - 1);
}

static bool port_is_valid(const char *port)
{
    size_t len = strlen(port);
    return len > 0 && len <= 5 && strspn(port, DIGITS) == len && atoi(port) <= PORT_MAX;
}

/* Splits at the last colon; false when there is none or the host is too long. */
static bool split_host(const char *address, char host[HOST_MAX + 1], const char **out_port)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;

    if (len == 0 || len > HOST_MAX)
        return false;
    memcpy(host, address, len);
    host[len] = '\0';
    *out_port = colon + 1;
    return true;
}

/* "[::1]" to its 16 bytes. */
static bool parse_v6(const char *host, struct in6_addr *out_v6)
{
    char inner[INET6_ADDRSTRLEN];
    size_t len = strlen(host);

    if (len < 4 || host[0] != '[' || host[len - 1] != ']' || len - 2 >= sizeof(inner))
        return false;
    memcpy(inner, host + 1, len - 2);
    inner[len - 2] = '\0';
    return inet_pton(AF_INET6, inner, out_v6) == 1;
}

static bool name_is_valid(const char *host)
{
    return strspn(host, HOST_CHAR) == strlen(host) && host[0] != '-' && host[0] != '.';
}

/* Digits and dots alone must be an address, not a name. */
static bool host_is_valid(const char *host)
{
    struct in6_addr v6;
    struct in_addr v4;

    if (host[0] == '[')
        return parse_v6(host, &v6);
    if (strspn(host, DIGITS ".") == strlen(host))
        return inet_pton(AF_INET, host, &v4) == 1;
    return name_is_valid(host);
}

bool sk_address_is_valid(const char *address)
{
    char host[HOST_MAX + 1];
    const char *port;

    if (is_unix(address)) {
        const char *path = address + sizeof(unix_prefix) - 1;
        return path[0] == '/' && path[1] && strlen(path) <= UNIX_MAX;
    }
    return split_host(address, host, &port) && port_is_valid(port) && host_is_valid(host);
}

bool sk_address_is_host(const char *text)
{
    char host[HOST_MAX + 1];
    const char *port, *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');

    if (!colon || (bracket && colon < bracket))
        return *text && strlen(text) <= HOST_MAX && host_is_valid(text);
    return split_host(text, host, &port) && port_is_valid(port) && *port != '0' && host_is_valid(host);
}

bool sk_address_is_loopback(const char *address)
{
    char host[HOST_MAX + 1];
    const char *port;
    struct in6_addr v6;
    struct in_addr v4;

    if (is_unix(address))
        return true;
    if (!split_host(address, host, &port))
        return false;
    if (!strcmp(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return parse_v6(host, &v6) && IN6_IS_ADDR_LOOPBACK(&v6);
}
