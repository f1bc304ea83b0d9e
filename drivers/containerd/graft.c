#include "drivers/containerd/graft.h"
#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* Of what is looked at: some hundred milliseconds. Beyond that the layer is as soon unpacked again. */
#define DEPTH_MAX 64
#define LOOKS_MAX 200000
/* The clock of files is a tick behind, and a snapshot is made no sooner than it is asked for. */
#define SLACK_S 1

static enum sk_code refuse(struct sk_err *err, const char *why)
{
    return sk_fail(err, SK_FAILED_PRECONDITION, "%s", why);
}

static enum sk_code refuse_sys(struct sk_err *err, const char *what)
{
    return sk_fail(err, SK_FAILED_PRECONDITION, "%s: %s", what, strerror(errno));
}

static bool is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* --- the folders that change places --------------------------------------------------------- */

struct place {
    int dir;  /* ".../snapshots/7" */
    int root; /* its "fs" */
    struct stat st;
};

static void place_fini(struct place *place)
{
    sk_close_fd(&place->root);
    sk_close_fd(&place->dir);
}

static enum sk_code place_open(const char *path, struct place *place, struct sk_err *err)
{
    place->dir = open(path, FOLDER);
    if (place->dir >= 0)
        place->root = openat(place->dir, "fs", FOLDER);
    if (place->root < 0 || fstat(place->root, &place->st) != 0)
        return refuse_sys(err, path);
    return SK_OK;
}

static bool is_name(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Of its own position in the folder, whatever was read through `fd`. */
static DIR *open_names(int fd)
{
    int own = openat(fd, ".", FOLDER);
    DIR *names = own < 0 ? NULL : fdopendir(own);

    if (own >= 0 && !names)
        (void)close(own);
    return names;
}

static bool is_empty(int fd)
{
    SK_AUTO_DIR DIR *names = open_names(fd);
    const struct dirent *entry = NULL;

    while (names && (entry = readdir(names)) && !is_name(entry->d_name))
        ;
    return names && !entry;
}

enum sk_code sk_graft_look(const char *side, struct timespec since, struct stat *out_made, struct sk_err *err)
{
    SK_CLEANUP(place_fini) struct place place = {-1, -1, {0}};
    enum sk_code code = place_open(side, &place, err);

    if (code != SK_OK)
        return code;
    since.tv_sec -= SLACK_S;
    if (is_before(place.st.st_ctim, since) || !is_empty(place.root))
        return refuse(err, "the snapshot is not the one that was prepared");
    *out_made = place.st;
    return SK_OK;
}

/* --- what is below --------------------------------------------------------------------------------- */

struct walk {
    const struct sk_graft *graft;
    int *lowers;  /* their roots */
    bool *shared; /* by depth and lower: whether it has the folder */
    char path[PATH_MAX];
    size_t looks;
    struct sk_err *err;
};

static void walk_fini(struct walk *walk)
{
    for (size_t i = 0; i < walk->graft->lower_count; i++)
        sk_close_fd(&walk->lowers[i]);
    free(walk->lowers);
    free(walk->shared);
}

static enum sk_code open_lowers(struct walk *walk)
{
    const struct sk_graft *graft = walk->graft;

    for (size_t i = 0; i < graft->lower_count; i++) {
        walk->lowers[i] = open(graft->lowers[i], FOLDER);
        if (walk->lowers[i] < 0)
            return refuse_sys(walk->err, graft->lowers[i]);
        walk->shared[i] = true;
    }
    return SK_OK;
}

static bool is_inherited(const char *attribute)
{
    /* Each folder gets its label from the system, whoever makes it. */
    return strncmp(attribute, "trusted.", 8) != 0 && strcmp(attribute, "security.selinux") != 0;
}

static bool has_attributes(int fd)
{
    char names[4096];
    ssize_t len = flistxattr(fd, names, sizeof(names));

    if (len < 0)
        return errno != ENOTSUP;
    for (const char *name = names; name < names + len; name += strlen(name) + 1)
        if (is_inherited(name))
            return true;
    return false;
}

/* What a folder is made as when nobody says how; the group can come from the folder it is in. */
static bool is_plain(const struct stat *st)
{
    return (st->st_mode & 07777) == 0755 && st->st_uid == 0;
}

static bool is_alike(const struct stat *a, const struct stat *b)
{
    return (a->st_mode & 07777) == (b->st_mode & 07777) && a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

/* The folder of the layer beside the topmost one that is there below. */
static enum sk_code compare(struct walk *walk, int lower, int folder, const struct stat *st)
{
    SK_AUTO_FD int below = openat(walk->lowers[lower], walk->path, FOLDER);
    struct stat found;

    if (below < 0 || fstat(below, &found) != 0)
        return refuse_sys(walk->err, "a folder of a layer below");
    if (has_attributes(below))
        return refuse(walk->err, "a folder below has attributes");
    if (!is_alike(st, &found) && is_plain(st))
        return refuse(walk->err, "a folder may be one that the layer does not list");
    if (!is_before(st->st_mtim, walk->graft->from) && is_empty(folder))
        return refuse(walk->err, "an empty folder may be one that the layer does not list");
    return SK_OK;
}

static enum sk_code look(struct walk *walk, size_t lower, bool *out_shared)
{
    struct stat st;

    *out_shared = false;
    if (++walk->looks > LOOKS_MAX)
        return refuse(walk->err, "too many folders");
    /* Every part of the path before was found to be a folder there. */
    if (fstatat(walk->lowers[lower], walk->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        *out_shared = true;
    else if (errno != ENOENT)
        return refuse_sys(walk->err, "a layer below");
    if (*out_shared && !S_ISDIR(st.st_mode))
        return refuse(walk->err, "a folder is something else in a layer below");
    return SK_OK;
}

static enum sk_code visit_names(struct walk *walk, int folder, unsigned depth);

/* The folder at walk->path. */
static enum sk_code visit(struct walk *walk, int folder, unsigned depth)
{
    size_t count = walk->graft->lower_count;
    const bool *above = walk->shared + (depth - 1) * count;
    bool *here = walk->shared + depth * count, is_shared = false;
    enum sk_code code = SK_OK;
    struct stat st;

    if (fstat(folder, &st) != 0)
        return refuse_sys(walk->err, "a folder");
    for (size_t i = 0; i < count && code == SK_OK; i++) {
        here[i] = false;
        if (above[i])
            code = look(walk, i, &here[i]);
        if (code == SK_OK && here[i] && !is_shared)
            code = compare(walk, (int)i, folder, &st);
        is_shared |= here[i];
    }
    /* Where nothing is below, what is deeper has nothing to take after either. */
    return code == SK_OK && is_shared ? visit_names(walk, folder, depth) : code;
}

static bool is_folder(int dir, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static enum sk_code visit_name(struct walk *walk, int dir, const char *name, unsigned depth)
{
    size_t len = strlen(walk->path);
    int more = snprintf(walk->path + len, sizeof(walk->path) - len, "%s%s", len ? "/" : "", name);
    enum sk_code code;

    if (depth == DEPTH_MAX || more < 0 || (size_t)more >= sizeof(walk->path) - len)
        return refuse(walk->err, "its folders are too deep");
    SK_AUTO_FD int folder = openat(dir, name, FOLDER);
    code = folder < 0 ? refuse_sys(walk->err, "a folder") : visit(walk, folder, depth);
    walk->path[len] = 0;
    return code;
}

static enum sk_code visit_names(struct walk *walk, int folder, unsigned depth)
{
    SK_AUTO_DIR DIR *names = open_names(folder);
    const struct dirent *entry;
    enum sk_code code = names ? SK_OK : refuse_sys(walk->err, "a folder");

    errno = 0;
    while (code == SK_OK && (entry = readdir(names))) {
        if (is_name(entry->d_name) && is_folder(folder, entry))
            code = visit_name(walk, folder, entry->d_name, depth + 1);
        errno = 0;
    }
    return code == SK_OK && errno ? refuse_sys(walk->err, "a folder") : code;
}

static enum sk_code judge(const struct sk_graft *graft, int root, struct sk_err *err)
{
    SK_CLEANUP(walk_fini) struct walk walk = {.graft = graft, .err = err};

    walk.lowers = sk_alloc((graft->lower_count + 1) * sizeof(*walk.lowers));
    walk.shared = sk_alloc((graft->lower_count + 1) * (DEPTH_MAX + 1) * sizeof(*walk.shared));
    for (size_t i = 0; i < graft->lower_count; i++)
        walk.lowers[i] = -1;
    enum sk_code code = open_lowers(&walk);
    return code == SK_OK ? visit_names(&walk, root, 0) : code;
}

/* --- the change ------------------------------------------------------------------------------------- */

/* Layers do not list their own root, and cannot change it but for its attributes, which go along. */
static enum sk_code judge_roots(const struct sk_graft *graft, const struct place *side,
                                const struct place *upper, struct sk_err *err)
{
    const struct stat *made = &graft->made;

    if (side->st.st_dev != made->st_dev || side->st.st_ino != made->st_ino)
        return refuse(err, "the snapshot is not the one that was prepared");
    if (!is_alike(&side->st, made) || is_before(side->st.st_mtim, made->st_mtim))
        return refuse(err, "the layer has changed its root");
    if (upper->st.st_dev != made->st_dev || !is_empty(upper->root))
        return refuse(err, "the place is taken");
    return SK_OK;
}

static enum sk_code exchange(const struct place *side, const struct place *upper, struct sk_err *err)
{
    mode_t mode = upper->st.st_mode & 07777;

    if (fchown(side->root, upper->st.st_uid, upper->st.st_gid) == 0 && fchmod(side->root, mode) == 0 &&
        renameat2(side->dir, "fs", upper->dir, "fs", RENAME_EXCHANGE) == 0)
        return SK_OK;
    return sk_fail(err, SK_UNIMPLEMENTED, "layers cannot be moved here: %s", strerror(errno));
}

enum sk_code sk_graft_run(const struct sk_graft *graft, struct sk_err *err)
{
    SK_CLEANUP(place_fini) struct place side = {-1, -1, {0}};
    SK_CLEANUP(place_fini) struct place upper = {-1, -1, {0}};
    enum sk_code code = place_open(graft->side, &side, err);

    if (code == SK_OK)
        code = place_open(graft->upper, &upper, err);
    if (code == SK_OK)
        code = judge_roots(graft, &side, &upper, err);
    if (code == SK_OK)
        code = judge(graft, side.root, err);
    return code == SK_OK ? exchange(&side, &upper, err) : code;
}
