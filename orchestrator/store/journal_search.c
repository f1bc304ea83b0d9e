#include "store/journal_search.h"

#include "store/journal_times.h"

#include <assert.h>
#include <string.h>

enum { BLOCK_LEN = 64 * 1024, STEP_LEN = 1024 * 1024 };

/* --- the last lines ----------------------------------------------------------------- */

/* The newest segment that holds bytes before `offset`. */
static const struct sk_segment *segment_before(const struct sk_row *row, uint64_t offset)
{
    for (size_t i = row->count; i-- > 0;) {
        if (row->segments[i].len > 0 && row->segments[i].begin < offset)
            return &row->segments[i];
    }
    return NULL;
}

void sk_tail_init(struct sk_tail *tail, int dir, const struct sk_row *row, uint64_t lines)
{
    const struct sk_segment *newest = segment_before(row, UINT64_MAX);
    assert(lines > 0);
    *tail = (struct sk_tail){.dir = dir, .row = *row, .lines = lines, .at = row->end};
    if (!newest)
        tail->finished = true;
    else
        tail->at = sk_segment_end(newest);
}

static void finish(struct sk_tail *tail, uint64_t offset)
{
    tail->at = sk_row_next(&tail->row, offset);
    tail->finished = true;
}

/* Looks through `len` bytes that begin at `offset` and end at tail->at. */
static void look(struct sk_tail *tail, uint64_t offset, const uint8_t *data, size_t len, bool at_end)
{
    /* A line feed that ends the last line begins none. */
    size_t rest = at_end && data[len - 1] == '\n' ? len - 1 : len;
    const uint8_t *feed = memrchr(data, '\n', rest);
    tail->at = offset;
    while (feed && --tail->lines > 0)
        feed = memrchr(data, '\n', (size_t)(feed - data));
    if (feed)
        finish(tail, offset + (uint64_t)(feed - data) + 1);
}

/* One block backwards; false when nothing more can be looked at. */
static bool look_back(struct sk_tail *tail, int data, const struct sk_segment *segment, uint8_t *block)
{
    uint64_t have = tail->at - segment->begin;
    size_t len = have < BLOCK_LEN ? (size_t)have : BLOCK_LEN;
    uint64_t offset = tail->at - len;
    bool at_end = sk_row_next(&tail->row, tail->at) == tail->row.end;
    if (sk_segment_read(data, segment, offset, block, len) < len)
        return false;
    look(tail, offset, block, len, at_end);
    return true;
}

/* Looks at what is left of one segment, at most *budget bytes. */
static bool look_at_segment(struct sk_tail *tail, const struct sk_segment *segment, uint8_t *block,
                            size_t *budget)
{
    SK_AUTO_FD int data = sk_segment_open_data(tail->dir, segment, NULL);
    if (data < 0)
        return false;
    if (tail->at > sk_segment_end(segment))
        tail->at = sk_segment_end(segment);
    while (!tail->finished && *budget > 0 && tail->at > segment->begin) {
        if (!look_back(tail, data, segment, block))
            return false;
        *budget -= BLOCK_LEN;
    }
    return true;
}

void sk_tail_step(struct sk_tail *tail)
{
    SK_AUTO_FREE uint8_t *block = sk_alloc(BLOCK_LEN);
    size_t budget = STEP_LEN;
    while (!tail->finished && budget > 0) {
        const struct sk_segment *segment = segment_before(&tail->row, tail->at);
        if (!segment || !look_at_segment(tail, segment, block, &budget))
            finish(tail, tail->at);
    }
}

/* --- since --------------------------------------------------------------------------- */

uint64_t sk_since_find(int dir, const struct sk_row *row, struct sk_wall since)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct sk_segment *segment = &row->segments[i];
        if (segment->len > 0 && segment->last_at.ns >= since.ns)
            return sk_times_find(dir, segment, since);
    }
    return row->end;
}
