#include "config/change.h"

#include "config/json.h"
#include "config/together.h"

#include <assert.h>
#include <string.h>

static bool is_nothing(const char *text)
{
    return !strcmp(text, "\"\"") || !strcmp(text, "[]") || !strcmp(text, "{}");
}

static bool must_wait(const struct sk_key *key, const char *now, const char *next)
{
    return key->when == SK_WHEN_START || (key->when == SK_WHEN_SWAP && is_nothing(now) != is_nothing(next));
}

enum sk_change sk_config_change(const struct sk_config *now, const struct sk_config *next, size_t n)
{
    size_t count;
    const struct sk_key *keys = sk_config_keys(&count);

    if (strcmp(now->texts[n], next->texts[n]) == 0)
        return SK_CHANGE_NONE;
    return must_wait(&keys[n], now->texts[n], next->texts[n]) ? SK_CHANGE_WAITS : SK_CHANGE_TAKEN;
}

/* The old value, but of the new configuration's own: `now` may be a reload's, and go when `next` is in force.
 */
static void hold(struct sk_config *next, const struct sk_config *now, size_t n, struct sk_faults *faults)
{
    size_t count;
    const struct sk_key *key = &sk_config_keys(&count)[n];
    const char *text = sk_arena_strdup(&next->arena, now->texts[n]);
    struct sk_json *value = NULL;
    int line = 0, before = faults->count;
    enum sk_code code = sk_json_parse(&next->arena, text, strlen(text), &value, &line, NULL);

    assert(code == SK_OK); /* it was printed of what had been parsed */
    (void)code;
    sk_kind_take(&next->arena, key, value, (char *)next + key->offset, faults);
    assert(faults->count == before);
    (void)before;
    next->texts[n] = text;
}

bool sk_config_hold(struct sk_config *next, const struct sk_config *now, struct sk_faults *faults)
{
    size_t count;
    int before = faults->count;
    bool held = false;

    (void)sk_config_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (sk_config_change(now, next, i) != SK_CHANGE_WAITS)
            continue;
        hold(next, now, i, faults);
        held = true;
    }
    if (!held)
        return true;
    sk_config_check(next, next->given, faults);
    if (faults->count > before)
        sk_faults_at(faults, (struct sk_origin){NULL, 0}, "",
                     "keys that wait for a restart still have their old values: restart, or change less");
    return faults->count == before;
}
