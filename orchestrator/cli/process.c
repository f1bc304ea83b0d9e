#include "cli/process.h"

#include "cli/input.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/terminal.h"

#include <signal.h>
#include <stdio.h>

/* For what no process ends with; cut to what one can, it might say that all went well. */
#define EXIT_OTHER 255

struct process {
    struct sk_remote remote;
    struct sk_input input;
    struct sk_terminal terminal;
    struct sk_process_streams streams;
    bool deaf; /* our own output is closed */
};

static char *const shell[] = {"/bin/sh", "-c", "[ -x /bin/bash ] && exec /bin/bash; exec /bin/sh"};
const struct sk_words sk_process_shell = {(char **)shell, sk_array_len(shell)};

/* --- towards the sandbox --------------------------------------------------------- */

static void on_input(struct sk_input *input, const uint8_t *data, size_t len)
{
    struct process *process = sk_container_of(input, struct process, input);
    sk_remote_send(&process->remote, data, len);
}

static void on_input_end(struct sk_input *input)
{
    struct process *process = sk_container_of(input, struct process, input);
    sk_remote_end_input(&process->remote);
}

static void on_room(struct sk_remote *remote)
{
    struct process *process = sk_container_of(remote, struct process, remote);

    if (process->streams.input == SK_STDIN_PASS)
        sk_input_want(&process->input);
}

static void on_resize(void *arg, struct sk_window window)
{
    struct process *process = arg;
    sk_remote_resize(&process->remote, window);
}

/* --- from the sandbox ---------------------------------------------------------------- */

static void on_output(struct sk_remote *remote, int fd, const uint8_t *data, size_t len)
{
    struct process *process = sk_container_of(remote, struct process, remote);

    process->deaf |= !sk_write_all(fd, data, len);
    if (process->deaf)
        sk_remote_cancel(remote);
    sk_remote_want(remote);
}

static void on_over(struct sk_remote *remote)
{
    sk_loop_stop(remote->client->loop);
}

/* --- life --------------------------------------------------------------------------------- */

struct sk_process_streams sk_process_streams(const struct sk_args *args)
{
    bool pass = !args->no_stdin && (args->interactive || (!args->terminal && !sk_input_is_terminal()));
    return (struct sk_process_streams){pass ? SK_STDIN_PASS : SK_STDIN_NONE, args->terminal};
}

struct sk_process_streams sk_process_shell_streams(void)
{
    return (struct sk_process_streams){SK_STDIN_PASS, sk_input_is_terminal()};
}

static enum sk_code open_streams(struct process *process, struct sk_client *client, struct sk_err *err)
{
    enum sk_code code = SK_OK;

    if (process->streams.input == SK_STDIN_NONE)
        return SK_OK;
    if (process->streams.terminal)
        code = sk_terminal_open(&process->terminal, client, on_resize, process, err);
    if (!code)
        code = sk_input_open(&process->input, client->loop, on_input, on_input_end, err);
    if (code)
        sk_terminal_close(&process->terminal);
    return code;
}

static int outcome(const struct process *process)
{
    const struct sk_remote *remote = &process->remote;

    if (remote->exited)
        return remote->exit_code & ~0xff ? EXIT_OTHER : remote->exit_code;
    if (remote->client->signo)
        return 128 + remote->client->signo;
    if (process->deaf)
        return 128 + SIGPIPE;
    sk_fault_print(&remote->fault);
    return SK_EXIT_OWN_FAILURE;
}

int sk_process_run(struct sk_client *client, const char *sandbox_id, const struct sk_words *command,
                   struct sk_process_streams streams)
{
    static const struct sk_remote_events events = {on_room, on_output, on_over};
    const struct sk_remote_command what = {sandbox_id, command->items, command->count, streams.terminal,
                                           sk_terminal_window()};
    struct process process = {.streams = streams};
    struct sk_err err;

    if (open_streams(&process, client, &err)) {
        sk_fault_print_err(&err);
        return SK_EXIT_OWN_FAILURE;
    }
    sk_remote_open(&process.remote, client, &what, &events);
    if (streams.input == SK_STDIN_NONE)
        sk_remote_end_input(&process.remote);
    while (!process.remote.over)
        sk_loop_run(client->loop);
    sk_input_close(&process.input);
    sk_terminal_close(&process.terminal);
    sk_remote_close(&process.remote);
    return outcome(&process);
}
