/* Reads the audit's files themselves: no daemon is asked, and none is needed. */
#include "audit/verify.h"
#include "base/json_out.h"
#include "base/utf8.h"
#include "cli/audits.h"
#include "cli/fault.h"
#include "cli/moment.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

#define VALUE_MAX (2 * SK_AUDIT_EVENT_MAX)

struct show {
    const struct sk_args *args;
    char since[SK_JSON_TIME_SIZE];
    char value[VALUE_MAX];
};

static const char *field(struct show *show, const char *line, const char *key)
{
    sk_audit_line_field(line, key, show->value, sizeof(show->value));
    return show->value;
}

static bool fits(struct show *show, const char *line, const char *key, const char *wanted)
{
    return !wanted || strcmp(field(show, line, key), wanted) == 0;
}

/* As it stands in the line, where what could drive a terminal is escaped; unless it is not we who wrote it.
 */
static const char *shown(struct show *show, const char *line, const char *key)
{
    (void)field(show, line, key);
    sk_utf8_disarm(show->value);
    return show->value;
}

static void print_column(struct show *show, const char *line, const char *key, int width)
{
    const char *text = shown(show, line, key);
    (void)printf("%-*s ", width, *text ? text : "-");
}

static void print_more(struct show *show, const char *line, const char *key)
{
    const char *text = shown(show, line, key);
    if (*text)
        (void)printf(" %s=%s", key, text);
}

static void print_line(struct show *show, const char *line)
{
    static const char *const more[] = {"sandbox", "session", "name",    "image", "state",   "reason",
                                       "path",    "command", "took_ms", "peer",  "request", "client_request",
                                       "lost",    "first",   "last",    "bytes"};
    print_column(show, line, "time", SK_JSON_TIME_SIZE - 1);
    print_column(show, line, "tenant", 10);
    print_column(show, line, "key", 12);
    print_column(show, line, "event", 12);
    (void)printf("%s", *shown(show, line, "code") ? show->value : "-");
    for (size_t i = 0; i < sk_array_len(more); i++)
        print_more(show, line, more[i]);
    (void)putchar('\n');
}

static void print_json(const char *line)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf out;
    size_t len = strlen(line);

    sk_buf_init(&out, 6 * len + 1);
    if (sk_json_out_disarmed(&out, line, len) == SK_OK && sk_buf_append(&out, "\n", 1) == SK_OK)
        (void)fwrite(out.data, 1, out.len, stdout);
}

static bool each(void *arg, const char *line)
{
    struct show *show = arg;
    const struct sk_args *args = show->args;
    if (strcmp(field(show, line, "time"), show->since) < 0 || !fits(show, line, "tenant", args->tenant) ||
        !fits(show, line, "key", args->key) || !fits(show, line, "sandbox", args->sandbox))
        return true;
    if (args->json)
        print_json(line);
    else
        print_line(show, line);
    return !ferror(stdout);
}

static int run_show(const struct sk_args *args)
{
    SK_AUTO_FREE struct show *show = sk_alloc(sizeof(*show));
    struct sk_wall since = {0};
    struct sk_err err = {0};
    enum sk_code code = SK_OK;

    show->args = args;
    if (args->since)
        code = sk_since_parse(args->since, sk_clock_wall(), &since, &err);
    sk_json_out_time(since, show->since);
    if (!code)
        code = sk_audit_each(sk_audits_folder(args), each, show, &err);
    if (code)
        sk_fault_print_err(&err);
    return code || fflush(stdout) ? 1 : 0;
}

static const struct sk_option options[] = {
    {"tenant", 0, SK_OPTION_TEXT, offsetof(struct sk_args, tenant), "TENANT", "what this one did"},
    {"key", 0, SK_OPTION_TEXT, offsetof(struct sk_args, key), "KEY-ID", "what was done with this key"},
    {"sandbox", 0, SK_OPTION_TEXT, offsetof(struct sk_args, sandbox), "ID", "what was done to this one"},
    {"since", 0, SK_OPTION_TEXT, offsetof(struct sk_args, since), "TIME",
     "as in 10m, 2h, 2026-01-02T03:04:05; default: from the beginning"},
    SK_OPTION_JSON,
    SK_OPTION_AUDIT_FOLDER,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_audit_show = {
    .name = "audit show",
    .synopsis = "[OPTION]...",
    .summary = "Show who did what.",
    .notes = "Reads the files themselves, without looking at the chain: see audit verify. With --json\n"
             "each line as it stands in the log.\n",
    .options = options,
    .run = run_show,
};
