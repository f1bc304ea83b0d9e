/* sandkeepd: arguments, configuration, run, exit code. */
#include "base/standard.h"
#include "daemon.h"
#include "man.h"
#include "reload_parts.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Exit codes beside those of the daemon itself. */
#define EXIT_USAGE 2

#define PRINT_MAX ((size_t)1024 * 1024)

enum { CHECK = 'k', CONFIG = 'c', PRINT = 'p', PRINT_MAN = 'm', PLACES = 'l', VERSION = 'v', HELP = 'h' };

static const struct option options[] = {
    {"config", required_argument, NULL, CONFIG},
    {"check-config", no_argument, NULL, CHECK},
    {"print-config", no_argument, NULL, PRINT},
    {"print-man", required_argument, NULL, PRINT_MAN}, /* for the build: 5 or 8 */
    {"print-places", no_argument, NULL, PLACES},       /* for the package's scripts */
    {"version", no_argument, NULL, VERSION},
    {"help", no_argument, NULL, HELP},
    {0},
};

static int print_with(FILE *to, enum sk_code (*write)(struct sk_buf *out), int code)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;

    sk_buf_init(&text, PRINT_MAX);
    if (write(&text) != SK_OK)
        return EXIT_FAILURE;
    (void)fwrite(text.data, 1, text.len, to);
    return fflush(to) ? EXIT_FAILURE : code;
}

static int wrong_use(void)
{
    return print_with(stderr, sk_man_usage, EXIT_USAGE);
}

static int print_man(const char *section)
{
    if (strcmp(section, "5") == 0)
        return print_with(stdout, sk_config_print_man, EXIT_SUCCESS);
    return strcmp(section, "8") == 0 ? print_with(stdout, sk_man_print, EXIT_SUCCESS) : wrong_use();
}

/* What the daemon would read beside the configuration: the files that it names. */
static enum sk_code check_files(const struct sk_config *config, const char *path, struct sk_faults *faults,
                                struct sk_err *err)
{
    struct sk_reload_ready ready;

    sk_reload_prepare(&ready, config, faults);
    sk_reload_drop(&ready);
    if (!faults->count)
        return SK_OK;
    return sk_fail(err, SK_INVALID_ARGUMENT, "%s names files with %d fault%s", path, faults->count,
                   faults->count == 1 ? "" : "s");
}

/* All of it or nothing: a purge that knows half would clean the wrong half. */
static int print_places(const char *path)
{
    SK_CLEANUP(sk_config_fini) struct sk_config config = {.exposes_keys = false};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;
    struct sk_err err;

    sk_faults_init(&faults, path);
    sk_buf_init(&text, PRINT_MAX);
    if (sk_config_load(&config, path, &faults, &err) != SK_OK ||
        sk_config_print_places(&config, &text) != SK_OK)
        return EXIT_FAILURE;
    (void)fwrite(text.data, 1, text.len, stdout);
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int with_config(const char *path, bool check_only)
{
    SK_CLEANUP(sk_config_fini) struct sk_config config = {.exposes_keys = false};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;
    struct sk_err err;

    sk_faults_init(&faults, path);
    enum sk_code code = sk_config_load(&config, path, &faults, &err);
    if (code == SK_OK && check_only)
        code = check_files(&config, path, &faults, &err);
    if (code != SK_OK) {
        (void)fprintf(stderr, "%.*ssandkeepd: %s\n", (int)faults.text.len, (const char *)faults.text.data,
                      err.text);
        return EXIT_USAGE;
    }
    if (!check_only)
        return sk_daemon_run(&config, path);
    (void)printf("%s: no faults\n", path);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *path = SK_CONFIG_PATH;
    bool check_only = false, places_only = false;

    sk_standard_settle();
    sk_alloc_settle();
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == CONFIG)
            path = optarg;
        else if (option == CHECK)
            check_only = true;
        else if (option == PLACES)
            places_only = true;
        else if (option == PRINT)
            return print_with(stdout, sk_config_print, EXIT_SUCCESS);
        else if (option == PRINT_MAN)
            return print_man(optarg);
        else if (option == VERSION)
            return puts("sandkeepd " SK_VERSION) < 0;
        else if (option == HELP)
            return print_with(stdout, sk_man_usage, EXIT_SUCCESS);
        else
            return wrong_use();
    }
    if (optind < argc)
        return wrong_use();
    return places_only ? print_places(path) : with_config(path, check_only);
}
