#include "audit/writer.h"

#include "audit/prune.h"
#include "base/file.h"
#include "base/json_out.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MODE   0600
#define BATCH_BYTES ((size_t)256 << 10)
#define SYNC_EVERY  SK_SEC(1)
#define PRUNE_EVERY SK_SEC(3600)

/* --- bytes into the file ---------------------------------------------------------- */

/* All of it or, as far as the disk lets us, nothing. */
static enum sk_code append(struct sk_audit_writer *w, const struct sk_buf *bytes, struct sk_err *err)
{
    size_t at = 0;
    while (at < bytes->len) {
        ssize_t put = write(w->file, bytes->data + at, bytes->len - at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            int sys = put < 0 ? errno : ENOSPC;
            (void)!ftruncate(w->file, w->size);
            return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, sys, "write the audit");
        }
        at += (size_t)put;
    }
    w->size += (int64_t)bytes->len;
    w->dirty = true;
    return SK_OK;
}

enum sk_code sk_audit_writer_sync(struct sk_audit_writer *w, struct sk_err *err)
{
    if (!w->dirty)
        return SK_OK;
    if (fdatasync(w->file) != 0 || fdatasync(w->head) != 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "have the disk keep the audit");
    w->dirty = false;
    w->synced = sk_clock_boot();
    return SK_OK;
}

static enum sk_code sync_if_due(struct sk_audit_writer *w, struct sk_err *err)
{
    enum sk_audit_sync sync = w->limits.sync;
    bool due =
        sync == SK_AUDIT_SYNC_GROUP ||
        (sync == SK_AUDIT_SYNC_SECOND && sk_instant_diff(sk_clock_boot(), w->synced).ns >= SYNC_EVERY.ns);
    return due ? sk_audit_writer_sync(w, err) : SK_OK;
}

/* --- lines of its own --------------------------------------------------------------- */

enum sk_code sk_audit_writer_say(struct sk_audit_writer *w, const char *event, const char *more,
                                 struct sk_err *err)
{
    struct sk_ring_state state = sk_ring_state(&w->ring);
    struct sk_audit_link link = w->link;
    char time[SK_JSON_TIME_SIZE];
    sk_json_out_time(sk_clock_wall(), time);
    SK_AUTO_FREE char *body = sk_printf("\"time\":\"%s\",\"event\":\"%s\"%s", time, event, more);
    sk_buf_clear(&w->lines);
    if (sk_audit_chain_add(&link, body, strlen(body), &w->lines) != SK_OK)
        return sk_fail(err, SK_INTERNAL, "a line of the audit is too long");
    state.is_own = 1;
    sk_ring_commit(&w->ring, state);
    enum sk_code code = append(w, &w->lines, err);
    if (code == SK_OK) {
        w->link = link;
        w->written++;
    }
    state.is_own = 0;
    state.seq = w->link.seq + 1;
    sk_ring_commit(&w->ring, state);
    /* The line is there: to say it again would be a lie. A head that fails is told with the next batch. */
    if (code == SK_OK)
        (void)!sk_audit_head_write(w->head, &w->link, NULL);
    return code;
}

/* --- files --------------------------------------------------------------------------- */

static enum sk_code open_file(struct sk_audit_writer *w, uint64_t first, struct sk_err *err)
{
    char name[SK_AUDIT_NAME_SIZE];
    sk_audit_name(first, name);
    SK_AUTO_FD int fd =
        openat(w->folder, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0 || fsync(w->folder) != 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "open the audit's %s", name);
    if (!S_ISREG(stat.st_mode)) /* writing to a FIFO would wait for a reader */
        return sk_fail(err, SK_FAILED_PRECONDITION, "the audit's %s is not a file", name);
    sk_close_fd(&w->file);
    w->file = sk_take_fd(&fd);
    return SK_OK;
}

static enum sk_code prune(struct sk_audit_writer *w, struct sk_err *err)
{
    w->pruned = sk_clock_boot();
    return sk_audit_prune(w, err);
}

/* Nothing may go before its time, so it is as if the disk refused. */
static enum sk_code make_room(struct sk_audit_writer *w, struct sk_err *err)
{
    enum sk_code code = w->limits.keeps ? prune(w, err) : SK_OK;
    if (code == SK_OK && w->limits.keeps && w->files >= w->limits.files)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED,
                       "the audit is full, and keeps what it has (audit_full): raise audit_files, or lower "
                       "audit_days");
    return code;
}

void sk_audit_writer_limit(struct sk_audit_writer *w, const struct sk_audit_limits *limits)
{
    w->limits = *limits;
    w->pruned = sk_instant_add(sk_clock_boot(), SK_NS(-PRUNE_EVERY.ns)); /* it is due */
}

double sk_audit_writer_room(const struct sk_audit_writer *w)
{
    const struct sk_audit_limits *limits = &w->limits;
    double files = (double)w->files - 1 + (double)w->size / (double)limits->file_bytes;
    double left = 1 - files / (double)limits->files;
    return !limits->keeps || left > 1 ? 1 : left < 0 ? 0 : left;
}

static enum sk_code rotate(struct sk_audit_writer *w, struct sk_err *err)
{
    enum sk_code code = sk_audit_writer_sync(w, err);
    if (code == SK_OK)
        code = make_room(w, err);
    if (code == SK_OK)
        code = open_file(w, w->link.seq + 1, err);
    if (code != SK_OK)
        return code;
    w->size = 0;
    return prune(w, err);
}

/* --- what waits ------------------------------------------------------------------------ */

/* Whether it is what sk_audit_event_write writes, as far as the chain depends on it: nothing else may come
 * out of the ring, whatever became of it. */
static bool is_event(const struct sk_buf *record)
{
    static const char begin[] = "\"time\":\"";
    if (record->len < sizeof(begin) || memcmp(record->data, begin, sizeof(begin) - 1) != 0)
        return false;
    for (size_t i = 0; i < record->len; i++)
        if (record->data[i] < 0x20)
            return false;
    return true;
}

/* The next record in w->record; false: there is none, or none of ours. */
static bool next_record(struct sk_audit_writer *w, uint64_t *at)
{
    sk_buf_clear(&w->record);
    return sk_ring_peek(&w->ring, at, &w->record) && is_event(&w->record);
}

/* What waits but cannot be read was not written by us; it must not hold up what comes. */
static enum sk_code forget_broken(struct sk_audit_writer *w)
{
    struct sk_ring_state state = sk_ring_state(&w->ring);
    uint64_t end = sk_ring_end(&w->ring), at = state.at;
    if (at == end || next_record(w, &at))
        return SK_OK;
    state.at = end;
    sk_ring_commit(&w->ring, state);
    return SK_OK;
}

static enum sk_code write_batch(struct sk_audit_writer *w, struct sk_err *err)
{
    struct sk_ring_state state = sk_ring_state(&w->ring);
    struct sk_audit_link link = w->link;
    sk_buf_clear(&w->lines);
    while (w->lines.len < BATCH_BYTES) {
        uint64_t at = state.at;
        if (!next_record(w, &at))
            break;
        if (sk_audit_chain_add(&link, w->record.data, w->record.len, &w->lines) != SK_OK)
            return sk_fail(err, SK_INTERNAL, "a line of the audit is too long");
        state.at = at;
    }
    if (w->lines.len == 0)
        return forget_broken(w);
    enum sk_code code = append(w, &w->lines, err);
    if (code != SK_OK)
        return code;
    w->written += link.seq - w->link.seq;
    w->link = link;
    state.seq = link.seq + 1;
    sk_ring_commit(&w->ring, state);
    return sk_audit_head_write(w->head, &w->link, err);
}

static enum sk_code tell_gap(struct sk_audit_writer *w, struct sk_err *err)
{
    char more[64];
    uint64_t lost = sk_ring_lost(&w->ring), told = sk_ring_state(&w->ring).told;
    if (lost == told)
        return SK_OK;
    (void)snprintf(more, sizeof(more), ",\"lost\":%" PRIu64, lost - told);
    enum sk_code code = sk_audit_writer_say(w, "audit.gap", more, err);
    if (code != SK_OK)
        return code;
    struct sk_ring_state state = sk_ring_state(&w->ring);
    state.told = lost;
    sk_ring_commit(&w->ring, state);
    return SK_OK;
}

bool sk_audit_writer_has_more(const struct sk_audit_writer *w)
{
    return sk_ring_used(&w->ring) > 0 || sk_ring_lost(&w->ring) != sk_ring_state(&w->ring).told;
}

enum sk_code sk_audit_writer_step(struct sk_audit_writer *w, struct sk_err *err)
{
    enum sk_code code = SK_OK;
    if (w->size >= w->limits.file_bytes)
        code = rotate(w, err);
    else if (sk_instant_diff(sk_clock_boot(), w->pruned).ns >= PRUNE_EVERY.ns)
        code = prune(w, err);
    if (code == SK_OK)
        code = write_batch(w, err);
    if (code == SK_OK)
        code = tell_gap(w, err);
    return code == SK_OK ? sync_if_due(w, err) : code;
}

void sk_audit_writer_close(struct sk_audit_writer *w)
{
    sk_ring_close(&w->ring);
    sk_close_fd(&w->file);
    sk_close_fd(&w->head);
    sk_close_fd(&w->folder);
    sk_buf_fini(&w->lines);
    sk_buf_fini(&w->record);
}

/* --- opening ---------------------------------------------------------------------------- */

static enum sk_code open_folder(struct sk_audit_writer *w, const char *path, struct sk_err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "make %s", path);
    w->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w->folder < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "open %s", path);
    w->head = openat(w->folder, SK_AUDIT_HEAD, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    return w->head < 0 ? sk_fail_sys(err, SK_UNAVAILABLE, errno, "open the audit's head") : SK_OK;
}

static enum sk_code open_ring(struct sk_audit_writer *w, bool *out_found, struct sk_err *out_note,
                              struct sk_err *err)
{
    const char *apart_name = w->limits.ring_folder;
    SK_AUTO_FD int apart = apart_name ? open(apart_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    SK_AUTO_FREE char *boot = NULL;
    size_t len;
    mode_t mode;
    enum sk_code code = sk_file_load("/proc/sys/kernel/random/boot_id", 64, &boot, &len, &mode, err);
    if (code != SK_OK)
        return code;
    boot[strcspn(boot, "\n")] = '\0';
    sk_ring_open(&w->ring, apart >= 0 ? apart : w->folder, apart >= 0 ? SK_AUDIT_RING_APART : SK_AUDIT_RING,
                 boot, out_found, out_note);
    return SK_OK;
}

/* Half a line, of a daemon that was killed while it wrote: kept, but not in the chain. */
static enum sk_code set_aside(struct sk_audit_writer *w, const struct sk_audit_end *end, struct sk_err *err)
{
    char name[64];
    SK_AUTO_FREE char *bytes = sk_alloc((size_t)end->torn + 1);
    if (end->torn == 0)
        return SK_OK;
    (void)snprintf(name, sizeof(name), "torn-%020" PRIu64, w->link.seq + 1);
    if (pread(w->file, bytes, (size_t)end->torn, end->size) != end->torn)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "read what is torn of the audit");
    enum sk_code code = sk_file_replace_at(w->folder, name, bytes, (size_t)end->torn, FILE_MODE, err);
    if (code == SK_OK && ftruncate(w->file, end->size) != 0)
        code = sk_fail_sys(err, SK_UNAVAILABLE, errno, "cut off what is torn of the audit");
    return code;
}

/* The newest line there is, and the newest file opened, half a line and all. */
static enum sk_code find_end(struct sk_audit_writer *w, struct sk_audit_end *out_end, struct sk_err *err)
{
    SK_AUTO_FREE uint64_t *firsts = NULL;
    size_t count = 0;
    enum sk_code code = sk_audit_list(w->folder, &firsts, &count, err);
    *out_end = (struct sk_audit_end){.last = SK_AUDIT_ORIGIN};
    if (code != SK_OK || count == 0)
        return code;
    struct sk_audit_end end = *out_end;
    for (size_t i = count; code == SK_OK && i-- > 0 && !end.has_line;) {
        code = open_file(w, firsts[i], err);
        if (code == SK_OK)
            code = sk_audit_end_find(w->file, &end, err);
        if (i + 1 == count)
            *out_end = end;
    }
    out_end->last = end.last;
    out_end->has_line = end.has_line;
    return code == SK_OK ? open_file(w, firsts[count - 1], err) : code;
}

/* How many of the ring's records the files have already. */
static void skip_written(struct sk_audit_writer *w, bool found)
{
    struct sk_ring_state state = sk_ring_state(&w->ring);
    uint64_t next = w->link.seq + 1;
    if (found && state.is_own && next > state.seq)
        state.seq++;
    for (; found && state.seq < next; state.seq++) {
        sk_buf_clear(&w->record);
        if (!sk_ring_peek(&w->ring, &state.at, &w->record))
            break;
    }
    state.seq = next;
    state.is_own = 0;
    sk_ring_commit(&w->ring, state);
}

static enum sk_code tell_past(struct sk_audit_writer *w, const struct sk_audit_end *end,
                              const struct sk_audit_link *head, struct sk_err *err)
{
    char more[200];
    enum sk_code code = SK_OK;
    (void)snprintf(more, sizeof(more), ",\"bytes\":%" PRId64, end->torn);
    if (end->torn > 0)
        code = sk_audit_writer_say(w, "audit.torn", more, err);
    (void)snprintf(more, sizeof(more), ",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"hash\":\"%s\"",
                   end->last.seq + 1, head->seq, head->hash);
    if (code == SK_OK && head->seq > end->last.seq)
        code = sk_audit_writer_say(w, "audit.lost", more, err);
    return code;
}

static enum sk_code resume(struct sk_audit_writer *w, struct sk_err *out_note, struct sk_err *err)
{
    struct sk_audit_link head = sk_audit_head_read(w->folder);
    struct sk_audit_end end;
    bool found = false;
    enum sk_code code = find_end(w, &end, err);
    if (code == SK_OK)
        code = open_ring(w, &found, out_note, err);
    if (code != SK_OK)
        return code;
    w->link = end.last;
    if (!end.has_line && head.seq > 0) /* all files are gone: what comes now still fits behind them */
        w->link = head;
    if (end.has_line && end.last.seq == 0) /* it was tampered with: go on behind it */
        w->link.seq = end.last.seq = head.seq > 0 ? head.seq : 1;
    w->size = end.size;
    if (w->file < 0)
        code = open_file(w, w->link.seq + 1, err);
    else
        code = set_aside(w, &end, err);
    if (code == SK_OK)
        code = sk_audit_count(w, err);
    if (code != SK_OK)
        return code;
    skip_written(w, found);
    (void)!tell_past(w, &end, &head, out_note); /* a disk that refuses may not do so for ever */
    return SK_OK;
}

enum sk_code sk_audit_writer_open(struct sk_audit_writer *w, const char *folder,
                                  const struct sk_audit_limits *limits, struct sk_err *out_note,
                                  struct sk_err *err)
{
    *w = (struct sk_audit_writer){.limits = *limits, .folder = -1, .file = -1, .head = -1};
    *out_note = (struct sk_err){0};
    sk_buf_init(&w->lines, BATCH_BYTES + 2 * SK_AUDIT_LINE_MAX);
    sk_buf_init(&w->record, 2 * SK_AUDIT_EVENT_MAX);
    w->synced = sk_clock_boot();
    enum sk_code code = open_folder(w, folder, err);
    if (code == SK_OK)
        code = resume(w, out_note, err);
    enum sk_code written = code;
    while (written == SK_OK && sk_audit_writer_has_more(w))
        written = sk_audit_writer_step(w, out_note);
    if (written == SK_OK)
        (void)!prune(w, out_note);
    if (code != SK_OK)
        sk_audit_writer_close(w);
    return code;
}
