#include "cli/image_bar.h"
#include "cli/progress.h"

#include "base/own.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define CELLS 20
#define EVERY SK_SEC(1) /* where there is no terminal */

typedef Sandkeep__V1__PullImageResponse response;

static void print_share(const response *said, char *out, size_t size)
{
    char done[32], total[32], cells[CELLS + 1];
    int64_t at = said->done_bytes < said->total_bytes ? said->done_bytes : said->total_bytes;
    double share = at > 0 ? (double)at / (double)said->total_bytes : 0;

    sk_bytes_print(said->done_bytes, done, sizeof(done));
    sk_bytes_print(said->total_bytes, total, sizeof(total));
    for (int i = 0; i < CELLS; i++)
        cells[i] = i < (int)(share * CELLS) ? '#' : '.';
    cells[CELLS] = '\0';
    (void)snprintf(out, size, "%s / %s  %d %%  [%s]", done, total, (int)(100 * share), cells);
}

static void print_state(const response *said, char *out, size_t size)
{
    if (said->phase == SANDKEEP__V1__PULL_PHASE__PULL_PHASE_UNPACKING)
        (void)snprintf(out, size, "unpacking");
    else if (said->phase == SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DONE)
        (void)snprintf(out, size, "done");
    else if (said->total_bytes > 0)
        print_share(said, out, size);
    else
        (void)snprintf(out, size, "waiting");
}

/* One column for each byte, so that a cut hits no character in the middle. */
static void disarm(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
    }
}

void sk_image_bar_print(const char *name, const response *said, int64_t rate, size_t width,
                        char out[SK_IMAGE_BAR_MAX])
{
    char state[128], layers[48] = "", speed[32], tail[48] = "";

    print_state(said, state, sizeof(state));
    if (said->layers > 0)
        (void)snprintf(layers, sizeof(layers), "  layers %" PRId32 "/%" PRId32, said->layers_done,
                       said->layers);
    if (rate > 0) {
        sk_bytes_print(rate, speed, sizeof(speed));
        (void)snprintf(tail, sizeof(tail), "  %s/s", speed);
    }
    int n = snprintf(out, SK_IMAGE_BAR_MAX, "%.80s  %s%s%s", name, state, layers, tail);
    if (n > 0 && (size_t)n > width && width < SK_IMAGE_BAR_MAX)
        out[width] = '\0';
    disarm(out);
}

void sk_image_bar_init(struct sk_image_bar *bar, const char *name, bool quiet)
{
    *bar = (struct sk_image_bar){.name = name, .quiet = quiet, .terminal = isatty(STDERR_FILENO)};
}

static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? (size_t)size.ws_col - 1 : 79;
}

/* Since bytes came; what was there before does not count. */
static int64_t rate_of(struct sk_image_bar *bar, const response *said, struct sk_instant now)
{
    if (!sk_instant_is_set(bar->begun) && said->total_bytes > 0) {
        bar->begun = now;
        bar->first = said->done_bytes;
    }
    struct sk_duration time = sk_instant_diff(now, bar->begun);
    if (said->phase != SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DOWNLOADING || time.ns < 1000000)
        return 0;
    return (int64_t)((double)(said->done_bytes - bar->first) * 1e9 / (double)time.ns);
}

void sk_image_bar_show(struct sk_image_bar *bar, const response *said)
{
    struct sk_instant now = sk_clock_boot();
    char line[SK_IMAGE_BAR_MAX];

    if (bar->quiet)
        return;
    int64_t rate = rate_of(bar, said, now);
    bool early = bar->shown && sk_instant_diff(now, bar->drawn).ns < EVERY.ns;
    if (!bar->terminal && early)
        return;
    sk_image_bar_print(bar->name, said, rate, bar->terminal ? columns() : SK_IMAGE_BAR_MAX, line);
    if (!bar->terminal && strcmp(line, bar->last) == 0)
        return;
    (void)snprintf(bar->last, sizeof(bar->last), "%s", line);
    (void)fprintf(stderr, bar->terminal ? "\r%s\x1b[K" : "%s\n", line);
    bar->drawn = now;
    bar->shown = true;
}

void sk_image_bar_fini(struct sk_image_bar *bar)
{
    if (bar->shown && bar->terminal)
        (void)fputs("\r\x1b[K", stderr);
    bar->shown = false;
}
