#include "store/journal_times.h"

#include <fcntl.h>

/* An entry is looked for that ends behind `behind` and is of `since` or later. */
struct wanted {
    uint64_t behind;
    int64_t since;
};

static int open_index(int dir, const struct sk_segment *segment)
{
    char name[SK_SEGMENT_NAME_LEN];
    sk_segment_index_name(segment->begin, name);
    return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* The place of the first entry that fits; segment->entries when none does. */
static uint64_t search(int index, const struct sk_segment *segment, const struct wanted *wanted)
{
    uint64_t low = 0, high = segment->entries;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct sk_segment_entry entry;
        bool fits = sk_segment_read_entries(index, middle, &entry, 1) == 1 && entry.end > wanted->behind &&
                    entry.at.ns >= wanted->since;
        if (fits)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The first byte of the entry at `place`, or of what is behind the last one. */
static uint64_t first_byte(int index, const struct sk_segment *segment, uint64_t place)
{
    struct sk_segment_entry before;
    if (place == 0 || sk_segment_read_entries(index, place - 1, &before, 1) != 1)
        return segment->begin;
    if (before.end < segment->begin || before.end > sk_segment_end(segment))
        return segment->begin;
    return before.end;
}

uint64_t sk_times_find(int dir, const struct sk_segment *segment, struct sk_wall since)
{
    struct wanted wanted = {0, since.ns};
    if (since.ns <= segment->first_at.ns)
        return segment->begin;
    if (since.ns > segment->last_at.ns)
        return sk_segment_end(segment);
    SK_AUTO_FD int index = open_index(dir, segment);
    return first_byte(index, segment, search(index, segment, &wanted));
}

static void add(struct sk_journal_mark *marks, size_t *count, uint64_t offset, struct sk_wall at)
{
    if (*count > 0 && at.ns < marks[*count - 1].at.ns)
        at = marks[*count - 1].at;
    marks[(*count)++] = (struct sk_journal_mark){offset, at};
}

struct sk_journal_mark *sk_times_of(int dir, const struct sk_segment *segment, uint64_t offset, size_t *len,
                                    size_t *out_count)
{
    SK_AUTO_FREE struct sk_segment_entry *entries = sk_alloc(SK_SEGMENT_ENTRIES_MAX * sizeof(*entries));
    SK_AUTO_FD int index = open_index(dir, segment);
    uint64_t place = search(index, segment, &(struct wanted){offset, INT64_MIN});
    uint64_t at = first_byte(index, segment, place), end = offset + *len;
    uint64_t left = segment->entries - place;
    size_t max = left < SK_SEGMENT_ENTRIES_MAX ? (size_t)left : SK_SEGMENT_ENTRIES_MAX;
    size_t read = max ? sk_segment_read_entries(index, place, entries, max) : 0, count = 0;
    struct sk_journal_mark *marks = sk_alloc((read + 1) * sizeof(*marks));

    if (at > offset) /* the index contradicts itself */
        at = offset;
    for (size_t i = 0; i < read && at < end; i++) {
        if (entries[i].end <= at)
            continue;
        add(marks, &count, at, entries[i].at);
        at = entries[i].end;
    }
    if (at < end && at > offset && read < left) /* the rest another time */
        *len = (size_t)(at - offset);
    else if (at < end)
        add(marks, &count, at, segment->last_at);
    *out_count = count;
    return marks;
}
