#include "loop/work.h"
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct removal {
    struct sk_work work;
    struct sk_done worked, *done;
    char *path;
};

/* What cannot be removed keeps the folder from being removed, which is reported. */
static void remove_files(DIR *stream)
{
    for (const struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(stream), entry->d_name, 0);
    }
    (void)closedir(stream);
}

static bool is_done(int failed)
{
    return !failed || errno == ENOENT;
}

static enum sk_code remove_folder(const char *path, struct sk_err *err)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool in_the_way = dir < 0 && (errno == ENOTDIR || errno == ELOOP);
    DIR *stream = dir < 0 ? NULL : fdopendir(dir);
    if (stream)
        remove_files(stream);
    else
        sk_close_fd(&dir);
    if (is_done(in_the_way ? unlink(path) : rmdir(path)))
        return SK_OK;
    return sk_fail_sys(err, sk_code_from_errno(errno), errno, "remove the journal %s", path);
}

static void run_remove(struct sk_work *work)
{
    (void)!remove_folder(sk_container_of(work, struct removal, work)->path, &work->err);
}

static void removed(struct sk_done *worked, const struct sk_err *err)
{
    struct removal *r = sk_container_of(worked, struct removal, worked);
    struct sk_done *done = r->done;
    free(r->path);
    free(r);
    sk_done_fire(done, err);
}

void sk_journal_remove(struct sk_loop *loop, const char *path, struct sk_done *done)
{
    struct removal *r = sk_alloc(sizeof(*r));
    *r = (struct removal){.done = done, .path = sk_strdup(path)};
    sk_done_init(&r->worked, removed);
    sk_work_start(loop, &r->work, run_remove, &r->worked);
}
