/* progress.h: how far a copy is, on standard error: only when that is a
 * terminal, and only for what takes longer than a second. */
#ifndef SK_CLI_PROGRESS_H
#define SK_CLI_PROGRESS_H

#include "base/clock.h"

#include <stddef.h>

struct sk_progress {
    const char *name; /* borrowed */
    int64_t total;    /* bytes; -1 = not known */
    int64_t done;
    struct sk_instant begun, drawn;
    bool off, shown;
};

/* Pure: "name  12.3 MiB / 40.0 MiB  31 %  4.1 MiB/s", cut to `width` columns; control characters of the
 * name are shown as "?". */
void sk_progress_print(const char *name, int64_t done, int64_t total, struct sk_duration time, size_t width,
                       char *out, size_t size);
/* "999 B", "1.0 KiB", "12.3 MiB". Pure. */
void sk_bytes_print(int64_t bytes, char *out, size_t size);

void sk_progress_init(struct sk_progress *progress, const char *name, int64_t total);
void sk_progress_add(struct sk_progress *progress, size_t bytes);
/* Wipes the line. */
void sk_progress_fini(struct sk_progress *progress);

#endif
