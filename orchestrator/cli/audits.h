/* audits.h: what the verbs that read the audit's files share. */
#ifndef SK_CLI_AUDITS_H
#define SK_CLI_AUDITS_H

#include "cli/args.h"

#define SK_AUDIT_FOLDER "/var/lib/sandkeep/audit"

#define SK_OPTION_AUDIT_FOLDER                                                                               \
    {                                                                                                        \
        "dir", 0, SK_OPTION_TEXT, offsetof(struct sk_args, folder), "FOLDER",                                \
            "where its files are; default " SK_AUDIT_FOLDER                                                  \
    }

static inline const char *sk_audits_folder(const struct sk_args *args)
{
    return args->folder ? args->folder : SK_AUDIT_FOLDER;
}

#endif
