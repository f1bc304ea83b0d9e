#include "cli/progress.h"

#include "base/own.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define PATIENCE SK_SEC(1)
#define REDRAW   SK_MSEC(100)
#define LINE_MAX 256

void sk_bytes_print(int64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        (void)snprintf(out, size, "%" PRId64 " B", bytes);
        return;
    }
    for (; amount >= 1023.95 && unit + 1 < sk_array_len(units); unit++)
        amount /= 1024;
    (void)snprintf(out, size, "%.1f %s", amount, units[unit]);
}

/* One column for each byte, so that a cut hits no character in the middle. */
static void disarm(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
    }
}

void sk_progress_print(const char *name, int64_t done, int64_t total, struct sk_duration time, size_t width,
                       char *out, size_t size)
{
    char so_far[32], all[32], rate[32], share[64] = "", line[LINE_MAX];
    double seconds = (double)time.ns / 1e9;

    sk_bytes_print(done, so_far, sizeof(so_far));
    sk_bytes_print(seconds > 0 ? (int64_t)((double)done / seconds) : 0, rate, sizeof(rate));
    sk_bytes_print(total, all, sizeof(all));
    if (total > 0)
        (void)snprintf(share, sizeof(share), " / %s  %d %%", all,
                       done < total ? (int)(100.0 * (double)done / (double)total) : 100);
    (void)snprintf(line, sizeof(line), "%.80s  %s%s  %s/s", name, so_far, share, rate);
    disarm(line);
    (void)snprintf(out, size, "%.*s", (int)(width < LINE_MAX ? width : LINE_MAX), line);
}

void sk_progress_init(struct sk_progress *progress, const char *name, int64_t total)
{
    *progress = (struct sk_progress){
        .name = name, .total = total, .begun = sk_clock_boot(), .off = !isatty(STDERR_FILENO)};
}

static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? (size_t)size.ws_col - 1 : 79;
}

void sk_progress_add(struct sk_progress *progress, size_t bytes)
{
    struct sk_instant now = sk_clock_boot();
    struct sk_duration time = sk_instant_diff(now, progress->begun);
    char line[LINE_MAX];

    progress->done += (int64_t)bytes;
    if (progress->off || time.ns < PATIENCE.ns || sk_instant_diff(now, progress->drawn).ns < REDRAW.ns)
        return;
    progress->drawn = now;
    progress->shown = true;
    sk_progress_print(progress->name, progress->done, progress->total, time, columns(), line, sizeof(line));
    (void)fprintf(stderr, "\r%s\x1b[K", line);
}

void sk_progress_fini(struct sk_progress *progress)
{
    if (progress->shown)
        (void)fputs("\r\x1b[K", stderr);
    progress->shown = false;
}
