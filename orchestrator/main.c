/* sandkeepd: arguments, configuration, run, exit code. */
#include "daemon.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Exit codes beside those of the daemon itself. */
#define EXIT_USAGE 2

#define PRINT_MAX ((size_t)1024 * 1024)

static const char usage[] = "Usage: sandkeepd [--config FILE]\n"
                            "Runs sandboxes on this machine and serves them over gRPC.\n\n"
                            "  --config FILE   the configuration (" SK_CONFIG_PATH ")\n"
                            "  --check-config  tells every fault of the configuration, and ends\n"
                            "  --print-config  prints a commented configuration with all defaults\n"
                            "  --version       prints the version\n"
                            "  --help          prints this\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
    {"print-config", no_argument, NULL, 'p'}, {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},         {0},
};

static int print_config(void)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;

    sk_buf_init(&text, PRINT_MAX);
    if (sk_config_print(&text) != SK_OK)
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
    if (sk_config_load(&config, path, &faults, &err) != SK_OK) {
        (void)fprintf(stderr, "%.*ssandkeepd: %s\n", (int)faults.text.len, (const char *)faults.text.data,
                      err.text);
        return EXIT_USAGE;
    }
    if (!check_only)
        return sk_daemon_run(&config);
    (void)printf("%s: no faults\n", path);
    return EXIT_SUCCESS;
}

static int print(FILE *to, const char *text, int code)
{
    (void)fputs(text, to);
    return code;
}

int main(int argc, char **argv)
{
    const char *path = SK_CONFIG_PATH;
    bool check_only = false;

    sk_alloc_settle();
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'c')
            path = optarg;
        else if (option == 'k')
            check_only = true;
        else if (option == 'p')
            return print_config();
        else if (option == 'v')
            return print(stdout, "sandkeepd " SK_VERSION "\n", EXIT_SUCCESS);
        else if (option == 'h')
            return print(stdout, usage, EXIT_SUCCESS);
        else
            return print(stderr, usage, EXIT_USAGE);
    }
    if (optind < argc)
        return print(stderr, usage, EXIT_USAGE);
    return with_config(path, check_only);
}
