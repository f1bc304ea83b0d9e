/* sandkeep: sandboxes from the command line, over the same API as the SDKs.
 *
 * Exit codes: the command's own for run and exec; 0; 1 for failures; 2 for
 * wrong use; 125 when run or exec could not run the command; 128 + n after
 * signal n. */
#include "base/standard.h"
#include "cli/completion.h"
#include "cli/fault.h"
#include "cli/man.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 2
#define HELP_MAX   8192
#define MAN_MAX    ((size_t)1024 * 1024)

static const struct sk_verb *const verbs[] = {&sk_verb_run,
                                              &sk_verb_exec,
                                              &sk_verb_sh,
                                              &sk_verb_cp,
                                              &sk_verb_logs,
                                              &sk_verb_ls,
                                              &sk_verb_get,
                                              &sk_verb_stop,
                                              &sk_verb_rm,
                                              &sk_verb_session_open,
                                              &sk_verb_session_ls,
                                              &sk_verb_session_show,
                                              &sk_verb_session_close,
                                              &sk_verb_session_run,
                                              &sk_verb_image_pull,
                                              &sk_verb_image_ls,
                                              &sk_verb_image_inspect,
                                              &sk_verb_image_rm,
                                              &sk_verb_image_import,
                                              &sk_verb_network_show,
                                              &sk_verb_network_set,
                                              &sk_verb_key_create,
                                              &sk_verb_key_entry,
                                              &sk_verb_key_list,
                                              &sk_verb_key_revoke,
                                              &sk_verb_audit_show,
                                              &sk_verb_audit_verify,
                                              &sk_verb_reload,
                                              &sk_verb_drain,
                                              &sk_verb_undrain,
                                              &sk_verb_status,
                                              &sk_verb_top,
                                              &sk_verb_doctor,
                                              NULL};

static void print_usage(FILE *to)
{
    (void)fputs("Usage: sandkeep VERB [OPTION]...\n\n", to);
    for (const struct sk_verb *const *verb = verbs; *verb; verb++)
        (void)fprintf(to, "  %-14s %s\n", (*verb)->name, (*verb)->summary);
    (void)fputs("\n\"sandkeep VERB --help\" tells more. The server is $CWSANDBOX_BASE_URL, the key "
                "$CWSANDBOX_API_KEY.\nWithout either it is this node, reached by its admin socket if you may "
                "open it.\n",
                to);
}

/* The words of argv that a verb's name consists of; 0 = another verb. */
static int match(const struct sk_verb *verb, int argc, char **argv)
{
    const char *rest = verb->name;
    int words = 0;

    for (; *rest && words < argc; words++) {
        size_t len = strcspn(rest, " ");
        if (strlen(argv[words]) != len || memcmp(argv[words], rest, len) != 0)
            return 0;
        rest += len + (rest[len] == ' ');
    }
    return *rest ? 0 : words;
}

static const struct sk_verb *find_verb(int argc, char **argv, int *out_words)
{
    for (const struct sk_verb *const *verb = verbs; *verb; verb++) {
        *out_words = match(*verb, argc, argv);
        if (*out_words)
            return *verb;
    }
    return NULL;
}

static bool begins_with_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    return strncmp(text, word, len) == 0 && text[len] == ' ';
}

/* The first word of verbs of two, like "session". */
static bool is_family(const char *name)
{
    bool found = false;

    for (const struct sk_verb *const *verb = verbs; *verb; verb++)
        found |= begins_with_word((*verb)->name, name);
    return found;
}

/* For the build. */
static int print_made(enum sk_code (*print)(const struct sk_verb *const *verbs, struct sk_buf *out))
{
    struct sk_buf text;

    sk_buf_init(&text, MAN_MAX);
    enum sk_code code = print(verbs, &text);
    if (!code)
        (void)fwrite(text.data, 1, text.len, stdout);
    sk_buf_fini(&text);
    return code || fflush(stdout) ? 1 : 0;
}

static int print_help(const struct sk_verb *verb)
{
    struct sk_buf text;

    sk_buf_init(&text, HELP_MAX);
    enum sk_code code = sk_args_help(verb, &text);
    if (!code)
        (void)fwrite(text.data, 1, text.len, stdout);
    sk_buf_fini(&text);
    return code ? 1 : 0;
}

static int run_verb(const struct sk_verb *verb, int argc, char **argv)
{
    struct sk_args args;
    struct sk_err err;

    if (sk_args_parse(verb, argc, argv, &args, &err)) {
        (void)sk_err_wrap(&err, "%s", verb->name);
        sk_fault_print_err(&err);
        return EXIT_USAGE;
    }
    int exit_code = args.help ? print_help(verb) : verb->run(&args);
    sk_args_fini(&args);
    return exit_code;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    sk_standard_settle();
    if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
        print_usage(stdout);
        return 0;
    }
    if (name && strcmp(name, "--version") == 0) {
        (void)puts("sandkeep " SK_VERSION);
        return 0;
    }
    if (name && strcmp(name, "--print-man") == 0)
        return print_made(sk_verbs_print_man);
    if (name && strcmp(name, "--print-completion") == 0)
        return print_made(sk_completion_print);
    if (!name) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    int words;
    const struct sk_verb *verb = find_verb(argc - 1, argv + 1, &words);
    if (!verb && is_family(name)) {
        bool asked = argc > 2 && strcmp(argv[2], "--help") == 0;
        print_usage(asked ? stdout : stderr);
        return asked ? 0 : EXIT_USAGE;
    }
    if (!verb) {
        (void)fprintf(stderr, "sandkeep: no verb %s; see sandkeep --help\n", name);
        return EXIT_USAGE;
    }
    return run_verb(verb, argc - 1 - words, argv + 1 + words);
}
