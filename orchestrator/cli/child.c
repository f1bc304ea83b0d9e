#include "cli/child.h"

#include "cli/process.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct child {
    struct sk_client *client;
    pid_t pid;
    int status;
    bool ended;
};

/* --- its environment ------------------------------------------------------------- */

static bool is_among(const char *entry, const char *const *variables)
{
    for (; *variables; variables++) {
        size_t len = strcspn(*variables, "=") + 1;
        if (strncmp(entry, *variables, len) == 0)
            return true;
    }
    return false;
}

/* A new array of borrowed texts. */
static char **environment(const char *const *variables)
{
    size_t n = 0, count = 0;

    while (environ[n])
        n++;
    for (size_t i = 0; variables[i]; i++)
        n++;
    char **all = sk_alloc((n + 1) * sizeof(char *));
    for (size_t i = 0; environ[i]; i++) {
        if (!is_among(environ[i], variables))
            all[count++] = environ[i];
    }
    for (size_t i = 0; variables[i]; i++)
        all[count++] = (char *)variables[i];
    return all;
}

/* --- its life -------------------------------------------------------------------- */

/* What the terminal sends goes to its whole foreground group, and so to the child without us. */
static bool has_it_already(int signo)
{
    return (signo == SIGINT || signo == SIGQUIT) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void on_signal(void *arg, int signo)
{
    struct child *child = arg;

    if (!child->ended && !has_it_already(signo))
        (void)kill(child->pid, signo);
}

static void on_child(void *arg, int signo)
{
    struct child *child = arg;
    (void)signo;

    if (child->ended || waitpid(child->pid, &child->status, WNOHANG) != child->pid)
        return;
    child->ended = true;
    sk_loop_stop(child->client->loop);
}

/* The defaults that this program has changed for itself are the child's again. */
static int spawn(struct child *child, char **argv, const char *const *variables)
{
    SK_AUTO_FREE char **envp = environment(variables);
    posix_spawnattr_t attributes;
    sigset_t defaults, mask;

    (void)sigemptyset(&mask);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    int sys = posix_spawnattr_init(&attributes);
    if (sys)
        return sys;
    (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
    (void)posix_spawnattr_setsigmask(&attributes, &mask);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    sys = posix_spawnp(&child->pid, argv[0], NULL, &attributes, argv, envp);
    (void)posix_spawnattr_destroy(&attributes);
    return sys;
}

static int await_end(struct child *child)
{
    child->client->relay = on_signal;
    child->client->relay_arg = child;
    while (!child->ended)
        sk_loop_run(child->client->loop);
    child->client->relay = NULL;
    return WIFSIGNALED(child->status) ? 128 + WTERMSIG(child->status) : WEXITSTATUS(child->status);
}

int sk_child_run(struct sk_client *client, const struct sk_words *command, const char *const *variables)
{
    struct child child = {.client = client};
    struct sk_signal *watch = NULL;
    struct sk_err err;
    int exit_code;

    if (sk_signal_open(client->loop, SIGCHLD, on_child, &child, &watch, &err)) {
        sk_fault_print_err(&err);
        return SK_EXIT_OWN_FAILURE;
    }
    int sys = spawn(&child, command->items, variables);
    if (sys) {
        (void)fprintf(stderr, "sandkeep: %s: %s\n", command->items[0], strerror(sys));
        exit_code = sys == ENOENT ? 127 : 126;
    } else {
        exit_code = await_end(&child);
    }
    sk_signal_close(watch);
    return exit_code;
}
