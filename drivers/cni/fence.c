#include "drivers/cni/fence.h"

#include "base/buf.h"
#include "drivers/nftables/reachable.h"
#include "drivers/nftables/table.h"

#define TEXT_MAX ((size_t)1 << 20)

static void put_from(struct sk_buf *out, const struct sk_ip *from)
{
    char text[SK_IP_TEXT_MAX];
    sk_ip_print(from, text);
    (void)!sk_buf_printf(out, "  %s saddr %s ct state new goto fenced\n", from->is_v6 ? "ip6" : "ip", text);
}

enum sk_code sk_cni_fence_raise(const struct sk_cni_fence *fence, struct sk_err *err)
{
    const struct sk_reachable gaps = {fence->gaps, fence->gap_count};
    struct sk_buf out;
    sk_buf_init(&out, TEXT_MAX);
    (void)!sk_buf_printf(&out,
                         "add table inet %s\ndelete table inet %s\ntable inet %s {\n"
                         " chain input {\n  type filter hook input priority -10; policy accept;\n",
                         fence->name, fence->name, fence->name);
    for (size_t i = 0; i < fence->from_count; i++)
        put_from(&out, &fence->from[i]);
    (void)!sk_buf_printf(&out, " }\n chain fenced {\n");
    sk_reachable_write(&gaps, "accept", &out);
    (void)!sk_buf_printf(&out, "  counter drop\n }\n}\n");
    SK_AUTO_FREE char *text = sk_buf_take_text(&out);
    return sk_table_run(text, err);
}

enum sk_code sk_cni_fence_drop(const char *name, struct sk_err *err)
{
    SK_AUTO_FREE char *text = sk_printf("add table inet %s\ndelete table inet %s\n", name, name);
    return sk_table_run(text, err);
}
