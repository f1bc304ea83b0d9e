/* session_faults.c: a fault of a merged sandbox, in the words of who is at fault. */
#include "api/session_merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a session's default lands in a sandbox. */
static const struct place {
    const char *path; /* below the sandbox */
    const char *name; /* below the defaults */
    enum sk_session_part part;
} places[] = {
    {"spec.containers[0].image", "container_image", SK_PART_IMAGE},
    {"spec.containers[0].command", "command", SK_PART_COMMAND},
    {"spec.containers[0].args", "args", SK_PART_ARGS},
    {"spec.containers[0].environment_variables", "environment_variables", SK_PART_ENVIRONMENT},
    {"spec.containers[0].resource_requirements", "resources", SK_PART_RESOURCES},
    {"spec.containers[0].volume_mounts", "volume_mounts", SK_PART_VOLUME_MOUNTS},
    {"spec.containers[0].secret_stores", "secret_stores", SK_PART_SECRET_STORES},
    {"spec.containers[0].files", "files", SK_PART_FILES},
    {"spec.containers[0].working_dir", "working_dir", SK_PART_WORKING_DIR},
    {"spec.containers[0].security_context", "security_context", SK_PART_SECURITY_CONTEXT},
    {"spec.tags", "tags", SK_PART_TAGS},
    {"spec.annotations", "annotations", SK_PART_ANNOTATIONS},
    {"spec.network", "network", SK_PART_NETWORK},
    {"spec.services", "services", SK_PART_SERVICES},
    {"spec.volumes", "volumes", SK_PART_VOLUMES},
    {"spec.max_lifetime_seconds", "max_lifetime_seconds", SK_PART_MAX_LIFETIME},
};

/* What follows `head` in `path`, or NULL. */
static const char *below(const char *path, const char *head)
{
    size_t len = strlen(head);
    bool ends = strncmp(path, head, len) == 0 && (!path[len] || path[len] == '.' || path[len] == '[');
    return ends ? path + len : NULL;
}

/* Tags are numbered as their giver numbers them. */
static const char *tag_name(struct sk_arena *arena, const char *top, size_t number, size_t sessions)
{
    if (number < sessions)
        return sk_arena_printf(arena, "defaults.tags[%zu]", number);
    return sk_arena_printf(arena, "%s.spec.tags[%zu]", top, number - sessions);
}

/* The field by its giver's name; NULL: it stays as it is. */
static const char *renamed(struct sk_arena *arena, const char *field, const char *top,
                           const struct sk_merged *merged)
{
    const char *rest = below(field, top);
    if (!rest || *rest != '.')
        return NULL;
    const char *tag = below(rest + 1, "spec.tags");
    if (tag && *tag == '[')
        return tag_name(arena, top, strtoul(tag + 1, NULL, 10), merged->tags);
    for (size_t i = 0; i < sk_array_len(places); i++) {
        const char *end = below(rest + 1, places[i].path);
        if (end && (merged->parts & places[i].part))
            return sk_arena_printf(arena, "defaults.%s%s", places[i].name, end);
    }
    return NULL;
}

static void rename_refusal(struct sk_check *check, const char *top, const struct sk_merged *merged)
{
    struct sk_err old = check->refusal;
    const char *name = old.code ? renamed(check->arena, old.field, top, merged) : NULL;
    const char *sentence = strstr(old.text, ": ");
    if (!name || !sentence)
        return;
    (void)sk_fail(&check->refusal, old.code, "%s%s", name, sentence);
    check->refusal.reason = old.reason;
    (void)snprintf(check->refusal.field, sizeof(check->refusal.field), "%s", name);
}

void sk_session_rename_faults(struct sk_check *check, const char *top, const struct sk_merged *merged)
{
    size_t kept = check->count < SK_VIOLATIONS_MAX ? check->count : SK_VIOLATIONS_MAX;
    for (size_t i = 0; i < kept; i++) {
        const char *name = renamed(check->arena, check->violations[i].field, top, merged);
        if (name)
            check->violations[i].field = name;
    }
    rename_refusal(check, top, merged);
}
