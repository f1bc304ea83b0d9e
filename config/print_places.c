/* print_places.c: what a purge of the package has to clean (config.h). */
#include "config/config.h"

#include <string.h>

/* None means anything to a shell. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@+-"

static enum sk_code print_text(struct sk_buf *out, const char *name, const char *value)
{
    if (strspn(value, PLAIN) != strlen(value))
        return SK_INVALID_ARGUMENT;
    return sk_buf_printf(out, "%s=%s\n", name, value);
}

/* The node's own address is the first after the pool's name. */
static enum sk_code print_gateway(struct sk_buf *out, const char *name, const struct sk_cidr *pool)
{
    char text[SK_IP_TEXT_MAX];
    struct sk_ip gateway;

    if (!pool->prefix || !sk_cidr_nth(pool, 1, &gateway))
        return SK_OK;
    sk_ip_print(&gateway, text);
    return sk_buf_printf(out, "%s=%s\n", name, text);
}

enum sk_code sk_config_print_places(const struct sk_config *c, struct sk_buf *out)
{
    const struct {
        const char *name, *value;
    } texts[] = {
        {"containerd_socket", c->containerd_socket},
        {"containerd_namespace", c->containerd_namespace},
        {"snapshotter", c->snapshotter},
        {"state_dir", c->state_dir},
        {"run_dir", c->run_dir},
        {"cgroup_parent", c->cgroup_parent},
        {"network_name", c->network_name},
    };
    enum sk_code code = SK_OK;

    for (size_t i = 0; code == SK_OK && i < sk_array_len(texts); i++)
        code = print_text(out, texts[i].name, texts[i].value);
    if (code == SK_OK)
        code = print_gateway(out, "gateway4", &c->network_ipv4_pool);
    return code == SK_OK ? print_gateway(out, "gateway6", &c->network_ipv6_pool) : code;
}
