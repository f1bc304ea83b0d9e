#include "bench/command.h"

#include "bench/samples.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* One command line; its exit status. */
static int spawn_and_wait(char **argv)
{
    pid_t pid;
    int status = -1;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
        fprintf(stderr, "bench: cannot start %s\n", argv[0]);
        exit(1);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void run_command(const char *name, int n, const char *before, const char *after, char **argv)
{
    struct samples samples = {0};
    char number[16];

    for (char **arg = argv; *arg; arg++)
        if (strcmp(*arg, "@") == 0)
            *arg = number;
    for (int i = -WARM_UP; i < n; i++) {
        double began;
        snprintf(number, sizeof(number), "%d", i + WARM_UP);
        setenv("BENCH_I", number, 1);
        if (*before && system(before) != 0)
            exit(1);
        began = now_ms();
        if (spawn_and_wait(argv) != 0) {
            fprintf(stderr, "bench: %s failed\n", name);
            exit(1);
        }
        if (i >= 0)
            samples_add(&samples, now_ms() - began);
        if (*after && system(after) != 0)
            exit(1);
    }
    samples_print(&samples, name);
    samples_fini(&samples);
}
