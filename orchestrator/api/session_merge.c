#include "api/session_merge.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* An entry of a map of texts, as every one of them is generated. */
struct entry {
    ProtobufCMessage base;
    char *key, *value;
};
#define IS_ENTRY(type)                                                                                       \
    _Static_assert(offsetof(type, key) == offsetof(struct entry, key) &&                                     \
                       offsetof(type, value) == offsetof(struct entry, value) &&                             \
                       sizeof(type) == sizeof(struct entry),                                                 \
                   "a map of texts")
IS_ENTRY(SK_PB(SandboxSpec__AnnotationsEntry));
IS_ENTRY(SK_PB(Container__EnvironmentVariablesEntry));
IS_ENTRY(SK_OWN_PB(SandboxDefaults__AnnotationsEntry));
IS_ENTRY(SK_OWN_PB(SandboxDefaults__EnvironmentVariablesEntry));

struct entries {
    struct entry **items;
    size_t count;
};
#define ENTRIES(list, n) ((struct entries){(struct entry **)(void *)(list), (n)})

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct entry *const *)a)->key, (*(struct entry *const *)b)->key);
}

static void sort(struct entries entries)
{
    if (entries.count)
        qsort(entries.items, entries.count, sizeof(entries.items[0]), by_key);
}

void sk_session_defaults_sort(SK_OWN_PB(SandboxDefaults) * defaults)
{
    sort(ENTRIES(defaults->environment_variables, defaults->n_environment_variables));
    sort(ENTRIES(defaults->annotations, defaults->n_annotations));
}

static struct entry *copy_of(const struct entry *entry, const ProtobufCMessageDescriptor *type,
                             struct sk_arena *arena)
{
    struct entry *copy = sk_pb_new(arena, type);
    copy->key = entry->key;
    copy->value = entry->value;
    return copy;
}

/* Both are sorted, and there may be very many of them. */
static struct entries joined(struct entries own, struct entries under, const ProtobufCMessageDescriptor *type,
                             struct sk_arena *arena)
{
    struct entries out = {sk_arena_alloc(arena, (own.count + under.count + 1) * sizeof(void *)), 0};
    size_t at = 0;
    for (size_t i = 0; i < under.count; i++) {
        const char *key = under.items[i]->key;
        while (at < own.count && strcmp(own.items[at]->key, key) < 0)
            out.items[out.count++] = own.items[at++];
        if (at == own.count || strcmp(own.items[at]->key, key) != 0)
            out.items[out.count++] = copy_of(under.items[i], type, arena);
    }
    while (at < own.count)
        out.items[out.count++] = own.items[at++];
    return out;
}

static char **joined_texts(struct sk_arena *arena, char *const *first, size_t first_count,
                           char *const *second, size_t second_count)
{
    char **out = sk_arena_alloc(arena, (first_count + second_count + 1) * sizeof(out[0]));
    for (size_t i = 0; i < first_count; i++)
        out[i] = first[i];
    for (size_t i = 0; i < second_count; i++)
        out[first_count + i] = second[i];
    return out;
}

/* Takes a repeated field as a whole when there is none. */
#define TAKE_LIST(to, to_field, from, from_field, part, merged)                                              \
    do {                                                                                                     \
        if (!(to)->n_##to_field && (from)->n_##from_field) {                                                 \
            (to)->to_field = (from)->from_field;                                                             \
            (to)->n_##to_field = (from)->n_##from_field;                                                     \
            (merged)->parts |= (part);                                                                       \
        }                                                                                                    \
    } while (0)

/* The session's arguments belong to its command. */
static void merge_command(const SK_OWN_PB(SandboxDefaults) * defaults, SK_PB(Container) * main,
                          struct sk_arena *arena, struct sk_merged *merged)
{
    if (main->command[0])
        return;
    if (!main->n_args && (defaults->n_args || defaults->n_command > 1)) {
        size_t more = defaults->n_command ? defaults->n_command - 1 : 0;
        main->args =
            joined_texts(arena, defaults->command + (more ? 1 : 0), more, defaults->args, defaults->n_args);
        main->n_args = more + defaults->n_args;
        merged->parts |= SK_PART_ARGS;
    } else if (main->n_args && defaults->n_command > 1) {
        size_t more = defaults->n_command - 1;
        main->args = joined_texts(arena, defaults->command + 1, more, main->args, main->n_args);
        main->n_args += more;
    }
    if (defaults->n_command) {
        main->command = defaults->command[0];
        merged->parts |= SK_PART_COMMAND;
    }
}

static void merge_environment(const SK_OWN_PB(SandboxDefaults) * defaults, SK_PB(Container) * main,
                              struct sk_arena *arena)
{
    struct entries all =
        joined(ENTRIES(main->environment_variables, main->n_environment_variables),
               ENTRIES(defaults->environment_variables, defaults->n_environment_variables),
               &coreweave__sandbox__v1__container__environment_variables_entry__descriptor, arena);
    main->environment_variables = (void *)all.items;
    main->n_environment_variables = all.count;
}

static void merge_container(const SK_OWN_PB(SandboxDefaults) * defaults, SK_PB(Container) * main,
                            struct sk_arena *arena, struct sk_merged *merged)
{
    if (!main->image[0] && defaults->container_image[0]) {
        main->image = defaults->container_image;
        merged->parts |= SK_PART_IMAGE;
    }
    if (!main->working_dir[0] && defaults->working_dir[0]) {
        main->working_dir = defaults->working_dir;
        merged->parts |= SK_PART_WORKING_DIR;
    }
    if (!main->resources && !main->resource_requirements && defaults->resources) {
        main->resource_requirements = defaults->resources;
        merged->parts |= SK_PART_RESOURCES;
    }
    if (!main->security_context && defaults->security_context) {
        main->security_context = defaults->security_context;
        merged->parts |= SK_PART_SECURITY_CONTEXT;
    }
    merge_command(defaults, main, arena, merged);
    merge_environment(defaults, main, arena);
    TAKE_LIST(main, files, defaults, files, SK_PART_FILES, merged);
    TAKE_LIST(main, volume_mounts, defaults, volume_mounts, SK_PART_VOLUME_MOUNTS, merged);
    TAKE_LIST(main, secret_stores, defaults, secret_stores, SK_PART_SECRET_STORES, merged);
}

static void merge_spec(const SK_OWN_PB(SandboxDefaults) * defaults, SK_PB(SandboxSpec) * spec,
                       struct sk_arena *arena, struct sk_merged *merged)
{
    struct entries all = joined(ENTRIES(spec->annotations, spec->n_annotations),
                                ENTRIES(defaults->annotations, defaults->n_annotations),
                                &coreweave__sandbox__v1__sandbox_spec__annotations_entry__descriptor, arena);
    spec->annotations = (void *)all.items;
    spec->n_annotations = all.count;
    spec->tags = joined_texts(arena, defaults->tags, defaults->n_tags, spec->tags, spec->n_tags);
    spec->n_tags += defaults->n_tags;
    merged->tags = defaults->n_tags;
    if (!spec->network && defaults->network) {
        spec->network = defaults->network;
        merged->parts |= SK_PART_NETWORK;
    }
    if (!spec->max_lifetime_seconds && defaults->max_lifetime_seconds) {
        spec->max_lifetime_seconds = defaults->max_lifetime_seconds;
        merged->parts |= SK_PART_MAX_LIFETIME;
    }
    TAKE_LIST(spec, services, defaults, services, SK_PART_SERVICES, merged);
    TAKE_LIST(spec, volumes, defaults, volumes, SK_PART_VOLUMES, merged);
}

static SK_PB(Container) * main_container(SK_PB(SandboxSpec) * spec, struct sk_arena *arena)
{
    if (!spec->n_containers) {
        SK_PB(Container) *made = SK_PB_NEW(arena, container);
        made->name = "main";
        spec->containers = sk_arena_memdup(arena, &made, sizeof(made));
        spec->n_containers = 1;
    }
    return spec->containers[0];
}

struct sk_merged sk_session_merge(const SK_OWN_PB(SandboxDefaults) * defaults, SK_PB(Sandbox) * sandbox,
                                  struct sk_arena *arena)
{
    struct sk_merged merged = {0};
    if (!sandbox->spec)
        sandbox->spec = SK_PB_NEW(arena, sandbox_spec);
    merge_container(defaults, main_container(sandbox->spec, arena), arena, &merged);
    merge_spec(defaults, sandbox->spec, arena, &merged);
    return merged;
}
