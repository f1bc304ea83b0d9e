#include "cli/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GRACE_DEFAULT_S 10

#define SECONDS_MAX (365LL * 24 * 3600)

struct parser {
    const struct sk_verb *verb;
    char **argv;
    int argc, at;
    bool ended; /* by "--": no options from here on */
    struct sk_args *args;
    struct sk_err *err;
};

static void words_init(struct sk_words *words, int argc)
{
    *words = (struct sk_words){sk_alloc(((size_t)argc + 1) * sizeof(char *)), 0};
}

static void words_add(struct sk_words *words, char *word)
{
    words->items[words->count++] = word;
}

static const struct sk_option *find_long(const struct sk_option *options, const char *name, size_t len)
{
    for (; options->name; options++) {
        if (strlen(options->name) == len && memcmp(options->name, name, len) == 0)
            return options;
    }
    return NULL;
}

static const struct sk_option *find_letter(const struct sk_option *options, char letter)
{
    for (; options->name; options++) {
        if (options->letter == letter)
            return options;
    }
    return NULL;
}

static enum sk_code set_number(struct parser *parser, const struct sk_option *option, const char *value,
                               int64_t max, const char *of)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);

    if (errno || end == value || *end || number < 0 || number > max)
        return sk_fail(parser->err, SK_INVALID_ARGUMENT, "--%s %s: want a number of %s, %" PRId64 " at most",
                       option->name, value, of, max);
    *(int64_t *)((char *)parser->args + option->offset) = number;
    return SK_OK;
}

static enum sk_code set(struct parser *parser, const struct sk_option *option, char *value)
{
    void *field = (char *)parser->args + option->offset;

    switch (option->kind) {
    case SK_OPTION_FLAG:
        *(bool *)field = true;
        return SK_OK;
    case SK_OPTION_TEXT:
        *(const char **)field = value;
        return SK_OK;
    case SK_OPTION_WORDS:
        words_add(field, value);
        return SK_OK;
    case SK_OPTION_SECONDS:
        return set_number(parser, option, value, SECONDS_MAX, "seconds");
    case SK_OPTION_LINES:
        return set_number(parser, option, value, INT32_MAX, "lines");
    case SK_OPTION_SANDBOXES:
        return set_number(parser, option, value, INT32_MAX, "sandboxes");
    }
    return SK_OK;
}

static enum sk_code set_next(struct parser *parser, const struct sk_option *option)
{
    if (parser->at == parser->argc)
        return sk_fail(parser->err, SK_INVALID_ARGUMENT, "--%s needs a value", option->name);
    return set(parser, option, parser->argv[parser->at++]);
}

static enum sk_code parse_long(struct parser *parser, char *text)
{
    size_t name_len = strcspn(text + 2, "=");
    const struct sk_option *option = find_long(parser->verb->options, text + 2, name_len);
    char *value = text[2 + name_len] ? text + 2 + name_len + 1 : NULL;

    if (!option)
        return sk_fail(parser->err, SK_INVALID_ARGUMENT, "unknown option %s", text);
    if (option->kind == SK_OPTION_FLAG && value)
        return sk_fail(parser->err, SK_INVALID_ARGUMENT, "--%s takes no value", option->name);
    if (option->kind == SK_OPTION_FLAG || value)
        return set(parser, option, value);
    return set_next(parser, option);
}

/* "-it": flags, the last of which may be one that takes a value. */
static enum sk_code parse_letters(struct parser *parser, const char *text)
{
    enum sk_code code = SK_OK;

    for (const char *letter = text + 1; *letter && !code; letter++) {
        const struct sk_option *option = find_letter(parser->verb->options, *letter);
        if (!option || (option->kind != SK_OPTION_FLAG && letter[1]))
            return sk_fail(parser->err, SK_INVALID_ARGUMENT, "unknown option %s", text);
        code = option->kind == SK_OPTION_FLAG ? set(parser, option, NULL) : set_next(parser, option);
    }
    return code;
}

static enum sk_code parse_option(struct parser *parser)
{
    char *text = parser->argv[parser->at++];
    return text[1] == '-' ? parse_long(parser, text) : parse_letters(parser, text);
}

static void take_command(struct parser *parser)
{
    while (parser->at < parser->argc)
        words_add(&parser->args->command, parser->argv[parser->at++]);
}

static enum sk_code parse_one(struct parser *parser)
{
    char *text = parser->argv[parser->at];
    bool command_next = parser->verb->command && parser->args->words.count >= parser->verb->words_max;

    if (!parser->ended && strcmp(text, "--") == 0) {
        parser->ended = true;
        parser->at++;
        if (command_next)
            take_command(parser);
    } else if (!parser->ended && text[0] == '-' && text[1]) {
        return parse_option(parser);
    } else if (command_next) {
        take_command(parser);
    } else {
        words_add(&parser->args->words, text);
        parser->at++;
        /* "exec ID -- CMD" after "exec -- ID" too */
        parser->ended = parser->ended && !parser->verb->command;
    }
    return SK_OK;
}

static enum sk_code check(const struct sk_verb *verb, const struct sk_args *args, struct sk_err *err)
{
    if (args->words.count < verb->words_min)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s", verb->missing ? verb->missing : "which sandbox?");
    if (args->words.count > verb->words_max)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s is one too many", args->words.items[verb->words_max]);
    if (verb->command == SK_COMMAND_NEEDED && !args->command.count)
        return sk_fail(err, SK_INVALID_ARGUMENT, "no command to run");
    return SK_OK;
}

enum sk_code sk_args_parse(const struct sk_verb *verb, int argc, char **argv, struct sk_args *out_args,
                           struct sk_err *err)
{
    struct sk_args args = {.timeout = -1,
                           .idle_timeout = -1,
                           .lease = -1,
                           .grace = -1,
                           .tail = -1,
                           .interval = -1,
                           .max_sandboxes = -1};
    struct parser parser = {.verb = verb, .argv = argv, .argc = argc, .args = &args, .err = err};
    enum sk_code code = SK_OK;

    words_init(&args.env, argc);
    words_init(&args.tags, argc);
    words_init(&args.egress, argc);
    words_init(&args.ingress, argc);
    words_init(&args.words, argc);
    words_init(&args.command, argc);
    while (!code && !args.help && parser.at < argc)
        code = parse_one(&parser);
    if (!code && !args.help)
        code = check(verb, &args, err);
    if (code)
        sk_args_fini(&args);
    else
        *out_args = args;
    return code;
}

void sk_args_fini(struct sk_args *args)
{
    free(args->env.items);
    free(args->tags.items);
    free(args->egress.items);
    free(args->ingress.items);
    free(args->words.items);
    free(args->command.items);
    *args = (struct sk_args){0};
}

enum sk_code sk_args_help(const struct sk_verb *verb, struct sk_buf *out)
{
    enum sk_code code =
        sk_buf_printf(out, "Usage: sandkeep %s %s\n\n%s\n\n", verb->name, verb->synopsis, verb->summary);

    for (const struct sk_option *option = verb->options; option->name && !code; option++) {
        char left[64];
        if (!option->help)
            continue;
        char letter[] = {'-', option->letter, ',', 0};
        (void)snprintf(left, sizeof(left), "%s --%s %s", option->letter ? letter : "   ", option->name,
                       option->metavar ? option->metavar : "");
        code = sk_buf_printf(out, "  %-24s %s\n", left, option->help);
    }
    if (verb->notes && !code)
        code = sk_buf_printf(out, "\n%s\n", verb->notes);
    return code;
}

int64_t sk_args_grace(const struct sk_args *args)
{
    return args->grace < 0 ? GRACE_DEFAULT_S : args->grace;
}
