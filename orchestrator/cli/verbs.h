/* verbs.h: what sandkeep can do; one file each. All return the exit code: 0,
 * 1 for failures, 125 when a command could not be run. */
#ifndef SK_CLI_VERBS_H
#define SK_CLI_VERBS_H

#include "cli/args.h"

extern const struct sk_verb sk_verb_run, sk_verb_exec, sk_verb_sh, sk_verb_cp, sk_verb_logs, sk_verb_ls,
    sk_verb_get, sk_verb_stop, sk_verb_rm, sk_verb_session_open, sk_verb_session_ls, sk_verb_session_show,
    sk_verb_session_close, sk_verb_session_run, sk_verb_image_pull, sk_verb_image_ls, sk_verb_image_inspect,
    sk_verb_image_rm, sk_verb_image_import, sk_verb_network_show, sk_verb_network_set, sk_verb_key_create,
    sk_verb_key_entry, sk_verb_key_list, sk_verb_key_revoke, sk_verb_reload, sk_verb_audit_show,
    sk_verb_audit_verify,

    sk_verb_drain, sk_verb_undrain, sk_verb_status, sk_verb_top, sk_verb_doctor;

#define SK_SESSION_ANNOTATION "sandkeep.dev/session"
#define SK_SESSION_VARIABLE   "SANDKEEP_SESSION" /* tells programs which session they run in */

/* Options that several verbs have. */
#define SK_OPTION_IMAGE(otherwise)                                                                           \
    {                                                                                                        \
        "image", 0, SK_OPTION_TEXT, offsetof(struct sk_args, image), "IMAGE", otherwise                      \
    }
#define SK_OPTION_CPU                                                                                        \
    {                                                                                                        \
        "cpu", 0, SK_OPTION_TEXT, offsetof(struct sk_args, cpu), "CPUS", "as in 500m or 2"                   \
    }
#define SK_OPTION_MEMORY                                                                                     \
    {                                                                                                        \
        "memory", 0, SK_OPTION_TEXT, offsetof(struct sk_args, memory), "BYTES", "as in 512Mi or 1Gi"         \
    }
#define SK_OPTION_ENV                                                                                        \
    {                                                                                                        \
        "env", 'e', SK_OPTION_WORDS, offsetof(struct sk_args, env), "NAME=VALUE", "an environment variable"  \
    }
#define SK_OPTION_GRACE                                                                                      \
    {                                                                                                        \
        "grace", 0, SK_OPTION_SECONDS, offsetof(struct sk_args, grace), "S",                                 \
            "seconds between SIGTERM and SIGKILL; default 10"                                                \
    }
#define SK_OPTION_ADDRESS                                                                                    \
    {                                                                                                        \
        "address", 0, SK_OPTION_TEXT, offsetof(struct sk_args, address), "URL",                              \
            "the server; default $CWSANDBOX_BASE_URL, else this node's"                                      \
    }
#define SK_OPTION_INTERACTIVE                                                                                \
    {                                                                                                        \
        "interactive", 'i', SK_OPTION_FLAG, offsetof(struct sk_args, interactive), NULL,                     \
            "pass standard input on even when it is a terminal"                                              \
    }
#define SK_OPTION_TERMINAL                                                                                   \
    {                                                                                                        \
        "tty", 't', SK_OPTION_FLAG, offsetof(struct sk_args, terminal), NULL,                                \
            "give the command a terminal; with -i this one is joined to it"                                  \
    }
#define SK_OPTION_NO_STDIN                                                                                   \
    {                                                                                                        \
        "no-stdin", 'n', SK_OPTION_FLAG, offsetof(struct sk_args, no_stdin), NULL,                           \
            "leave standard input alone"                                                                     \
    }
/* Of a key that is to be made. */
#define SK_OPTION_KEY_TENANT                                                                                 \
    {                                                                                                        \
        "tenant", 0, SK_OPTION_TEXT, offsetof(struct sk_args, tenant), "NAME",                               \
            "whose sandboxes it makes and sees; default \"default\""                                         \
    }
#define SK_OPTION_KEY_NAME                                                                                   \
    {                                                                                                        \
        "name", 0, SK_OPTION_TEXT, offsetof(struct sk_args, name), "NAME", "for people, as in key list"      \
    }
#define SK_OPTION_KEY_ADMIN                                                                                  \
    {                                                                                                        \
        "admin", 0, SK_OPTION_FLAG, offsetof(struct sk_args, admin), NULL,                                   \
            "it may do everything, for every tenant"                                                         \
    }
#define SK_OPTION_JSON                                                                                       \
    {                                                                                                        \
        "json", 0, SK_OPTION_FLAG, offsetof(struct sk_args, json), NULL, "print JSON"                        \
    }
#define SK_OPTION_HELP                                                                                       \
    {                                                                                                        \
        "help", 'h', SK_OPTION_FLAG, offsetof(struct sk_args, help), NULL, "print this and exit"             \
    }

#endif
