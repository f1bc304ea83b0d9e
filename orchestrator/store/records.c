#include "store/records.h"

#include "base/utf8.h"

#include <string.h>

#define REASON_MAX 512

/* U+FFFD, which stands where bytes were not text. */
static const char replacement[] = "\xef\xbf\xbd";

static void spec_init(struct sk_spec *spec, struct sk_arena *arena)
{
    spec->image = spec->working_dir = spec->user = spec->gpu_type = "";
    spec->devices = sk_strings_copy(arena, NULL);
    spec->login = (struct sk_login_source){"", "", "", ""};
    spec->tags = sk_strings_copy(arena, NULL);
    spec->drop_capabilities = sk_strings_copy(arena, NULL);
}

struct sk_record *sk_record_new(const char *id)
{
    struct sk_record *record = sk_alloc(sizeof(*record));

    record->id = sk_arena_strdup(&record->arena, id);
    record->tenant = SK_TENANT_DEFAULT;
    record->owner = record->request_id = record->template_id = record->session_id = "";
    record->state = SK_STATE_PENDING;
    record->state_reason = record->boot_id = "";
    spec_init(&record->spec, &record->arena);
    record->process.argv = sk_strings_copy(&record->arena, NULL);
    record->process.env = sk_strings_copy(&record->arena, NULL);
    record->process.working_dir = record->process.user = "";
    return record;
}

void sk_record_free(struct sk_record *record)
{
    if (!record)
        return;
    sk_arena_fini(&record->spec.contents);
    sk_arena_fini(&record->spec.changed);
    sk_arena_fini(&record->arena);
    free(record);
}

void sk_record_forget_contents(struct sk_record *record)
{
    struct sk_spec *spec = &record->spec;

    for (size_t i = 0; i < spec->file_count; i++) {
        spec->files[i].content = NULL;
        spec->files[i].len = 0;
    }
    sk_arena_fini(&spec->contents);
}

void sk_record_set_network(struct sk_record *record, const struct sk_net_policy *policy, const uint8_t *echo,
                           size_t echo_len)
{
    struct sk_spec *spec = &record->spec;
    struct sk_arena arena = {0};

    spec->network = sk_net_policy_copy(&arena, policy);
    spec->echo = sk_arena_memdup(&arena, echo, echo_len);
    spec->echo_len = echo_len;
    sk_arena_fini(&spec->changed);
    spec->changed = arena;
}

const char *sk_reason_clean(struct sk_arena *arena, const char *reason)
{
    char clean[REASON_MAX + 1];
    size_t used = 0, left = strlen(reason);

    while (left) {
        size_t step = sk_utf8_next(reason, left);
        const char *from = step ? reason : replacement;
        size_t len = step ? step : sizeof(replacement) - 1;
        if (used + len > REASON_MAX)
            break;
        memcpy(clean + used, from, len);
        used += len;
        reason += step ? step : 1;
        left -= step ? step : 1;
    }
    return sk_arena_strndup(arena, clean, used);
}

void sk_record_set_reason(struct sk_record *record, const char *reason)
{
    record->state_reason = sk_reason_clean(&record->arena, reason);
}
