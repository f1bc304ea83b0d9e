#include "drivers/agent/host_files.h"

#include "base/tree.h"
#include "drivers/agent/guest.h"
#include "loop/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define FOLDER "files"

/* One put_files. */
struct put {
    struct sk_work work;
    struct sk_done worked;
    struct sk_done *done;
    char *dir; /* owned */
    const struct sk_guest_file *files;
    size_t count;
};

static int open_folder(const char *dir)
{
    SK_AUTO_FD int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return parent < 0 ? -1 : openat(parent, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* --- on a thread of the pool --------------------------------------------------- */

static int write_all(int fd, const struct sk_guest_file *file)
{
    size_t at = 0;
    while (at < file->len) {
        ssize_t n = write(fd, (const char *)file->data + at, file->len - at);
        if (n < 0 && errno != EINTR)
            return errno;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Executable too: a script may be the command. Returns an errno. */
static int put_one(int folder, size_t number, const struct sk_guest_file *file)
{
    char name[24];
    (void)snprintf(name, sizeof name, "%zu", number);
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
        return errno;
    SK_AUTO_FD int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int sys = write_all(fd, file);
    return sys ? sys : fchmod(fd, 0555) < 0 ? errno : 0;
}

static int put_all(const struct put *put)
{
    SK_AUTO_FREE char *path = sk_printf("%s/" FOLDER, put->dir);
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return errno;
    SK_AUTO_FD int folder = open_folder(put->dir);
    if (folder < 0 || fchmod(folder, 0755) < 0)
        return errno;
    for (size_t i = 0; i < put->count; i++) {
        int sys = put_one(folder, i, &put->files[i]);
        if (sys)
            return sys;
    }
    return 0;
}

static void run(struct sk_work *work)
{
    int sys = put_all(sk_container_of(work, struct put, work));
    if (sys)
        (void)sk_fail_sys(&work->err, sys == ENOSPC || sys == EDQUOT ? SK_RESOURCE_EXHAUSTED : SK_INTERNAL,
                          sys, "write the mounted files");
}

/* --- on the loop ----------------------------------------------------------------- */

static void on_worked(struct sk_done *worked, const struct sk_err *err)
{
    struct put *put = sk_container_of(worked, struct put, worked);
    struct sk_done *done = put->done;
    free(put->dir);
    free(put);
    sk_done_fire(done, err);
}

void sk_host_files_put(struct sk_guest *guest, const struct sk_guest_file *files, size_t count,
                       struct sk_done *done)
{
    struct put *put = sk_alloc(sizeof *put);
    put->dir = sk_strdup(guest->dir);
    put->files = files;
    put->count = count;
    put->done = done;
    sk_done_init(&put->worked, on_worked);
    sk_work_start(guest->loop, &put->work, run, &put->worked);
}

void sk_host_files_remove(const char *dir)
{
    SK_AUTO_FREE char *path = sk_printf("%s/" FOLDER, dir);
    (void)!sk_tree_remove_flat(path, NULL);
}
