/* screen.h: which addresses may be told: a public name that stands for an
 * internal address is a trick (DNS rebinding), unless the config says that
 * such names are ours. Pure. */
#ifndef SK_DNS_SCREEN_H
#define SK_DNS_SCREEN_H

#include "base/arena.h"
#include "net/dns_message.h"

/* Zeroed: no name is internal. */
struct sk_dns_screen {
    struct sk_arena arena;
    const char **names; /* normalised; "*." in front: whatever lies below */
    size_t count;
};

/* Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_dns_screen_init(struct sk_dns_screen *screen, const char *const *names,
                                              size_t count, struct sk_err *err);
void sk_dns_screen_fini(struct sk_dns_screen *screen);

/* Whether that normalised name may stand for internal addresses. */
bool sk_dns_screen_is_internal(const struct sk_dns_screen *screen, const char *name);
/* Takes out what must not be told; how many there were. */
size_t sk_dns_screen_sift(const struct sk_dns_screen *screen, const char *name, struct sk_dns_answer *answer);

#endif
