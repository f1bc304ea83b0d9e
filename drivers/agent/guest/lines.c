#include "drivers/agent/guest/lines.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void sk_lines_open(struct sk_lines *lines, const char *path)
{
    struct stat st;
    lines->at = lines->len = lines->total = 0;
    /* O_NONBLOCK: a FIFO in the file's place must not stop PID 1. */
    lines->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (lines->fd >= 0 && (fstat(lines->fd, &st) < 0 || !S_ISREG(st.st_mode)))
        sk_lines_close(lines);
}

static bool chunk_read(struct sk_lines *lines)
{
    if (lines->fd < 0 || lines->total >= SK_LINES_FILE_MAX)
        return false;
    ssize_t got = read(lines->fd, lines->chunk, sizeof lines->chunk);
    if (got <= 0)
        return false;
    lines->at = 0;
    lines->len = (size_t)got;
    lines->total += (size_t)got;
    return true;
}

/* Collects one line; *out_fits tells whether it is whole and plain. False at the end. */
static bool line_collect(struct sk_lines *lines, bool *out_fits)
{
    size_t len = 0;
    *out_fits = true;
    while (lines->at < lines->len || chunk_read(lines)) {
        char c = lines->chunk[lines->at++];
        if (c == '\n') {
            lines->line[len] = 0;
            return true;
        }
        if (!c || len + 1 >= sizeof lines->line)
            *out_fits = false;
        else
            lines->line[len++] = c;
    }
    lines->line[len] = 0;
    return len > 0;
}

char *sk_lines_next(struct sk_lines *lines)
{
    bool fits = false;
    while (line_collect(lines, &fits))
        if (fits)
            return lines->line;
    return NULL;
}

void sk_lines_close(struct sk_lines *lines)
{
    if (lines->fd >= 0)
        (void)close(lines->fd);
    lines->fd = -1;
}
