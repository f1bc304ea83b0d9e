/* names.h (fake): names in memory: tests ask as sandboxes would, and see what
 * they would be told. What a name stands for is said beforehand; any other
 * name stands for 1.2.3.4, for a minute. */
#ifndef SK_FAKE_NAMES_H
#define SK_FAKE_NAMES_H

#include "drivers/names.h"

struct sk_fake_names;

/* Heap; one owner. */
struct sk_fake_names *sk_fake_names_new(struct sk_loop *loop);
/* NULL is fine. No grant may be under way. */
void sk_fake_names_free(struct sk_fake_names *fake);
struct sk_names *sk_fake_names_base(struct sk_fake_names *fake);

/* From now on; copied. count 0: it stands for nothing. */
void sk_fake_names_say(struct sk_fake_names *fake, const char *name,
                       const struct sk_network_grant *stands_for, size_t count);

/* One question. */
struct sk_fake_asked {
    enum sk_name_leave leave; /* IGNORED too when nobody listens */
    bool is_over;             /* what follows is final */
    struct sk_err err;        /* of the grant; SK_OK: answered, if leave says so */
    const struct sk_network_grant *told;
    size_t told_count;
};

/* May be over at once. The fake's, as long as it lives. */
const struct sk_fake_asked *sk_fake_names_ask(struct sk_fake_names *fake, const struct sk_ip *asker,
                                              const char *name);
/* As the driver complains of questions; to whoever listens, at once. */
void sk_fake_names_deny(struct sk_fake_names *fake, const struct sk_ip *asker, const char *name,
                        const char *why);

#endif
