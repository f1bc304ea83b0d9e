#include "audit/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_LEN (20 + 1 + SK_AUDIT_HASH_LEN + 1)

void sk_audit_name(uint64_t first, char out[SK_AUDIT_NAME_SIZE])
{
    (void)snprintf(out, SK_AUDIT_NAME_SIZE, "audit-%020" PRIu64 ".jsonl", first);
}

/* --- which files there are ------------------------------------------------------ */

static bool parse_name(const char *name, uint64_t *out_first)
{
    char again[SK_AUDIT_NAME_SIZE], *end;
    if (strncmp(name, "audit-", 6) != 0 || !isdigit((unsigned char)name[6]))
        return false;
    *out_first = strtoull(name + 6, &end, 10);
    sk_audit_name(*out_first, again);
    return strcmp(name, again) == 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

enum sk_code sk_audit_list(int folder, uint64_t **out_firsts, size_t *out_count, struct sk_err *err)
{
    SK_AUTO_FREE uint64_t *firsts = sk_alloc(sizeof(*firsts));
    size_t count = 0;
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SK_AUTO_DIR DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "list the audit's folder");
    for (const struct dirent *entry; (entry = readdir(dir));) {
        uint64_t first;
        if (!parse_name(entry->d_name, &first))
            continue;
        firsts = sk_realloc(firsts, (count + 1) * sizeof(*firsts));
        firsts[count++] = first;
    }
    qsort(firsts, count, sizeof(*firsts), compare);
    *out_firsts = sk_take(firsts);
    *out_count = count;
    return SK_OK;
}

/* --- the head ---------------------------------------------------------------------- */

struct sk_audit_link sk_audit_head_read(int folder)
{
    struct sk_audit_link link = SK_AUDIT_ORIGIN;
    char text[HEAD_LEN + 1] = "";
    SK_AUTO_FD int fd = openat(folder, SK_AUDIT_HEAD, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || pread(fd, text, HEAD_LEN, 0) != HEAD_LEN)
        return link;
    struct sk_audit_link read = {0};
    int end = 0;
    if (sscanf(text, "%20" SCNu64 " %64[0-9a-f]%n", &read.seq, read.hash, &end) != 2 || end != HEAD_LEN - 1)
        return link;
    return read;
}

enum sk_code sk_audit_head_write(int fd, const struct sk_audit_link *link, struct sk_err *err)
{
    char text[HEAD_LEN + 1];
    (void)snprintf(text, sizeof(text), "%020" PRIu64 " %s\n", link->seq, link->hash);
    if (pwrite(fd, text, HEAD_LEN, 0) != HEAD_LEN)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "write the audit's head");
    return SK_OK;
}

/* --- ends and beginnings of files ---------------------------------------------------- */

/* The bytes before `end`, at most a line and what may be torn. */
static ssize_t read_tail(int fd, int64_t end, char *bytes, size_t size)
{
    int64_t from = end > (int64_t)size ? end - (int64_t)size : 0;
    size_t len = (size_t)(end - from), at = 0;
    while (at < len) {
        ssize_t got = pread(fd, bytes + at, len - at, from + (int64_t)at);
        if (got <= 0)
            return got < 0 ? -1 : (ssize_t)at;
        at += (size_t)got;
    }
    return (ssize_t)len;
}

static void read_last(const char *line, size_t len, struct sk_audit_end *out)
{
    struct sk_audit_link prev;
    out->has_line = true;
    sk_audit_line_hash(line, len, out->last.hash);
    out->last.seq = sk_audit_line_parse(line, len - 1, &prev) ? prev.seq + 1 : 0;
}

enum sk_code sk_audit_end_find(int fd, struct sk_audit_end *out_end, struct sk_err *err)
{
    size_t size = 2 * SK_AUDIT_LINE_MAX;
    SK_AUTO_FREE char *bytes = sk_alloc(size);
    struct sk_audit_end found = {.last = SK_AUDIT_ORIGIN};
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "look at the audit's last file");
    ssize_t len = read_tail(fd, stat.st_size, bytes, size);
    if (len < 0)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "read the audit's last file");
    const char *end = len > 0 ? memrchr(bytes, '\n', (size_t)len) : NULL;
    found.torn = end ? bytes + len - (end + 1) : len;
    found.size = stat.st_size - found.torn;
    if (end) {
        const char *before = end > bytes ? memrchr(bytes, '\n', (size_t)(end - bytes)) : NULL;
        const char *line = before ? before + 1 : bytes;
        read_last(line, (size_t)(end + 1 - line), &found);
    }
    *out_end = found;
    return SK_OK;
}

bool sk_audit_first_prev(int folder, uint64_t first, struct sk_audit_link *out_prev)
{
    char name[SK_AUDIT_NAME_SIZE];
    SK_AUTO_FREE char *bytes = sk_alloc(SK_AUDIT_LINE_MAX + 1);
    sk_audit_name(first, name);
    SK_AUTO_FD int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd < 0 ? -1 : pread(fd, bytes, SK_AUDIT_LINE_MAX, 0);
    const char *end = len > 0 ? memchr(bytes, '\n', (size_t)len) : NULL;
    return end && sk_audit_line_parse(bytes, (size_t)(end - bytes), out_prev);
}
