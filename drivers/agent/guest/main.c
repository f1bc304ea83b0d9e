/* The guest: PID 1 of a sandbox. It starts, signals and reaps what the daemon
 * asks for, and outlives the daemon's restarts. One thread, one loop; it must
 * not end, whatever the sandbox's processes do to it.
 *
 * usage: sandkeep-guest [socket]    (the argument serves tests) */
#include "drivers/agent/guest/boot.h"
#include "drivers/agent/guest/serve.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SOCKET_PATH "/.sandkeep/sock"

static void signals_take(struct sk_serve *serve, int signal_fd)
{
    struct signalfd_siginfo infos[16];
    ssize_t got = read(signal_fd, infos, sizeof infos);
    for (size_t i = 0; got > 0 && i < (size_t)got / sizeof infos[0]; i++)
        sk_serve_forward(serve, (int)infos[i].ssi_signo);
}

static void turn(struct sk_serve *serve, int signal_fd)
{
    bool more_dead = sk_serve_reap(serve);
    if (serve->link.fd < 0)
        sk_serve_lost(serve);
    if (sk_link_connect(&serve->link))
        sk_serve_reset(serve);
    bool all_told = sk_serve_report(serve);
    struct pollfd fds[2] = {{.fd = signal_fd, .events = POLLIN},
                            {.fd = serve->link.fd, .events = all_told ? POLLIN : POLLOUT}};
    (void)poll(fds, 2, more_dead ? 0 : sk_link_wait(&serve->link));
    if (fds[0].revents)
        signals_take(serve, signal_fd);
    if (fds[1].revents & (POLLERR | POLLNVAL) || (fds[1].revents & POLLHUP && !(fds[1].revents & POLLIN)))
        sk_link_drop(&serve->link);
    else if (fds[1].revents & POLLIN)
        sk_serve_commands(serve);
}

int main(int argc, char **argv)
{
    int signal_fd = sk_boot_self();
    struct sk_serve *serve = calloc(1, sizeof *serve);
    if (getpid() == 1)
        sk_boot_sandbox();
    if (signal_fd < 0 || !serve || !sk_spawner_init(&serve->spawner))
        _exit(1);
    serve->reply_fd = -1;
    sk_files_init(&serve->files);
    sk_link_init(&serve->link, argc > 1 ? argv[1] : SOCKET_PATH);
    for (;;)
        turn(serve, signal_fd);
}
