#include "store/journal_segment.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRY_SPAN INT64_C(10000000) /* ns; bytes that came within it share an entry */
#define BEGIN_MAX  (UINT64_MAX / 4)  /* no process writes that much: the name is not ours */

enum { HEX_LEN = 16, ENTRY_LEN = SK_SEGMENT_ENTRY_LEN };

/* --- names ------------------------------------------------------------------ */

void sk_segment_data_name(uint64_t begin, char out_name[SK_SEGMENT_NAME_LEN])
{
    (void)snprintf(out_name, SK_SEGMENT_NAME_LEN, "%016" PRIx64 ".log", begin);
}

void sk_segment_index_name(uint64_t begin, char out_name[SK_SEGMENT_NAME_LEN])
{
    (void)snprintf(out_name, SK_SEGMENT_NAME_LEN, "%016" PRIx64 ".idx", begin);
}

bool sk_segment_parse_name(const char *name, uint64_t *out_begin, bool *out_is_index)
{
    bool is_index = strcmp(name + strnlen(name, HEX_LEN), ".idx") == 0;
    if (!is_index && strcmp(name + strnlen(name, HEX_LEN), ".log") != 0)
        return false;
    if (strspn(name, "0123456789abcdef") != HEX_LEN)
        return false;
    uint64_t begin = strtoull(name, NULL, 16);
    if (begin > BEGIN_MAX)
        return false;
    *out_begin = begin;
    *out_is_index = is_index;
    return true;
}

/* --- entries ------------------------------------------------------------------ */

static bool write_entry(int index, uint64_t place, const struct sk_segment_entry *entry)
{
    uint64_t raw[2] = {htole64(entry->end), htole64((uint64_t)entry->at.ns)};
    off_t at = (off_t)(place * SK_SEGMENT_ENTRY_LEN);
    ssize_t put = pwrite(index, raw, sizeof(raw), at);
    while (put < 0 && errno == EINTR)
        put = pwrite(index, raw, sizeof(raw), at);
    return put == (ssize_t)sizeof(raw);
}

size_t sk_segment_read_entries(int index, uint64_t first, struct sk_segment_entry *out_entries, size_t max)
{
    size_t len = max < SK_SEGMENT_ENTRIES_MAX ? max : SK_SEGMENT_ENTRIES_MAX;
    SK_AUTO_FREE uint64_t *raw = sk_alloc(len * SK_SEGMENT_ENTRY_LEN);
    ssize_t got = pread(index, raw, len * SK_SEGMENT_ENTRY_LEN, (off_t)(first * SK_SEGMENT_ENTRY_LEN));
    size_t count = got > 0 ? (size_t)got / SK_SEGMENT_ENTRY_LEN : 0;
    for (size_t i = 0; i < count; i++) {
        out_entries[i].end = le64toh(raw[2 * i]);
        out_entries[i].at.ns = (int64_t)le64toh(raw[2 * i + 1]);
    }
    return count;
}

void sk_segment_note(struct sk_segment *segment, const struct sk_segment_files *files, uint64_t len,
                     struct sk_wall at)
{
    struct sk_segment_entry entry = {segment->begin + segment->len + len, at};
    uint64_t place = segment->entries;
    bool joins =
        segment->entries > 0 && segment->indexed == segment->len && at.ns - segment->last_at.ns < ENTRY_SPAN;
    if (segment->len == 0)
        segment->first_at = at;
    if (joins) {
        place--;
        entry.at = segment->last_at;
    }
    segment->len += len;
    segment->last_at = entry.at;
    if (files->index < 0 || !write_entry(files->index, place, &entry))
        return;
    segment->entries = place + 1;
    segment->indexed = segment->len;
}

/* --- loading ------------------------------------------------------------------ */

static enum sk_code open_file(int dir, const char *name, int flags, int *out_fd, struct sk_err *err)
{
    /* O_NONBLOCK: a FIFO in the file's place must not stop us. */
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (fd < 0)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "open %s", name);
    *out_fd = fd;
    return SK_OK;
}

static enum sk_code stat_file(int fd, const char *name, struct stat *out_info, struct sk_err *err)
{
    if (fstat(fd, out_info))
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "look at %s", name);
    if (!S_ISREG(out_info->st_mode))
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s is not a file", name);
    return SK_OK;
}

static bool follows(const struct sk_segment *segment, const struct sk_segment_entry *entry)
{
    return entry->end > segment->begin + segment->indexed &&
           entry->at.ns >= (segment->entries ? segment->last_at.ns : 1);
}

/* Takes the entry as the next of the segment. */
static void adopt(struct sk_segment *segment, const struct sk_segment_entry *entry)
{
    if (segment->entries == 0)
        segment->first_at = entry->at;
    segment->last_at = entry->at;
    segment->indexed = entry->end - segment->begin;
    segment->entries++;
}

/* First and last entry fit: so does, unless somebody else was there, what is between them (readers look
 * again). */
static bool load_quickly(int index, uint64_t size, struct sk_segment *segment)
{
    uint64_t count = size / SK_SEGMENT_ENTRY_LEN;
    struct sk_segment_entry first, last;
    struct sk_segment trial = *segment;
    if (count == 0 || size % SK_SEGMENT_ENTRY_LEN || sk_segment_read_entries(index, 0, &first, 1) != 1 ||
        sk_segment_read_entries(index, count - 1, &last, 1) != 1 || !follows(&trial, &first) ||
        last.end > sk_segment_end(segment))
        return false;
    adopt(&trial, &first);
    if (count > 1 && !follows(&trial, &last))
        return false;
    if (count > 1)
        adopt(&trial, &last);
    trial.entries = count;
    *segment = trial;
    return true;
}

/* Keeps the entries up to the first that does not fit; one that says too much is cut to size. */
static void load_slowly(int index, struct sk_segment *segment)
{
    SK_AUTO_FREE struct sk_segment_entry *entries = sk_alloc(SK_SEGMENT_ENTRIES_MAX * sizeof(*entries));
    size_t count, used;
    do {
        count = sk_segment_read_entries(index, segment->entries, entries, SK_SEGMENT_ENTRIES_MAX);
        for (used = 0; used < count && segment->indexed < segment->len; used++) {
            if (!follows(segment, &entries[used]))
                break;
            if (entries[used].end > sk_segment_end(segment)) {
                entries[used].end = sk_segment_end(segment);
                if (!write_entry(index, segment->entries, &entries[used]))
                    break;
            }
            adopt(segment, &entries[used]);
        }
    } while (used > 0 && used == count);
    /* If it cannot be cut, what is behind is written over later, and readers look at segment->entries only.
     */
    (void)!ftruncate(index, (off_t)(segment->entries * SK_SEGMENT_ENTRY_LEN));
}

static struct sk_wall modified(const struct stat *info)
{
    int64_t ns = info->st_mtim.tv_sec * INT64_C(1000000000) + info->st_mtim.tv_nsec;
    return (struct sk_wall){ns > 0 ? ns : 1};
}

/* Bytes that no entry speaks of came, at the latest, when the file last changed. */
static void index_rest(int index, const struct stat *data, struct sk_segment *segment)
{
    struct sk_segment_entry entry = {sk_segment_end(segment), modified(data)};
    if (segment->indexed == segment->len)
        return;
    if (segment->entries && entry.at.ns < segment->last_at.ns)
        entry.at = segment->last_at;
    if (segment->entries == 0)
        segment->first_at = entry.at;
    segment->last_at = entry.at;
    if (index < 0 || !write_entry(index, segment->entries, &entry))
        return;
    segment->entries++;
    segment->indexed = segment->len;
}

enum sk_code sk_segment_load(int dir, uint64_t begin, struct sk_segment *out_segment, struct sk_err *err)
{
    char data_name[SK_SEGMENT_NAME_LEN], index_name[SK_SEGMENT_NAME_LEN];
    struct sk_segment segment = {.begin = begin};
    SK_AUTO_FD int data = -1;
    SK_AUTO_FD int index = -1;
    struct stat info, index_info;
    enum sk_code code;

    sk_segment_data_name(begin, data_name);
    sk_segment_index_name(begin, index_name);
    code = open_file(dir, data_name, O_RDONLY, &data, err);
    if (code == SK_OK)
        code = stat_file(data, data_name, &info, err);
    if (code != SK_OK)
        return code;
    segment.len = (uint64_t)info.st_size;
    if (open_file(dir, index_name, O_RDWR | O_CREAT, &index, NULL) != SK_OK ||
        stat_file(index, index_name, &index_info, NULL) != SK_OK) {
        sk_close_fd(&index);
    } else if (!load_quickly(index, (uint64_t)index_info.st_size, &segment)) {
        load_slowly(index, &segment);
    }
    index_rest(index, &info, &segment);
    *out_segment = segment;
    return SK_OK;
}

/* --- making, opening, removing -------------------------------------------------- */

enum sk_code sk_segment_create(int dir, uint64_t begin, struct sk_segment_files *out_files,
                               struct sk_err *err)
{
    char name[SK_SEGMENT_NAME_LEN];
    int data = -1, index = -1;
    sk_segment_data_name(begin, name);
    enum sk_code code = open_file(dir, name, O_WRONLY | O_CREAT | O_EXCL, &data, err);
    if (code != SK_OK)
        return code;
    sk_segment_index_name(begin, name);
    (void)unlinkat(dir, name, 0);
    if (open_file(dir, name, O_WRONLY | O_CREAT | O_EXCL, &index, NULL) != SK_OK)
        index = -1; /* the bytes matter more than their times */
    *out_files = (struct sk_segment_files){data, index};
    return SK_OK;
}

enum sk_code sk_segment_open(int dir, uint64_t begin, struct sk_segment_files *out_files, struct sk_err *err)
{
    char name[SK_SEGMENT_NAME_LEN];
    int data = -1, index = -1;
    sk_segment_data_name(begin, name);
    enum sk_code code = open_file(dir, name, O_WRONLY, &data, err);
    if (code != SK_OK)
        return code;
    sk_segment_index_name(begin, name);
    if (open_file(dir, name, O_WRONLY, &index, NULL) != SK_OK)
        index = -1;
    *out_files = (struct sk_segment_files){data, index};
    return SK_OK;
}

int sk_segment_open_data(int dir, const struct sk_segment *segment, struct sk_err *err)
{
    char name[SK_SEGMENT_NAME_LEN];
    int data = -1;
    sk_segment_data_name(segment->begin, name);
    return open_file(dir, name, O_RDONLY, &data, err) == SK_OK ? data : -1;
}

size_t sk_segment_read(int data, const struct sk_segment *segment, uint64_t offset, void *out_data,
                       size_t len)
{
    size_t have = 0;
    while (have < len) {
        ssize_t got =
            pread(data, (uint8_t *)out_data + have, len - have, (off_t)(offset - segment->begin + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

enum sk_code sk_segment_rename(int dir, uint64_t from, uint64_t to, struct sk_err *err)
{
    char old_name[SK_SEGMENT_NAME_LEN], new_name[SK_SEGMENT_NAME_LEN];
    sk_segment_data_name(from, old_name);
    sk_segment_data_name(to, new_name);
    if (renameat(dir, old_name, dir, new_name))
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "rename %s", old_name);
    sk_segment_index_name(from, old_name);
    sk_segment_index_name(to, new_name);
    (void)renameat(dir, old_name, dir, new_name); /* empty as well; a new one is as good */
    return SK_OK;
}

void sk_segment_close(struct sk_segment_files *files)
{
    sk_close_fd(&files->data);
    sk_close_fd(&files->index);
}

void sk_segment_remove(int dir, uint64_t begin)
{
    char name[SK_SEGMENT_NAME_LEN];
    /* The data first: an index alone is known for a remainder. */
    sk_segment_data_name(begin, name);
    (void)unlinkat(dir, name, 0);
    sk_segment_index_name(begin, name);
    (void)unlinkat(dir, name, 0);
}
