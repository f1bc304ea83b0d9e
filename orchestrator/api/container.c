#include "api/container.h"
#include "api/container_image.h"
#include "api/file_mounts.h"
#include "api/resources.h"
#include "base/capability.h"

#include <string.h>

#define NAME_LEN_MAX 128
#define PATH_LEN_MAX 4095
#define CAPS_MAX     100

#define VARIABLE SK_PB(Container__EnvironmentVariablesEntry)

static int by_variable(const void *a, const void *b)
{
    return strcmp((*(VARIABLE *const *)a)->key, (*(VARIABLE *const *)b)->key);
}

void sk_container_sort(SK_PB(Container) * container)
{
    if (container->n_environment_variables)
        qsort(container->environment_variables, container->n_environment_variables, sizeof(VARIABLE *),
              by_variable);
}

static void check_unimplemented(const SK_PB(Container) * in, const struct sk_path *path,
                                struct sk_check *check)
{
    sk_check_unimplemented(check, path, "volume_mounts", in->n_volume_mounts > 0);
    sk_check_unimplemented(check, path, "startup_probe", in->startup_probe);
    if (in->n_secret_stores)
        sk_check_refused(check, SK_FIELD(path, "secret_stores"), SK_FAILED_PRECONDITION,
                         "SECRET_STORE_NOT_PROVISIONED", "there is no such store here");
}

/* The node's come first: of two of a name the later one counts (core/defaults.h). */
static void decode_env(const SK_PB(Container) * in, const struct sk_path *path,
                       const struct sk_env_list *of_node, struct sk_arena *arena, struct sk_spec *out,
                       struct sk_check *check)
{
    const struct sk_path *at = SK_FIELD(path, "environment_variables");
    size_t first = of_node->len;
    out->env = sk_arena_alloc(arena, (first + in->n_environment_variables + 1) * sizeof(out->env[0]));
    out->env_count = first + in->n_environment_variables;
    for (size_t i = 0; i < first; i++)
        out->env[i] = (struct sk_env){.name = sk_arena_strdup(arena, of_node->items[i].name),
                                      .value = sk_arena_strdup(arena, of_node->items[i].value)};
    for (size_t i = 0; i < in->n_environment_variables; i++) {
        const VARIABLE *item = in->environment_variables[i];
        (void)sk_check_env_name(check, at, item->key);
        if (i && strcmp(in->environment_variables[i - 1]->key, item->key) == 0)
            sk_check_violated(check, at, "\"%.64s\" is given twice", item->key);
        out->env[first + i] = (struct sk_env){.name = sk_arena_strdup(arena, item->key),
                                              .value = sk_arena_strdup(arena, item->value)};
    }
}

static void decode_user(const SK_PB(SecurityContext) * in, const struct sk_path *path, struct sk_arena *arena,
                        struct sk_spec *out, struct sk_check *check)
{
    /* The highest number means "no user" to the kernel. */
    if (in->_run_as_user_case && in->run_as_user == UINT32_MAX)
        sk_check_violated(check, SK_FIELD(path, "run_as_user"), "is not a user id");
    if (in->_run_as_group_case && in->run_as_group == UINT32_MAX)
        sk_check_violated(check, SK_FIELD(path, "run_as_group"), "is not a group id");
    if (in->_run_as_group_case && !in->_run_as_user_case)
        sk_check_violated(check, SK_FIELD(path, "run_as_group"), "needs run_as_user beside it");
    if (in->_run_as_user_case && in->_run_as_group_case)
        out->user = sk_arena_printf(arena, "%u:%u", in->run_as_user, in->run_as_group);
    else if (in->_run_as_user_case)
        out->user = sk_arena_printf(arena, "%u", in->run_as_user);
}

static void decode_capabilities(const SK_PB(SecurityContext) * in, const struct sk_path *path,
                                struct sk_arena *arena, struct sk_spec *out, struct sk_check *check)
{
    if (in->n_capabilities_add)
        sk_check_violated(check, SK_FIELD(path, "capabilities_add"), "must be empty: none can be added");
    if (!sk_check_count(check, SK_FIELD(path, "capabilities_drop"), in->n_capabilities_drop, CAPS_MAX))
        return;
    const char **before = out->drop_capabilities; /* the node's */
    size_t had = sk_strings_count(before);
    const char **all_names = sk_arena_alloc(arena, (had + in->n_capabilities_drop + 1) * sizeof(before[0]));
    const char **names = all_names + had;
    bool all = false;
    memcpy(all_names, before, had * sizeof(before[0]));
    for (size_t i = 0; i < in->n_capabilities_drop; i++) {
        const char *asked = in->capabilities_drop[i];
        bool is_all = strcmp(asked, "ALL") == 0 || strcmp(asked, "all") == 0;
        names[i] = is_all ? "ALL" : sk_capability_find(asked);
        all |= is_all;
        if (!names[i])
            sk_check_violated(check, SK_ITEM(path, "capabilities_drop", i), "names no capability");
    }
    out->drop_capabilities = all ? sk_strings_copy(arena, sk_capabilities) : all_names;
}

static void decode_security(const SK_PB(SecurityContext) * in, const struct sk_path *path,
                            struct sk_arena *arena, struct sk_spec *out, struct sk_check *check)
{
    if (in->_privileged_case && in->privileged)
        sk_check_violated(check, SK_FIELD(path, "privileged"), "must not be set");
    if (in->_allow_privilege_escalation_case && in->allow_privilege_escalation)
        sk_check_violated(check, SK_FIELD(path, "allow_privilege_escalation"), "must not be set");
    if (in->seccomp_profile[0] && strcmp(in->seccomp_profile, "RuntimeDefault") != 0)
        sk_check_violated(check, SK_FIELD(path, "seccomp_profile"), "must be empty or RuntimeDefault");
    if (in->_read_only_root_filesystem_case)
        out->read_only_root = in->read_only_root_filesystem;
    decode_user(in, path, arena, out, check);
    decode_capabilities(in, path, arena, out, check);
}

static void check_texts(const SK_PB(Container) * in, const struct sk_path *path, struct sk_check *check)
{
    (void)sk_check_length(check, SK_FIELD(path, "name"), in->name, NAME_LEN_MAX);
    const struct sk_path *dir = SK_FIELD(path, "working_dir");
    if (sk_check_length(check, dir, in->working_dir, PATH_LEN_MAX) && in->working_dir[0] &&
        in->working_dir[0] != '/')
        sk_check_violated(check, dir, "must be an absolute path");
    if (in->_primary_case && !in->primary)
        sk_check_violated(check, SK_FIELD(path, "primary"), "the only container is the primary one");
}

/* What a creator who says nothing of it gets, and what none is asked about. */
static void take_node_security(const struct sk_box_config *box, struct sk_arena *arena, struct sk_spec *out)
{
    const char *const *drop = box->drop_capabilities;
    const char **names = sk_arena_alloc(arena, (sk_strings_count(drop) + 1) * sizeof(names[0]));
    bool all = false;
    for (size_t i = 0; drop && drop[i]; i++) {
        all |= strcmp(drop[i], "ALL") == 0;
        names[i] = all ? "ALL" : sk_capability_find(drop[i]);
    }
    out->drop_capabilities = all ? sk_strings_copy(arena, sk_capabilities) : names;
    out->user = box->user ? sk_arena_strdup(arena, box->user) : "";
    out->read_only_root = box->read_only_root;
}

static void take_node_command(const struct sk_box_config *box, struct sk_arena *arena, struct sk_spec *out)
{
    const char *const *command = box->command;
    if (!command || !command[0])
        return;
    out->command = sk_strings_copy(arena, (const char *const[]){command[0], NULL});
    out->args = sk_strings_copy(arena, command + 1);
}

void sk_container_decode(const SK_PB(Container) * container, const struct sk_path *path,
                         const struct sk_node_config *node, const char *tenant, struct sk_arena *arena,
                         struct sk_spec *out_spec, struct sk_check *check)
{
    check_texts(container, path, check);
    sk_container_image_decode(container, path, node, tenant, arena, out_spec, check);
    out_spec->working_dir = sk_arena_strdup(arena, container->working_dir);
    take_node_security(&node->box, arena, out_spec);
    if (!container->command[0] && !container->n_args)
        take_node_command(&node->box, arena, out_spec);
    if (container->command[0])
        out_spec->command = sk_pb_strings(arena, &container->command, 1);
    if (container->n_args)
        out_spec->args = sk_pb_strings(arena, container->args, container->n_args);
    decode_env(container, path, &node->box.env, arena, out_spec, check);
    if (container->security_context)
        decode_security(container->security_context, SK_FIELD(path, "security_context"), arena, out_spec,
                        check);
    sk_file_mounts_decode(container, path, sk_bound(node->box.max_files, SK_FILE_MOUNTS_MAX), arena, out_spec,
                          check);
    sk_resources_decode(container, path, node, arena, out_spec, check);
    check_unimplemented(container, path, check);
}
