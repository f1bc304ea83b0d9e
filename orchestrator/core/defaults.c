#include "core/defaults.h"

#include <string.h>

static bool is_given(const char *const *list)
{
    return list && list[0];
}

/* Appends copies at out[*len]; returns where the next one goes. */
static size_t append(struct sk_arena *arena, const char **out, size_t len, const char *const *list)
{
    for (const char *const *at = list; *at; at++)
        out[len++] = sk_arena_strdup(arena, *at);
    return len;
}

static const char **resolve_argv(struct sk_arena *arena, const struct sk_spec *spec,
                                 const struct sk_image *image)
{
    const char *const *command = (const char *const *)spec->command;
    const char *const *args = (const char *const *)spec->args;
    const char *const *head = is_given(command) ? command : (const char *const *)image->entrypoint;
    const char *const *tail = is_given(args) ? args : (const char *const *)image->cmd;
    bool no_tail = is_given(command) && !is_given(args); /* the image's cmd belongs to its entrypoint */
    size_t most = sk_strings_count(head) + sk_strings_count(tail) + 1;
    const char **argv = sk_arena_alloc(arena, most * sizeof(argv[0]));

    size_t len = append(arena, argv, 0, head);
    if (!no_tail)
        (void)append(arena, argv, len, tail);
    return argv;
}

/* Index of the entry with that name, or `count`. */
static size_t find_name(const char **env, size_t count, const char *name, size_t name_len)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(env[i], name, name_len) == 0 && env[i][name_len] == '=')
            return i;
    return count;
}

const char **sk_defaults_env(struct sk_arena *arena, const char *const *base, const struct sk_env *added,
                             size_t added_count)
{
    size_t base_count = sk_strings_count(base), count = 0;
    const char **env = sk_arena_alloc(arena, (base_count + added_count + 1) * sizeof(env[0]));

    for (size_t i = 0; i < base_count; i++) {
        const char *equals = strchr(base[i], '=');
        if (!equals || equals == base[i])
            continue; /* image configs hold such; no program could read them */
        size_t at = find_name(env, count, base[i], (size_t)(equals - base[i]));
        env[at] = sk_arena_strdup(arena, base[i]);
        count += at == count;
    }
    for (size_t i = 0; i < added_count; i++) {
        size_t at = find_name(env, count, added[i].name, strlen(added[i].name));
        env[at] = sk_arena_printf(arena, "%s=%s", added[i].name, added[i].value);
        count += at == count;
    }
    return env;
}

enum sk_code sk_defaults_explain(const char *program, const struct sk_err *err, struct sk_err *out_err)
{
    *out_err = *err;
    if (err->code == SK_NOT_FOUND)
        return sk_fail(out_err, err->code, "command not found: %.100s (%.120s)", program, err->text);
    if (err->code == SK_PERMISSION_DENIED)
        return sk_fail(out_err, err->code, "cannot execute: %.100s (%.120s)", program, err->text);
    return sk_err_wrap(out_err, "cannot start %.100s", program);
}

enum sk_code sk_defaults_resolve(struct sk_record *record, const struct sk_image *image, struct sk_err *err)
{
    struct sk_process_defaults *process = &record->process;
    const struct sk_spec *spec = &record->spec;
    const char **argv = resolve_argv(&record->arena, spec, image);

    if (!argv[0] || !argv[0][0])
        return sk_fail(err, SK_INVALID_ARGUMENT, "neither the request nor image %s says what to run",
                       image->name);
    process->argv = argv;
    process->env =
        sk_defaults_env(&record->arena, (const char *const *)image->env, spec->env, spec->env_count);
    process->working_dir =
        sk_arena_strdup(&record->arena, spec->working_dir[0] ? spec->working_dir : image->working_dir);
    process->user = sk_arena_strdup(&record->arena, spec->user[0] ? spec->user : image->user);
    process->stop_signal = image->stop_signal;
    return SK_OK;
}
