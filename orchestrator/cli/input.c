#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

bool sk_input_is_terminal(void)
{
    return isatty(STDIN_FILENO) == 1;
}

static void on_reader_data(struct sk_reader *reader, const uint8_t *data, size_t len)
{
    struct sk_input *input = sk_container_of(reader, struct sk_input, reader);
    input->on_data(input, data, len);
}

static void on_reader_end(struct sk_reader *reader, const struct sk_err *err)
{
    struct sk_input *input = sk_container_of(reader, struct sk_input, reader);

    (void)err;
    input->on_end(input);
}

/* A descriptor that the loop can watch; -1: standard input is a file or a device that is always ready. */
static int open_watchable(struct sk_input *input)
{
    struct stat stat;

    if (fstat(STDIN_FILENO, &stat) != 0)
        return -1;
    if (S_ISSOCK(stat.st_mode)) { /* cannot be opened anew */
        input->flags = fcntl(STDIN_FILENO, F_GETFL);
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    }
    if (!S_ISFIFO(stat.st_mode) && !sk_input_is_terminal())
        return -1;
    return open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

enum sk_code sk_input_open(struct sk_input *input, struct sk_loop *loop,
                           void (*on_data)(struct sk_input *, const uint8_t *, size_t),
                           void (*on_end)(struct sk_input *), struct sk_err *err)
{
    *input = (struct sk_input){.on_data = on_data, .on_end = on_end, .loop = loop, .flags = -1};
    input->reader.fd = -1;
    int fd = open_watchable(input);
    if (fd < 0)
        return SK_OK;
    return sk_reader_open(&input->reader, loop, fd, on_reader_data, on_reader_end, err);
}

static void read_file(struct sk_task *task)
{
    struct sk_input *input = sk_container_of(task, struct sk_input, task);
    uint8_t chunk[SK_PUMP_CHUNK];
    ssize_t n;

    do
        n = read(STDIN_FILENO, chunk, sizeof(chunk));
    while (n < 0 && errno == EINTR);
    if (n > 0)
        input->on_data(input, chunk, (size_t)n);
    else
        input->on_end(input);
}

void sk_input_want(struct sk_input *input)
{
    if (input->reader.fd >= 0)
        sk_reader_want(&input->reader);
    else
        sk_loop_defer(input->loop, &input->task, read_file);
}

void sk_input_close(struct sk_input *input)
{
    if (!input->loop)
        return;
    sk_loop_undefer(&input->task);
    sk_reader_close(&input->reader);
    if (input->flags >= 0)
        (void)fcntl(STDIN_FILENO, F_SETFL, input->flags);
    input->flags = -1;
}
