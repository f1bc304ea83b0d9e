#include "audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TRIES     10 /* while the daemon removes files faster than they are read */
#define LINE_SIZE (SK_AUDIT_LINE_MAX + 1)

struct walk {
    int folder;
    struct sk_audit_report *report;
    struct sk_audit_link link;  /* the last line that was read */
    struct sk_audit_link begin; /* what the first line there is follows on */
    struct sk_audit_link head;
    bool begin_is_told; /* the chain tells of what was before the first line */
    bool is_outrun;     /* what was missed may be the daemon's doing, at this moment */
    uint64_t line;
};

static bool fail(struct walk *walk, uint64_t line, const char *format, ...) SK_PRINTF(3, 4);
static bool fail(struct walk *walk, uint64_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(walk->report->what, sizeof(walk->report->what), format, args);
    va_end(args);
    walk->report->broken = true;
    walk->report->line = line;
    return false;
}

/* --- one line ------------------------------------------------------------------- */

static uint64_t number_of(const char *line, const char *key)
{
    char text[24];
    sk_audit_line_field(line, key, text, sizeof(text));
    return strtoull(text, NULL, 10);
}

/* What the audit says of itself. */
static void note(struct walk *walk, const char *line)
{
    char event[32], hash[SK_AUDIT_HASH_LEN + 1];
    sk_audit_line_field(line, "event", event, sizeof(event));
    if (strncmp(event, "audit.", 6) != 0)
        return;
    sk_audit_line_field(line, "hash", hash, sizeof(hash));
    walk->report->lost += strcmp(event, "audit.gap") == 0 ? number_of(line, "lost") : 0;
    walk->report->missing += strcmp(event, "audit.lost") == 0;
    walk->report->torn += strcmp(event, "audit.torn") == 0;
    if (strcmp(event, "audit.removed") == 0) {
        walk->report->removed++;
        walk->begin_is_told |=
            number_of(line, "last") == walk->begin.seq && strcmp(hash, walk->begin.hash) == 0;
    }
    if (strcmp(event, "audit.lost") == 0)
        walk->begin_is_told |=
            number_of(line, "last") == walk->begin.seq && strcmp(hash, walk->begin.hash) == 0;
}

static bool fits(struct walk *walk, const struct sk_audit_link *prev)
{
    if (prev->seq != walk->link.seq)
        return fail(walk, walk->line,
                    "it has the number %" PRIu64 " where %" PRIu64
                    " belongs: lines were taken out, put in or moved",
                    prev->seq + 1, walk->link.seq + 1);
    if (strcmp(prev->hash, walk->link.hash) != 0)
        return fail(walk, walk->line,
                    "it follows on another line %" PRIu64
                    " than the one that stands there: that one was changed",
                    prev->seq);
    return true;
}

/* With its line end. False: it breaks the chain. */
static bool take_line(struct walk *walk, char *line, size_t len)
{
    struct sk_audit_link prev;
    walk->line++;
    if (line[len - 1] != '\n' || len > SK_AUDIT_LINE_MAX || !sk_audit_line_parse(line, len - 1, &prev))
        return fail(walk, walk->line, "it is no line of the audit");
    if (walk->report->lines == 0 && prev.seq != 0)
        walk->begin = walk->link = prev;
    if (!fits(walk, &prev))
        return false;
    walk->link.seq = prev.seq + 1;
    sk_audit_line_hash(line, len, walk->link.hash);
    if (walk->link.seq == walk->head.seq && strcmp(walk->link.hash, walk->head.hash) != 0)
        return fail(walk, walk->line, "it is not the line that the head knows: it was changed");
    if (walk->report->lines++ == 0)
        walk->report->first = walk->link.seq;
    line[len - 1] = '\0';
    note(walk, line);
    return true;
}

/* --- files ------------------------------------------------------------------------ */

static FILE *open_file(int folder, uint64_t first)
{
    char name[SK_AUDIT_NAME_SIZE];
    sk_audit_name(first, name);
    int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW); /* a FIFO stops nobody */
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file && fd >= 0)
        (void)close(fd);
    return file;
}

/* A line with its end, or what there is instead: no more than one byte beyond the longest. 0 at the end. */
static size_t read_line(FILE *file, char line[LINE_SIZE])
{
    size_t len = 0;
    for (int c = 0; len < LINE_SIZE && c != '\n' && (c = getc_unlocked(file)) != EOF;)
        line[len++] = (char)c;
    return len;
}

static bool read_lines(struct walk *walk, FILE *file, bool is_newest)
{
    SK_AUTO_FREE char *line = sk_alloc(LINE_SIZE);
    bool fine = true;
    for (size_t len; fine && (len = read_line(file, line)) > 0;) {
        if (line[len - 1] != '\n' && len < LINE_SIZE && is_newest)
            walk->report->is_open_ended = true;
        else
            fine = take_line(walk, line, len);
    }
    return fine && ferror(file) ? fail(walk, 0, "it cannot be read: %s", strerror(errno)) : fine;
}

static bool is_file(FILE *file)
{
    struct stat stat;
    return fstat(fileno(file), &stat) == 0 && S_ISREG(stat.st_mode);
}

static bool check_file(struct walk *walk, uint64_t first, bool is_newest)
{
    SK_AUTO_FILE FILE *file = open_file(walk->folder, first);
    sk_audit_name(first, walk->report->file);
    walk->line = 0;
    walk->report->files++;
    walk->is_outrun = !file && errno == ENOENT;
    if (!file)
        return fail(walk, 0, "it cannot be read: %s", strerror(errno));
    if (!is_file(file))
        return fail(walk, 0, "it is not a file");
    if (walk->report->lines > 0 && first != walk->link.seq + 1)
        return fail(walk, 0, "it should begin with line %" PRIu64 ": lines or a whole file are missing",
                    walk->link.seq + 1);
    if (!read_lines(walk, file, is_newest))
        return false;
    if (walk->report->lines > 0 && walk->report->first > first && walk->report->files == 1)
        return fail(walk, 1, "the lines that it began with are missing");
    return true;
}

/* What only the whole can show. */
static void check_ends(struct walk *walk)
{
    struct sk_audit_report *report = walk->report;
    if (report->broken)
        return;
    walk->is_outrun = walk->head.seq == 0 && walk->link.seq == 1; /* the head follows upon the first line */
    if (report->files == 0 && walk->head.seq == 0)
        (void)fail(walk, 0, "there is nothing, not even a head: it was taken away, or never written");
    else if (walk->begin.seq > 0 && !walk->begin_is_told)
        (void)fail(walk, 0, "the lines up to %" PRIu64 " are missing, and the audit does not tell of it",
                   walk->begin.seq);
    else if (walk->head.seq > walk->link.seq)
        (void)fail(walk, 0, "the lines from %" PRIu64 " to %" PRIu64 " are missing at the end",
                   walk->link.seq + 1, walk->head.seq);
    else if (walk->head.seq == 0 && walk->link.seq > 0)
        (void)fail(walk, 0, "there is no head: whether lines are missing at the end cannot be told");
}

static enum sk_code open_folder(const char *path, int *out_fd, struct sk_err *err)
{
    *out_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *out_fd < 0 ? sk_fail_sys(err, SK_UNAVAILABLE, errno, "open %s", path) : SK_OK;
}

static enum sk_code verify(int folder, struct sk_audit_report *out_report, bool *out_is_outrun,
                           struct sk_err *err)
{
    struct walk walk = {
        .folder = folder, .report = out_report, .link = SK_AUDIT_ORIGIN, .begin = SK_AUDIT_ORIGIN};
    SK_AUTO_FREE uint64_t *firsts = NULL;
    size_t count = 0;
    *out_report = (struct sk_audit_report){0};
    walk.head = sk_audit_head_read(folder); /* before the lines: it may be written meanwhile */
    enum sk_code code = sk_audit_list(folder, &firsts, &count, err);
    if (code != SK_OK)
        return code;
    for (size_t i = 0; i < count && !out_report->broken; i++)
        (void)check_file(&walk, firsts[i], i + 1 == count);
    check_ends(&walk);
    out_report->last = walk.link.seq;
    *out_is_outrun = walk.is_outrun;
    return SK_OK;
}

enum sk_code sk_audit_verify(const char *folder, struct sk_audit_report *out_report, struct sk_err *err)
{
    SK_AUTO_FD int fd = -1;
    enum sk_code code = open_folder(folder, &fd, err);
    bool is_outrun = true;
    for (int tries = 0; code == SK_OK && is_outrun && tries < TRIES; tries++)
        code = verify(fd, out_report, &is_outrun, err);
    return code;
}

/* False: `each` has seen enough. What is no line is passed over. */
static bool show_lines(FILE *file, char *line, bool (*each)(void *arg, const char *line), void *arg)
{
    bool goes_on = true, is_whole = true;
    for (size_t len; goes_on && (len = read_line(file, line)) > 0;) {
        bool begins = is_whole;
        is_whole = line[len - 1] == '\n';
        if (!begins || !is_whole)
            continue;
        line[len - 1] = '\0';
        goes_on = each(arg, line);
    }
    return goes_on;
}

/* One that the daemon has removed meanwhile is none. */
static enum sk_code show_file(int folder, uint64_t first, char *line,
                              bool (*each)(void *arg, const char *line), void *arg, bool *out_goes_on,
                              struct sk_err *err)
{
    SK_AUTO_FILE FILE *file = open_file(folder, first);
    char name[SK_AUDIT_NAME_SIZE];
    sk_audit_name(first, name);
    if (!file && errno == ENOENT)
        return SK_OK;
    if (!file)
        return sk_fail_sys(err, SK_UNAVAILABLE, errno, "read %s", name);
    if (!is_file(file))
        return sk_fail(err, SK_UNAVAILABLE, "%s is not a file", name);
    *out_goes_on = show_lines(file, line, each, arg);
    return ferror(file) ? sk_fail_sys(err, SK_UNAVAILABLE, errno, "read %s", name) : SK_OK;
}

enum sk_code sk_audit_each(const char *folder, bool (*each)(void *arg, const char *line), void *arg,
                           struct sk_err *err)
{
    SK_AUTO_FD int fd = -1;
    SK_AUTO_FREE uint64_t *firsts = NULL;
    SK_AUTO_FREE char *line = sk_alloc(LINE_SIZE);
    size_t count = 0;
    enum sk_code code = open_folder(folder, &fd, err);
    if (code == SK_OK)
        code = sk_audit_list(fd, &firsts, &count, err);
    bool goes_on = true;
    for (size_t i = 0; code == SK_OK && goes_on && i < count; i++)
        code = show_file(fd, firsts[i], line, each, arg, &goes_on, err);
    return code;
}
