#include "core/timeline.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sk_timeline_fini(struct sk_timeline *timeline)
{
    free(sk_take(timeline->items));
    timeline->count = timeline->next = 0;
}

/* What is no text is shown as question marks; a character that was cut in two is left out. */
static void clean(char *text)
{
    size_t len = strlen(text), at = 0;

    len -= sk_utf8_unfinished(text, len);
    text[len] = '\0';
    while (at < len) {
        size_t step = sk_utf8_next(text + at, len - at);
        if (!step)
            text[at] = '?';
        at += step ? step : 1;
    }
}

void sk_timeline_add(struct sk_timeline *timeline, struct sk_wall at, const char *kind, const char *id,
                     const char *fmt, ...)
{
    struct sk_happening *h;
    va_list args;

    if (!timeline->items)
        timeline->items = sk_alloc(SK_TIMELINE_MAX * sizeof(timeline->items[0]));
    h = &timeline->items[timeline->next];
    *h = (struct sk_happening){.at = at, .kind = kind};
    (void)snprintf(h->id, sizeof(h->id), "%s", id);
    va_start(args, fmt);
    (void)vsnprintf(h->text, sizeof(h->text), fmt, args);
    va_end(args);
    clean(h->text);
    timeline->next = (timeline->next + 1) % SK_TIMELINE_MAX;
    timeline->count += timeline->count < SK_TIMELINE_MAX;
}

const struct sk_happening *sk_timeline_get(const struct sk_timeline *timeline, size_t index)
{
    return &timeline->items[(timeline->next + SK_TIMELINE_MAX - 1 - index) % SK_TIMELINE_MAX];
}
