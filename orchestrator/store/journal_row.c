#include "store/journal_row.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* --- asking --------------------------------------------------------------------- */

struct sk_segment *sk_row_newest(struct sk_row *row)
{
    return row->count ? &row->segments[row->count - 1] : NULL;
}

uint64_t sk_row_size(const struct sk_row *row)
{
    uint64_t size = 0;
    for (size_t i = 0; i < row->count; i++)
        size += sk_segment_size(&row->segments[i]);
    return size;
}

const struct sk_segment *sk_row_find(const struct sk_row *row, uint64_t offset)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct sk_segment *segment = &row->segments[i];
        if (offset >= segment->begin && offset < sk_segment_end(segment))
            return segment;
    }
    return NULL;
}

uint64_t sk_row_next(const struct sk_row *row, uint64_t offset)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct sk_segment *segment = &row->segments[i];
        if (segment->len > 0 && offset < sk_segment_end(segment))
            return offset > segment->begin ? offset : segment->begin;
    }
    return row->end;
}

/* --- taking out ------------------------------------------------------------------- */

void sk_row_drop_oldest(struct sk_row *row, int dir)
{
    sk_segment_remove(dir, row->segments[0].begin);
    row->count--;
    memmove(&row->segments[0], &row->segments[1], row->count * sizeof(row->segments[0]));
}

static void drop_newest(struct sk_row *row, int dir)
{
    row->count--;
    sk_segment_remove(dir, row->segments[row->count].begin);
}

static void drop_all(struct sk_row *row, int dir, const struct sk_log *log, const char *why)
{
    sk_log(log, SK_WARN, "journal.dropped", SK_STR("why", why), SK_INT("from", row->segments[0].begin),
           SK_INT("to", row->end));
    while (row->count > 0)
        drop_newest(row, dir);
}

/* --- loading ---------------------------------------------------------------------- */

/* Begins of segments, as names tell them. */
struct names {
    uint64_t *list;
    size_t len, cap;
};

static void add_name(struct names *names, uint64_t begin)
{
    if (names->len == names->cap) {
        names->cap = names->cap ? 2 * names->cap : SK_ROW_MAX;
        names->list = sk_realloc(names->list, names->cap * sizeof(*names->list));
    }
    names->list[names->len++] = begin;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum sk_code list_folder(int dir, struct names *data, struct names *indices, struct sk_err *err)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        enum sk_code code = sk_fail_sys(err, sk_code_from_errno(errno), errno, "list the journal");
        sk_close_fd(&fd);
        return code;
    }
    for (const struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
        uint64_t begin;
        bool is_index;
        if (sk_segment_parse_name(entry->d_name, &begin, &is_index))
            add_name(is_index ? indices : data, begin);
    }
    (void)closedir(stream);
    if (data->len > 0)
        qsort(data->list, data->len, sizeof(*data->list), compare);
    return SK_OK;
}

/* Indices whose data is gone: a writer was killed between the two. */
static void remove_orphans(int dir, const struct names *data, const struct names *indices)
{
    for (size_t i = 0; i < indices->len; i++) {
        const uint64_t *begin = &indices->list[i];
        if (data->len == 0 || !bsearch(begin, data->list, data->len, sizeof(*begin), compare))
            sk_segment_remove(dir, *begin);
    }
}

static void append(struct sk_row *row, int dir, const struct sk_log *log, const struct sk_segment *segment)
{
    const struct sk_segment *newest = sk_row_newest(row);
    if (newest && newest->len == 0)
        drop_newest(row, dir);
    if (row->count > 0 && segment->begin < row->end)
        drop_all(row, dir, log, "what follows overlaps");
    if (row->count == SK_ROW_MAX)
        sk_row_drop_oldest(row, dir);
    row->segments[row->count++] = *segment;
    row->end = sk_segment_end(segment);
}

/* A link, a folder, a FIFO: not ours, and in our way. */
static bool is_foreign(const struct sk_err *err)
{
    return err->code == SK_FAILED_PRECONDITION || err->sys == ELOOP || err->sys == ENXIO;
}

enum sk_code sk_row_load(int dir, const struct sk_log *log, struct sk_row *out_row, struct sk_err *err)
{
    struct names data = {0}, indices = {0};
    struct sk_err fault = {0};
    enum sk_code code = list_folder(dir, &data, &indices, &fault);

    *out_row = (struct sk_row){0};
    if (code == SK_OK)
        remove_orphans(dir, &data, &indices);
    for (size_t i = 0; i < data.len && code == SK_OK; i++) {
        struct sk_segment segment;
        code = sk_segment_load(dir, data.list[i], &segment, &fault);
        if (code == SK_OK) {
            append(out_row, dir, log, &segment);
        } else if (is_foreign(&fault)) {
            sk_log_err(log, SK_WARN, "journal.foreign", &fault);
            sk_segment_remove(dir, data.list[i]);
            code = SK_OK;
        }
    }
    free(data.list);
    free(indices.list);
    if (code != SK_OK && err)
        *err = fault;
    return code;
}
