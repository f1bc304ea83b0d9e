#include "cli/copy.h"
#include "cli/files.h"
#include "cli/landing.h"
#include "cli/output.h"
#include "cli/pipe.h"
#include "cli/progress.h"
#include "cli/unpack.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MODE_UNKNOWN 0644

struct copy {
    struct sk_client *client;
    const struct sk_place *from, *to;
    struct sk_probe probe; /* of from->path */
    char *target;          /* where it goes, here; owned */
    struct sk_progress progress;
    bool skipped; /* something was left out */
};

/* --- a file ----------------------------------------------------------------------------- */

static enum sk_code put(struct copy *copy, int fd, const uint8_t *data, size_t len, struct sk_fault *fault)
{
    sk_progress_add(&copy->progress, len);
    if (sk_write_all(fd, data, len))
        return SK_OK;
    return sk_copy_fault(fault, "write %s: %s", copy->target, strerror(errno));
}

/* What a command in the sandbox prints. */
static enum sk_code drain(struct copy *copy, const char *const *words, int fd, struct sk_fault *fault)
{
    enum sk_code code = SK_OK;
    struct sk_pipe pipe;
    const uint8_t *data;
    size_t len;

    sk_pipe_open(&pipe, copy->client, copy->from->id, words, SK_PIPE_READ);
    while (!code && sk_pipe_read(&pipe, &data, &len))
        code = put(copy, fd, data, len, fault);
    if (!code)
        code = sk_pipe_finish(&pipe, fault);
    sk_pipe_close(&pipe);
    return code;
}

static enum sk_code fetch_whole(struct copy *copy, int fd, struct sk_fault *fault)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    ProtobufCBinaryData content;
    enum sk_code code =
        sk_files_read(copy->client, copy->from->id, copy->from->path, &arena, &content, fault);

    return code ? code : put(copy, fd, content.data, content.len, fault);
}

static enum sk_code fetch(struct copy *copy, int fd, struct sk_fault *fault)
{
    const char *const words[] = {"cat", copy->from->path, NULL};
    bool big = copy->probe.size > (int64_t)SK_FILES_MAX;
    enum sk_code code = big ? SK_OK : fetch_whole(copy, fd, fault);

    if (big || (code && sk_files_is_too_large(fault)))
        code = drain(copy, words, fd, fault);
    return code;
}

static enum sk_code copy_file(struct copy *copy, struct sk_fault *fault)
{
    mode_t mode = copy->probe.mode ? copy->probe.mode : MODE_UNKNOWN;
    struct sk_landing landing;

    *fault = (struct sk_fault){0};
    enum sk_code code = sk_landing_open(&landing, copy->target, mode, &fault->err);
    if (code)
        return code;
    code = fetch(copy, landing.fd, fault);
    if (!code)
        code = sk_landing_commit(&landing, &fault->err);
    sk_landing_close(&landing);
    return code;
}

/* --- a folder --------------------------------------------------------------------------- */

struct unpacking {
    struct copy *copy;
    struct sk_pipe pipe;
};

static bool on_read(void *arg, const uint8_t **out_data, size_t *out_len)
{
    struct unpacking *unpacking = arg;

    if (!sk_pipe_read(&unpacking->pipe, out_data, out_len))
        return false;
    sk_progress_add(&unpacking->copy->progress, *out_len);
    return true;
}

static void on_skipped(void *arg, const char *name, const char *why)
{
    struct unpacking *unpacking = arg;
    sk_copy_skipped(&unpacking->copy->skipped, name, why);
}

static enum sk_code unpack(struct copy *copy, const char *const *words, struct sk_fault *fault)
{
    struct unpacking unpacking = {.copy = copy};
    const struct sk_unpack_source source = {on_read, on_skipped, &unpacking};
    struct sk_fault theirs;

    *fault = (struct sk_fault){0};
    sk_pipe_open(&unpacking.pipe, copy->client, copy->from->id, words, SK_PIPE_READ);
    enum sk_code code = sk_unpack(copy->target, &source, &fault->err);
    /* Our own complaint, unless theirs is why; a tar that still writes after ours is of no use. */
    bool ours = code && !unpacking.pipe.remote.over;
    if (!ours && sk_pipe_finish(&unpacking.pipe, &theirs)) {
        *fault = theirs;
        code = theirs.err.code;
    }
    sk_pipe_close(&unpacking.pipe);
    return code;
}

static enum sk_code copy_folder(struct copy *copy, struct sk_fault *fault)
{
    const char *const words[] = {"tar", "-c", "-f", "-", "-C", copy->from->path, ".", NULL};

    if (!copy->probe.tar)
        return sk_copy_fault(fault, "the sandbox has no tar: folders cannot be copied");
    if (copy->to->kind == SK_PLACE_STDIO)
        return drain(copy, words, STDOUT_FILENO, fault);
    if (mkdir(copy->target, (copy->probe.mode & 0777) | S_IRWXU) != 0 && errno != EEXIST)
        return sk_copy_fault(fault, "%s: %s", copy->target, strerror(errno));
    return unpack(copy, words, fault);
}

/* --- all of them -------------------------------------------------------------------------- */

static enum sk_code set_target(struct copy *copy, struct sk_fault *fault)
{
    const char *path = copy->to->path;
    struct stat info;
    bool here = copy->to->kind == SK_PLACE_HERE;
    bool into = here && stat(path, &info) == 0 && S_ISDIR(info.st_mode);

    if (here && !into && sk_path_is_folder(path) && copy->probe.kind != SK_PROBE_FOLDER)
        return sk_copy_fault(fault, "%s: there is no such folder", path);
    copy->target = here ? sk_path_landing(path, into, copy->from->path) : sk_strdup("standard output");
    return SK_OK;
}

static enum sk_code run(struct copy *copy, struct sk_fault *fault)
{
    enum sk_code code = sk_probe(copy->client, copy->from->id, copy->from->path, &copy->probe, fault);

    if (!code)
        code = set_target(copy, fault);
    if (code)
        return code;
    bool folder = copy->probe.kind == SK_PROBE_FOLDER;
    sk_progress_init(&copy->progress, copy->from->path, folder ? -1 : copy->probe.size);
    if (folder)
        return copy_folder(copy, fault);
    if (copy->to->kind == SK_PLACE_STDIO)
        return fetch(copy, STDOUT_FILENO, fault);
    return copy_file(copy, fault);
}

int sk_copy_out(struct sk_client *client, const struct sk_place *from, const struct sk_place *to)
{
    struct copy copy = {.client = client, .from = from, .to = to};
    struct sk_fault fault = {0};
    enum sk_code code = run(&copy, &fault);

    sk_progress_fini(&copy.progress);
    free(copy.target);
    if (code)
        return sk_copy_failed(client, &fault);
    return copy.skipped ? 1 : 0;
}
