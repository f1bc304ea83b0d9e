/* args.h: what was typed: verbs, their options, and the parser for both. Pure. */
#ifndef SK_CLI_ARGS_H
#define SK_CLI_ARGS_H

#include "base/buf.h"

#include <stdbool.h>

/* Pointers into argv. */
struct sk_words {
    char **items; /* owned array, borrowed texts; NULL-terminated */
    size_t count;
};

/* Every option of every verb; a verb's table says which it has. */
struct sk_args {
    const char *address, *image, *cpu, *memory, *state, *since, *name, *session, *username, *dns, *file,
        *tenant, *key, *sandbox, *folder;
    const char *config, *root;
    struct sk_words env, tags, egress, ingress;
    int64_t timeout, idle_timeout, lease, grace; /* seconds; -1 = not given */
    int64_t tail;                                /* lines; -1 = not given */
    int64_t interval;                            /* seconds; -1 = not given */
    int64_t max_sandboxes;                       /* -1 = not given */
    bool json, help, all, force, keep, interactive, terminal, no_stdin, follow, timestamps, quiet,
        password_stdin, deny_egress, allow_all, admin, wait, stop_sandboxes, leave, once;
    struct sk_words words;   /* what is no option, before the command */
    struct sk_words command; /* what is to be run in the sandbox */
};

struct sk_option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* 0 = none */
    enum sk_option_kind {
        SK_OPTION_FLAG,
        SK_OPTION_TEXT,
        SK_OPTION_WORDS,
        SK_OPTION_SECONDS,
        SK_OPTION_LINES,
        SK_OPTION_SANDBOXES
    } kind;
    size_t offset;              /* in struct sk_args */
    const char *metavar, *help; /* help NULL: nobody is told of it */
};

struct sk_verb {
    const char *name; /* NULL ends a table */
    const char *synopsis, *summary;
    const char *notes; /* what else --help says, lines; may be NULL */
    const struct sk_option *options;
    size_t words_min, words_max;
    const char *missing; /* said when there are fewer words; NULL = "which sandbox?" */
    /* Whether it takes a command, from the first word after words_max words, or after "--". */
    enum { SK_COMMAND_NONE, SK_COMMAND_NEEDED, SK_COMMAND_OPTIONAL } command;
    int (*run)(const struct sk_args *args);
};

/* argv begins after the verb. Options of one letter can be joined: "-it". Errors: SK_INVALID_ARGUMENT. When
 * --help was given nothing else is checked. */
SK_MUST_CHECK enum sk_code sk_args_parse(const struct sk_verb *verb, int argc, char **argv,
                                         struct sk_args *out_args, struct sk_err *err);
void sk_args_fini(struct sk_args *args);

/* The text of "sandkeep VERB --help". */
SK_MUST_CHECK enum sk_code sk_args_help(const struct sk_verb *verb, struct sk_buf *out);

/* Seconds: what --grace says, or the default. */
int64_t sk_args_grace(const struct sk_args *args);

#endif
