#include "cli/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

static const struct sk_option options[] = {
    {"json", 'j', SK_OPTION_FLAG, offsetof(struct sk_args, json), NULL, "a flag"},
    {"image", 0, SK_OPTION_TEXT, offsetof(struct sk_args, image), "IMAGE", "a text"},
    {"tag", 't', SK_OPTION_WORDS, offsetof(struct sk_args, tags), "TAG", "many texts"},
    {"all", 'a', SK_OPTION_FLAG, offsetof(struct sk_args, all), NULL, "another flag"},
    {"tail", 'n', SK_OPTION_LINES, offsetof(struct sk_args, tail), "N", "lines"},
    {"timeout", 0, SK_OPTION_SECONDS, offsetof(struct sk_args, timeout), "S", "a number"},
    {"help", 'h', SK_OPTION_FLAG, offsetof(struct sk_args, help), NULL, "help"},
    {0},
};
static const struct sk_verb run = {.name = "run",
                                   .synopsis = "S",
                                   .summary = "Sum.",
                                   .notes = "Notes.",
                                   .options = options,
                                   .command = SK_COMMAND_NEEDED};
static const struct sk_verb exec = {
    .name = "exec", .options = options, .words_min = 1, .words_max = 1, .command = SK_COMMAND_NEEDED};
static const struct sk_verb sh = {
    .name = "sh", .options = options, .words_min = 1, .words_max = 1, .command = SK_COMMAND_OPTIONAL};
static const struct sk_verb cp = {
    .name = "cp", .options = options, .words_min = 2, .words_max = 2, .missing = "what?"};
static const struct sk_verb stop = {.name = "stop", .options = options, .words_min = 1, .words_max = 2};

struct line {
    char *copy;
    char *argv[16];
    int argc;
};

/* The words of `text`, at blanks. */
static void line_init(struct line *line, const char *text)
{
    char *save = NULL;

    *line = (struct line){.copy = sk_strdup(text)};
    for (char *word = strtok_r(line->copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        line->argv[line->argc++] = word;
}

static void refused(const struct sk_verb *verb, const char *line, const char *text)
{
    struct sk_args args;
    struct sk_err err;
    struct line words;

    line_init(&words, line);
    assert_int_equal(sk_args_parse(verb, words.argc, words.argv, &args, &err), SK_INVALID_ARGUMENT);
    assert_string_equal(err.text, text);
    free(words.copy);
}

static void test_options(void **state)
{
    char *argv[] = {"--json", "--image", "a", "--image=b=c", "-t", "x", "--tag=y", "--timeout", "60", "one"};
    struct sk_args args;
    struct sk_err err;

    (void)state;
    assert_int_equal(sk_args_parse(&stop, (int)sk_array_len(argv), argv, &args, &err), SK_OK);
    assert_true(args.json);
    assert_string_equal(args.image, "b=c");
    assert_int_equal(args.tags.count, 2);
    assert_string_equal(args.tags.items[1], "y");
    assert_int_equal(args.timeout, 60);
    assert_int_equal(args.grace, -1);
    assert_string_equal(args.words.items[0], "one");
    sk_args_fini(&args);
}

static void test_wrong_options(void **state)
{
    (void)state;
    refused(&stop, "--nope x", "unknown option --nope");
    refused(&stop, "--jso x", "unknown option --jso");
    refused(&stop, "-x y", "unknown option -x");
    refused(&stop, "-jx y", "unknown option -jx");
    refused(&stop, "-tj y", "unknown option -tj");
    refused(&stop, "x -jt", "--tag needs a value");
    refused(&stop, "x --tail -3", "--tail -3: want a number of lines, 2147483647 at most");
    refused(&stop, "x --tail 2147483648", "--tail 2147483648: want a number of lines, 2147483647 at most");
    refused(&cp, "a", "what?");
    refused(&stop, "--json=1 x", "--json takes no value");
    refused(&stop, "x --image", "--image needs a value");
    refused(&stop, "x --timeout -1", "--timeout -1: want a number of seconds, 31536000 at most");
    refused(&stop, "x --timeout 1m", "--timeout 1m: want a number of seconds, 31536000 at most");
    refused(&stop, "x --timeout 99999999999999999999",
            "--timeout 99999999999999999999: want a number of seconds, 31536000 at most");
    refused(&stop, "", "which sandbox?");
    refused(&stop, "a b c", "c is one too many");
    refused(&run, "--json", "no command to run");
    refused(&exec, "id", "no command to run");
    refused(&exec, "id --", "no command to run");
}

static void test_joined_letters(void **state)
{
    char *argv[] = {"-ja", "-jt", "x", "-n", "5", "one"};
    struct sk_args args;
    struct sk_err err;

    (void)state;
    assert_int_equal(sk_args_parse(&stop, (int)sk_array_len(argv), argv, &args, &err), SK_OK);
    assert_true(args.json);
    assert_true(args.all);
    assert_string_equal(args.tags.items[0], "x");
    assert_int_equal(args.tail, 5);
    assert_int_equal(args.words.count, 1);
    sk_args_fini(&args);
}

static void test_an_optional_command(void **state)
{
    char *argv[] = {"id", "--", "ls", "-h"};
    struct sk_args args;
    struct sk_err err;

    (void)state;
    assert_int_equal(sk_args_parse(&sh, 1, argv, &args, &err), SK_OK);
    assert_int_equal(args.command.count, 0);
    assert_int_equal(args.tail, -1);
    sk_args_fini(&args);
    assert_int_equal(sk_args_parse(&sh, 4, argv, &args, &err), SK_OK);
    assert_int_equal(args.command.count, 2);
    sk_args_fini(&args);
}

/* What is behind the command's first word is the command's. */
static void test_command_of_run(void **state)
{
    static const char *const lines[] = {"--json -- ls --image x", "--json ls --image x"};
    struct sk_args args;
    struct sk_err err;

    (void)state;
    for (size_t i = 0; i < sk_array_len(lines); i++) {
        struct line line;
        line_init(&line, lines[i]);
        assert_int_equal(sk_args_parse(&run, line.argc, line.argv, &args, &err), SK_OK);
        assert_true(args.json);
        assert_null(args.image);
        assert_int_equal(args.command.count, 3);
        assert_string_equal(args.command.items[0], "ls");
        assert_string_equal(args.command.items[2], "x");
        assert_null(args.command.items[3]);
        sk_args_fini(&args);
        free(line.copy);
    }
}

static void test_command_of_exec(void **state)
{
    static const char *const lines[] = {"id cmd -h", "id -- cmd -h", "-- id -- cmd -h", "-j id cmd -h",
                                        "id -j -- cmd -h"};
    struct sk_args args;
    struct sk_err err;

    (void)state;
    for (size_t i = 0; i < sk_array_len(lines); i++) {
        struct line line;
        line_init(&line, lines[i]);
        assert_int_equal(sk_args_parse(&exec, line.argc, line.argv, &args, &err), SK_OK);
        assert_string_equal(args.words.items[0], "id");
        assert_int_equal(args.command.count, 2);
        assert_string_equal(args.command.items[0], "cmd");
        assert_string_equal(args.command.items[1], "-h");
        assert_false(args.help);
        sk_args_fini(&args);
        free(line.copy);
    }
}

static void test_empty_words_and_a_lone_dash_are_words(void **state)
{
    char *argv[] = {"", "-"};
    struct sk_args args;
    struct sk_err err;

    (void)state;
    assert_int_equal(sk_args_parse(&stop, 2, argv, &args, &err), SK_OK);
    assert_string_equal(args.words.items[0], "");
    assert_string_equal(args.words.items[1], "-");
    sk_args_fini(&args);
}

static void test_help_comes_before_other_faults(void **state)
{
    char *argv[] = {"--help", "--nope"};
    struct sk_args args;
    struct sk_err err;
    struct sk_buf text;

    (void)state;
    assert_int_equal(sk_args_parse(&run, 2, argv, &args, &err), SK_OK);
    assert_true(args.help);
    sk_args_fini(&args);

    sk_buf_init(&text, 4096);
    assert_int_equal(sk_args_help(&run, &text), SK_OK);
    char *said = sk_buf_take_text(&text);
    assert_non_null(strstr(said, "Usage: sandkeep run S\n\nSum.\n"));
    assert_non_null(strstr(said, "  -t, --tag TAG"));
    assert_non_null(strstr(said, "      --image IMAGE"));
    assert_non_null(strstr(said, "\n\nNotes.\n"));
    free(said);
    sk_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_joined_letters),
        cmocka_unit_test(test_an_optional_command),
        cmocka_unit_test(test_command_of_run),
        cmocka_unit_test(test_command_of_exec),
        cmocka_unit_test(test_empty_words_and_a_lone_dash_are_words),
        cmocka_unit_test(test_help_comes_before_other_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
