#include "core/etc_files.h"

#include <string.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS       "/etc/hosts"

static bool lies_at_or_below(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool is_the_users(const struct sk_spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->file_count; i++) {
        if (lies_at_or_below(spec->files[i].path, path) || lies_at_or_below(path, spec->files[i].path))
            return true;
    }
    return false;
}

static const char *make_resolv_conf(struct sk_arena *arena, const struct sk_net_policy *policy,
                                    const struct sk_network_place *place)
{
    char resolver[SK_IP_TEXT_MAX];

    if (place->is_closed || policy->dns == SK_NET_DNS_NONE)
        return "# This sandbox may ask for no names.\n";
    sk_ip_print(&place->resolver, resolver);
    return sk_arena_printf(arena, "nameserver %s\noptions timeout:3 attempts:2\n", resolver);
}

/* A name of its own is what programs expect to find, also without a network. */
static const char *make_hosts(struct sk_arena *arena, const char *id, const struct sk_network_place *place)
{
    char ipv4[SK_IP_TEXT_MAX] = "127.0.1.1", ipv6[SK_IP_TEXT_MAX] = "";

    if (!place->is_closed)
        sk_ip_print(&place->ipv4, ipv4);
    if (!place->is_closed && place->has_ipv6)
        sk_ip_print(&place->ipv6, ipv6);
    return sk_arena_printf(arena,
                           "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s\t%s\n"
                           "%s%s%s%s",
                           ipv4, id, ipv6, ipv6[0] ? "\t" : "", ipv6[0] ? id : "", ipv6[0] ? "\n" : "");
}

static size_t add(struct sk_mounted_file *file, const char *path, const char *text)
{
    *file = (struct sk_mounted_file){path, (const uint8_t *)text, strlen(text)};
    return 1;
}

size_t sk_etc_files_make(struct sk_arena *arena, const struct sk_spec *spec, const char *id,
                         const struct sk_network_place *place, struct sk_mounted_file out[SK_ETC_FILES])
{
    size_t count = 0;

    if (!is_the_users(spec, RESOLV_CONF))
        count += add(&out[count], RESOLV_CONF, make_resolv_conf(arena, spec->network, place));
    if (!is_the_users(spec, HOSTS))
        count += add(&out[count], HOSTS, make_hosts(arena, id, place));
    return count;
}
