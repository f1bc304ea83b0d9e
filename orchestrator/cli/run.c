#include "cli/ask.h"
#include "cli/ending.h"
#include "cli/networks.h"
#include "cli/output.h"
#include "cli/process.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include <stdio.h>

#define IMAGE_DEFAULT "python:3.11"

typedef Coreweave__Sandbox__V1__Container container;
typedef Coreweave__Sandbox__V1__Container__EnvironmentVariablesEntry variable;

/* What keeps a sandbox alive, as the published clients have it: ends at once when it is asked to. */
static char *const keep_alive[] = {"-c", "trap \"exit 0\" TERM INT; sleep infinity & wait"};

/* --- what is to be created -------------------------------------------------------- */

static enum sk_code set_env(container *main, const struct sk_words *env, struct sk_arena *arena,
                            struct sk_err *err)
{
    main->environment_variables = sk_arena_alloc(arena, (env->count + 1) * sizeof(variable *));
    for (size_t i = 0; i < env->count; i++) {
        variable *entry = sk_arena_alloc(arena, sizeof(*entry));
        coreweave__sandbox__v1__container__environment_variables_entry__init(entry);
        enum sk_code code = sk_ask_variable(env->items[i], arena, &entry->key, &entry->value, err);
        if (code)
            return code;
        main->environment_variables[main->n_environment_variables++] = entry;
    }
    return SK_OK;
}

/* What it says nothing of is the session's to say. */
static void set_session(Coreweave__Sandbox__V1__SandboxSpec *spec, const struct sk_args *args,
                        struct sk_arena *arena)
{
    const char *inherited = getenv(SK_SESSION_VARIABLE);
    const char *id = args->session ? args->session : inherited;

    if (!id || !*id)
        return;
    Coreweave__Sandbox__V1__SandboxSpec__AnnotationsEntry *entry = sk_arena_alloc(arena, sizeof(*entry));
    coreweave__sandbox__v1__sandbox_spec__annotations_entry__init(entry);
    entry->key = SK_SESSION_ANNOTATION;
    entry->value = (char *)id;
    spec->annotations = sk_arena_memdup(arena, &entry, sizeof(entry));
    spec->n_annotations = 1;
    if (!args->image)
        spec->containers[0]->image = "";
}

static enum sk_code make_spec(const struct sk_args *args, struct sk_arena *arena,
                              Coreweave__Sandbox__V1__SandboxSpec *spec, struct sk_err *err)
{
    container *main = sk_arena_alloc(arena, sizeof(*main));

    coreweave__sandbox__v1__container__init(main);
    main->name = "main";
    main->image = args->image ? (char *)args->image : IMAGE_DEFAULT;
    main->command = "/bin/sh";
    main->args = (char **)keep_alive;
    main->n_args = sk_array_len(keep_alive);
    main->_primary_case = COREWEAVE__SANDBOX__V1__CONTAINER___PRIMARY_PRIMARY;
    main->primary = true;
    main->resource_requirements = sk_ask_resources(args, arena);
    coreweave__sandbox__v1__sandbox_spec__init(spec);
    spec->containers = sk_arena_memdup(arena, &main, sizeof(main));
    spec->n_containers = 1;
    spec->tags = args->tags.items;
    spec->n_tags = args->tags.count;
    spec->max_lifetime_seconds = args->timeout < 0 ? 0 : (int32_t)args->timeout;
    set_session(spec, args, arena);
    enum sk_code code = sk_networks_ask_if_said(args, arena, &spec->network, err);
    return code ? code : set_env(main, &args->env, arena, err);
}

/* --- the run ------------------------------------------------------------------------ */

/* RUNNING, or never to be. */
static bool is_settled(Coreweave__Sandbox__V1__State state)
{
    return state == COREWEAVE__SANDBOX__V1__STATE__STATE_RUNNING || sk_state_is_final(state);
}

static enum sk_code await_running(struct sk_client *client, sk_shown *box, struct sk_fault *fault)
{
    struct sk_arena arena = {0};
    enum sk_code code = SK_OK;

    if (!is_settled(sk_box_state(box)))
        code = sk_boxes_await(client, box->sandbox_id, is_settled, &arena, &box, fault);
    if (!code && sk_state_is_final(sk_box_state(box))) {
        *fault = (struct sk_fault){0};
        code = sk_fail(
            &fault->err, SK_FAILED_PRECONDITION, "sandbox %s: %s", sk_state_name(sk_box_state(box)),
            box->status->state_reason[0] ? box->status->state_reason : "ended before it could be used");
    }
    sk_arena_fini(&arena);
    return code;
}

static int run_command(struct sk_client *client, sk_shown *box, const struct sk_args *args)
{
    struct sk_fault fault = {0};

    if (client->signo)
        return 128 + client->signo;
    if (await_running(client, box, &fault)) {
        if (client->signo)
            return 128 + client->signo;
        sk_fault_print(&fault);
        return SK_EXIT_OWN_FAILURE;
    }
    return sk_process_run(client, box->sandbox_id, args->command.count ? &args->command : &sk_process_shell,
                          sk_process_streams(args));
}

static void put_away(struct sk_client *client, const char *id, bool keep)
{
    struct sk_fault fault = {0};

    if (keep && !client->signo)
        (void)sk_output_say(stderr, "sandkeep: kept %s", id);
    else if (sk_box_end(client, id, 0, true, &fault))
        sk_fault_print(&fault);
}

static int create_and_run(struct sk_client *client, Coreweave__Sandbox__V1__SandboxSpec *spec,
                          const struct sk_args *args)
{
    struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    sk_shown *box = NULL;
    int exit_code = SK_EXIT_OWN_FAILURE;

    if (sk_boxes_create(client, spec, &arena, &box, &fault)) {
        sk_fault_print(&fault);
    } else {
        exit_code = run_command(client, box, args);
        put_away(client, box->sandbox_id, args->keep);
    }
    sk_arena_fini(&arena);
    return exit_code;
}

static int run_run(const struct sk_args *args)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    Coreweave__Sandbox__V1__SandboxSpec spec;
    struct sk_client client;
    struct sk_err err;

    enum sk_code code = args->command.count || args->terminal
                            ? make_spec(args, &arena, &spec, &err)
                            : sk_fail(&err, SK_INVALID_ARGUMENT, "run: no command to run");
    if (code) {
        sk_fault_print_err(&err);
        return 2;
    }
    if (sk_client_open(&client, args->address, &err)) {
        sk_fault_print_err(&err);
        return SK_EXIT_OWN_FAILURE;
    }
    int exit_code = create_and_run(&client, &spec, args);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    SK_OPTION_IMAGE("default " IMAGE_DEFAULT ", or the session's"),
    SK_OPTION_CPU,
    SK_OPTION_MEMORY,
    SK_OPTION_ENV,
    {"egress", 0, SK_OPTION_WORDS, offsetof(struct sk_args, egress), "RULE",
     "it may reach that; rules as of \"sandkeep network set\""},
    {"deny-egress", 0, SK_OPTION_FLAG, offsetof(struct sk_args, deny_egress), NULL, "it reaches nothing"},
    {"tag", 0, SK_OPTION_WORDS, offsetof(struct sk_args, tags), "TAG", "a tag to find it by"},
    {"timeout", 0, SK_OPTION_SECONDS, offsetof(struct sk_args, timeout), "S",
     "end the sandbox after that many seconds"},
    {"session", 0, SK_OPTION_TEXT, offsetof(struct sk_args, session), "ID",
     "the session it belongs to; default $" SK_SESSION_VARIABLE},
    {"keep", 0, SK_OPTION_FLAG, offsetof(struct sk_args, keep), NULL, "do not remove the sandbox afterwards"},
    SK_OPTION_INTERACTIVE,
    SK_OPTION_TERMINAL,
    SK_OPTION_NO_STDIN,
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_run = {
    .name = "run",
    .synopsis = "[OPTION]... [--] COMMAND...",
    .summary = "Run a command in a new sandbox, exit with its code, remove the sandbox.",
    .notes = "With -t the command may be left out: \"sandkeep run -it --image debian\" is a shell in a new\n"
             "sandbox. Exit codes: the command's; 125 when it could not be run; 128 + n after signal n.",
    .options = options,
    .command = SK_COMMAND_OPTIONAL,
    .run = run_run,
};
