#include "audit/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define DAY_S ((int64_t)86400)

static bool is_old(const struct sk_audit_writer *w, uint64_t first)
{
    char name[SK_AUDIT_NAME_SIZE];
    struct stat stat;
    sk_audit_name(first, name);
    if (w->limits.days == 0 || fstatat(w->folder, name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    return sk_clock_wall().ns / 1000000000 - stat.st_mtim.tv_sec > w->limits.days * DAY_S;
}

static enum sk_code take_away(struct sk_audit_writer *w, uint64_t first, uint64_t next, struct sk_err *err)
{
    char name[SK_AUDIT_NAME_SIZE], more[320];
    struct sk_audit_link last = SK_AUDIT_ORIGIN;
    if (!sk_audit_first_prev(w->folder, next, &last)) {
        if (next != w->link.seq + 1) /* else nothing follows it yet */
            return SK_OK;            /* it was tampered with: evidence stays */
        last = w->link;
    }
    sk_audit_name(first, name);
    (void)snprintf(more, sizeof(more),
                   ",\"name\":\"%s\",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"hash\":\"%s\"", name, first,
                   last.seq, last.hash);
    enum sk_code code = sk_audit_writer_say(w, "audit.removed", more, err);
    if (code == SK_OK)
        code = sk_audit_writer_sync(w, err);
    if (code == SK_OK && unlinkat(w->folder, name, 0) != 0)
        code = sk_fail_sys(err, SK_UNAVAILABLE, errno, "remove the audit's %s", name);
    return code;
}

enum sk_code sk_audit_count(struct sk_audit_writer *w, struct sk_err *err)
{
    SK_AUTO_FREE uint64_t *firsts = NULL;
    return sk_audit_list(w->folder, &firsts, &w->files, err);
}

enum sk_code sk_audit_prune(struct sk_audit_writer *w, struct sk_err *err)
{
    SK_AUTO_FREE uint64_t *firsts = NULL;
    size_t count = 0;
    enum sk_code code = sk_audit_list(w->folder, &firsts, &count, err);
    for (size_t i = 0; code == SK_OK && i + 1 < count; i++) {
        if ((w->limits.keeps || count - i <= w->limits.files) && !is_old(w, firsts[i]))
            break;
        code = take_away(w, firsts[i], firsts[i + 1], err);
    }
    return code == SK_OK ? sk_audit_count(w, err) : code;
}
