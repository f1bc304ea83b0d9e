#include "api/marks.h"

#include <stdlib.h>
#include <string.h>

static const char *annotation(const SK_PB(Sandbox) * sandbox, const char *key)
{
    const SK_PB(SandboxSpec) *spec = sandbox->spec;
    for (size_t i = 0; spec && i < spec->n_annotations; i++) {
        if (strcmp(spec->annotations[i]->key, key) == 0)
            return spec->annotations[i]->value;
    }
    return NULL;
}

/* --- the session ------------------------------------------------------------- */

static const char *named_by_tags(const SK_PB(Sandbox) * sandbox, const char *known,
                                 const struct sk_path *path, struct sk_check *check)
{
    const SK_PB(SandboxSpec) *spec = sandbox->spec;
    size_t prefix = strlen(SK_MARK_SESSION_TAG);
    for (size_t i = 0; spec && i < spec->n_tags; i++) {
        if (strncmp(spec->tags[i], SK_MARK_SESSION_TAG, prefix) != 0)
            continue;
        const char *id = spec->tags[i] + prefix;
        if (!id[0])
            sk_check_violated(check, SK_ITEM(path, "tags", i), "names no session");
        else if (known[0] && strcmp(id, known) != 0)
            sk_check_violated(check, SK_ITEM(path, "tags", i), "names another session than \"%.64s\"", known);
        else
            known = id;
    }
    return known;
}

const char *sk_marks_session(const SK_PB(Sandbox) * sandbox, const struct sk_path *top,
                             struct sk_check *check)
{
    const struct sk_path *path = SK_FIELD(top, "spec");
    const char *id = annotation(sandbox, SK_MARK_SESSION);
    if (id && !id[0])
        sk_check_violated(check, SK_FIELD(path, "annotations"), SK_MARK_SESSION " names no session");
    return named_by_tags(sandbox, id ? id : "", path, check);
}

void sk_marks_set_session(SK_PB(Sandbox) * sandbox, const char *session_id, struct sk_arena *arena)
{
    SK_PB(SandboxSpec) *spec = sandbox->spec;
    if (annotation(sandbox, SK_MARK_SESSION))
        return;
    SK_PB(SandboxSpec__AnnotationsEntry) *entry = SK_PB_NEW(arena, sandbox_spec__annotations_entry);
    SK_PB(SandboxSpec__AnnotationsEntry) **grown =
        sk_arena_alloc(arena, (spec->n_annotations + 1) * sizeof(grown[0]));
    entry->key = SK_MARK_SESSION;
    entry->value = sk_arena_strdup(arena, session_id);
    for (size_t i = 0; i < spec->n_annotations; i++)
        grown[i] = spec->annotations[i];
    grown[spec->n_annotations++] = entry;
    spec->annotations = grown;
}

/* --- the rest ---------------------------------------------------------------- */

static bool starts_on_first_use(const SK_PB(Sandbox) * sandbox, const struct sk_path *spec,
                                struct sk_check *check)
{
    const char *start = annotation(sandbox, SK_MARK_START);
    if (!start || strcmp(start, "now") == 0)
        return false;
    if (strcmp(start, "on-first-use") != 0)
        sk_check_violated(check, SK_FIELD(spec, "annotations"), SK_MARK_START " must be now or on-first-use");
    return true;
}

static int32_t idle_timeout(const SK_PB(Sandbox) * sandbox, const struct sk_path *spec,
                            struct sk_check *check)
{
    const char *text = annotation(sandbox, SK_MARK_IDLE_TIMEOUT);
    if (!text)
        return -1;
    size_t digits = strspn(text, "0123456789");
    long seconds = digits && digits < 10 && !text[digits] ? strtol(text, NULL, 10) : -1;
    if (seconds < 0 || seconds > SK_LIFETIME_MAX) {
        sk_check_violated(check, SK_FIELD(spec, "annotations"),
                          SK_MARK_IDLE_TIMEOUT " must be a number between 0 and %d", SK_LIFETIME_MAX);
        return -1;
    }
    return (int32_t)seconds;
}

struct sk_marks sk_marks_read(const SK_PB(Sandbox) * sandbox, const struct sk_path *top,
                              struct sk_check *check)
{
    const struct sk_path *spec = SK_FIELD(top, "spec");
    return (struct sk_marks){
        .start_on_first_use = starts_on_first_use(sandbox, spec, check),
        .idle_timeout_seconds = idle_timeout(sandbox, spec, check),
    };
}
