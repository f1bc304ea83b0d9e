#include "cli/terminal.h"

#include "cli/input.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>

static bool window_of(int fd, struct sk_window *out_window)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row)
        return false;
    *out_window = (struct sk_window){size.ws_col, size.ws_row};
    return true;
}

struct sk_window sk_terminal_window(void)
{
    struct sk_window window = {0};

    if (!window_of(STDOUT_FILENO, &window))
        (void)window_of(STDIN_FILENO, &window);
    return window;
}

/* What has been typed already is neither lost nor read twice: hence DRAIN. */
static void lend(struct sk_terminal *terminal)
{
    struct termios raw = terminal->saved;

    cfmakeraw(&raw);
    terminal->lent = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    if (terminal->lent && terminal->on_lent)
        terminal->on_lent(terminal->arg, true);
}

static void give_back(void *arg)
{
    struct sk_terminal *terminal = arg;

    if (!terminal->lent)
        return;
    terminal->lent = false;
    if (terminal->on_lent)
        terminal->on_lent(terminal->arg, false);
    while (tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->saved) != 0 && errno == EINTR)
        ;
}

static void on_resized(void *arg, int signo)
{
    struct sk_terminal *terminal = arg;

    (void)signo;
    terminal->on_resize(terminal->arg, sk_terminal_window());
}

/* The shell gets its terminal back before we stop; SIGCONT follows. */
static void on_stopped(void *arg, int signo)
{
    (void)signo;
    give_back(arg);
    (void)raise(SIGSTOP);
}

static void on_continued(void *arg, int signo)
{
    lend(arg);
    on_resized(arg, signo);
}

static enum sk_code open_signals(struct sk_terminal *terminal, struct sk_err *err)
{
    struct sk_loop *loop = terminal->client->loop;
    enum sk_code code = sk_signal_open(loop, SIGWINCH, on_resized, terminal, &terminal->resized, err);

    if (!code)
        code = sk_signal_open(loop, SIGTSTP, on_stopped, terminal, &terminal->stopped, err);
    if (!code)
        code = sk_signal_open(loop, SIGCONT, on_continued, terminal, &terminal->continued, err);
    return code;
}

enum sk_code sk_terminal_open(struct sk_terminal *terminal, struct sk_client *client,
                              void (*on_resize)(void *arg, struct sk_window window), void *arg,
                              struct sk_err *err)
{
    *terminal = (struct sk_terminal){.client = client, .on_resize = on_resize, .arg = arg};
    if (!sk_input_is_terminal())
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "standard input is not a terminal: leave out -t, or run it from one");
    if (tcgetattr(STDIN_FILENO, &terminal->saved) != 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "read the terminal's settings");
    enum sk_code code = open_signals(terminal, err);
    if (code) {
        sk_terminal_close(terminal);
        return code;
    }
    lend(terminal);
    client->before_exit = give_back;
    client->exit_arg = terminal;
    return SK_OK;
}

void sk_terminal_follow(struct sk_terminal *terminal, void (*fn)(void *arg, bool lent))
{
    terminal->on_lent = fn;
    if (terminal->lent)
        fn(terminal->arg, true);
}

static void close_signal(struct sk_signal *signal)
{
    if (signal)
        sk_signal_close(signal);
}

void sk_terminal_close(struct sk_terminal *terminal)
{
    if (!terminal->client)
        return;
    terminal->client->before_exit = NULL;
    give_back(terminal);
    close_signal(sk_take(terminal->resized));
    close_signal(sk_take(terminal->stopped));
    close_signal(sk_take(terminal->continued));
}
