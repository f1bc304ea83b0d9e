#include "drivers/dns/screen.h"

#include "net/special.h"

#include <string.h>

static enum sk_code add(struct sk_dns_screen *screen, const char *text, struct sk_err *err)
{
    char name[SK_DOMAIN_MAX];
    bool below = strncmp(text, "*.", 2) == 0;
    enum sk_code code = sk_domain_normalise(text + (below ? 2 : 0), name, err);
    if (code == SK_OK)
        screen->names[screen->count++] = sk_arena_printf(&screen->arena, "%s%s", below ? "*." : "", name);
    return code;
}

enum sk_code sk_dns_screen_init(struct sk_dns_screen *screen, const char *const *names, size_t count,
                                struct sk_err *err)
{
    enum sk_code code = SK_OK;
    screen->names = sk_arena_alloc(&screen->arena, (count + 1) * sizeof(*screen->names));
    for (size_t i = 0; i < count && code == SK_OK; i++)
        code = add(screen, names[i], err);
    if (code != SK_OK)
        sk_dns_screen_fini(screen);
    return code;
}

void sk_dns_screen_fini(struct sk_dns_screen *screen)
{
    sk_arena_fini(&screen->arena);
    *screen = (struct sk_dns_screen){0};
}

static bool matches(const char *pattern, const char *name)
{
    size_t len = strlen(name), tail = strlen(pattern + 1);
    if (*pattern != '*')
        return strcmp(pattern, name) == 0;
    return len > tail && strcmp(name + len - tail, pattern + 1) == 0;
}

bool sk_dns_screen_is_internal(const struct sk_dns_screen *screen, const char *name)
{
    for (size_t i = 0; i < screen->count; i++) {
        if (matches(screen->names[i], name))
            return true;
    }
    return false;
}

static bool may_be_told(const struct sk_ip *ip, bool is_internal)
{
    enum sk_ip_kind kind = sk_ip_kind_of(ip);
    return kind == SK_IP_GLOBAL || (is_internal && !sk_ip_kind_is_closed(kind));
}

size_t sk_dns_screen_sift(const struct sk_dns_screen *screen, const char *name, struct sk_dns_answer *answer)
{
    bool is_internal = sk_dns_screen_is_internal(screen, name);
    size_t kept = 0, count = answer->address_count;
    for (size_t i = 0; i < count; i++) {
        if (may_be_told(&answer->addresses[i].ip, is_internal))
            answer->addresses[kept++] = answer->addresses[i];
    }
    answer->address_count = kept;
    return count - kept;
}
