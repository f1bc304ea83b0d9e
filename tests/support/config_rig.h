/* config_rig.h: configurations of one line, "test.json", and what is said of their faults. */
#ifndef SK_TESTS_CONFIG_RIG_H
#define SK_TESTS_CONFIG_RIG_H

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* False: the faults, which are to be fini'd in any case, say why. */
static inline bool parse(struct sk_config *config, struct sk_faults *faults, const char *text)
{
    sk_faults_init(faults, "test.json");
    return sk_config_parse(config, text, strlen(text), faults);
}

struct fault {
    const char *text; /* of the configuration */
    const char *line; /* all that is said of it */
};

static inline void assert_refused(const struct fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sk_config config = {0};
        struct sk_faults said;
        if (parse(&config, &said, faults[i].text))
            fail_msg("%s was accepted", faults[i].text);
        assert_string_equal((const char *)said.text.data, faults[i].line);
        sk_config_fini(&config);
        sk_faults_fini(&said);
    }
}

#endif
