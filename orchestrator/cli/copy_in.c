#include "cli/copy.h"
#include "cli/feed.h"
#include "cli/files.h"
#include "cli/pack.h"
#include "cli/pipe.h"
#include "cli/progress.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MODE_NEW 0644 /* of a file that WriteFile makes */

struct copy {
    struct sk_client *client;
    const struct sk_place *from, *to;
    struct sk_probe probe; /* of to->path */
    char *target;          /* where it goes, in the sandbox; owned */
    struct stat info;      /* of from->path; zero for standard input */
    struct sk_progress progress;
    bool skipped; /* something was left out */
};

/* --- in the sandbox ---------------------------------------------------------------- */

/* $1 path, $2 suffix of the temporary name, $3 size or "", $4 mode or "": the old one's. */
#define RESOLVE "p=$(readlink -f \"$1\" 2>/dev/null) || p=; p=${p:-$1}; t=$p.sandkeep-$2\n"

static const char write_script[] = RESOLVE "if [ -e \"$p\" ] && [ ! -f \"$p\" ]; then exec cat > \"$p\"; fi\n"
                                           "trap 'rm -f \"$t\"' EXIT\n"
                                           "mkdir -p \"${p%/*}/\" && cat > \"$t\" || exit 1\n"
                                           "[ -z \"$3\" ] || [ \"$(wc -c < \"$t\")\" -eq \"$3\" ] || { echo "
                                           "'the file came cut short' >&2; exit 1; }\n"
                                           "m=${4:-$(stat -c %a \"$p\" 2>/dev/null)}\n"
                                           "chmod \"${m:-644}\" \"$t\" && mv -f \"$t\" \"$p\"";
static const char tidy_script[] = RESOLVE "rm -f \"$t\"";
/* $1 folder, $2 mode if it is new */
static const char unpack_script[] =
    "command -v tar >/dev/null || { echo 'no tar: folders cannot be copied' >&2; exit 1; }\n"
    "[ -d \"$1\" ] || mkdir -m \"$2\" \"$1\" || exit 1\n"
    "exec tar -x -f - -C \"$1\"";

/* Runs to the end, with nothing to read and nothing to say. */
static void run_quietly(struct copy *copy, const char *const *words)
{
    struct sk_pipe pipe;
    const uint8_t *data;
    size_t len;

    sk_pipe_open(&pipe, copy->client, copy->to->id, words, SK_PIPE_READ);
    while (sk_pipe_read(&pipe, &data, &len))
        ;
    sk_pipe_close(&pipe);
}

/* --- a stream of bytes into a file -------------------------------------------------- */

static enum sk_code pour(struct copy *copy, struct sk_feed *feed, struct sk_pipe *pipe,
                         struct sk_fault *fault)
{
    const uint8_t *data;
    size_t len;

    while (sk_feed_read(feed, &pipe->remote.over, &data, &len)) {
        if (!sk_pipe_write(pipe, data, len))
            break;
        sk_progress_add(&copy->progress, len);
    }
    if (copy->client->signo) /* its end of input would look like the file's */
        return sk_copy_fault(fault, "interrupted");
    return sk_pipe_finish(pipe, fault);
}

static enum sk_code stream_file(struct copy *copy, int fd_take, const char *size, const char *mode,
                                struct sk_fault *fault)
{
    uint32_t random;
    char suffix[16];
    struct sk_feed feed;
    struct sk_pipe pipe;

    sk_random(&random, sizeof(random));
    (void)snprintf(suffix, sizeof(suffix), "%08x", random);
    const char *const words[] = {"/bin/sh", "-c", write_script, "sandkeep", copy->target,
                                 suffix,    size, mode,         NULL};
    const char *const tidy[] = {"/bin/sh", "-c", tidy_script, "sandkeep", copy->target, suffix, NULL};
    enum sk_code code = sk_feed_open(&feed, copy->client, fd_take, &fault->err);
    if (code)
        return code;
    sk_pipe_open(&pipe, copy->client, copy->to->id, words, SK_PIPE_WRITE);
    code = pour(copy, &feed, &pipe, fault);
    bool torn = !pipe.remote.exited;
    sk_pipe_close(&pipe);
    sk_feed_close(&feed);
    if (torn) /* it was killed, and could not tidy up itself */
        run_quietly(copy, tidy);
    return code;
}

static enum sk_code stream_local(struct copy *copy, int fd_take, struct sk_fault *fault)
{
    char size[24], mode[8];

    if (!copy->probe.shell) {
        (void)close(fd_take);
        return sk_copy_fault(fault, "the sandbox has no /bin/sh, which a file of that size needs");
    }
    (void)snprintf(size, sizeof(size), "%lld", (long long)copy->info.st_size);
    (void)snprintf(mode, sizeof(mode), "%o", copy->info.st_mode & 0777);
    return stream_file(copy, fd_take, size, mode, fault);
}

static enum sk_code copy_stdin(struct copy *copy, struct sk_fault *fault)
{
    if (copy->probe.kind == SK_PROBE_FOLDER || sk_path_is_folder(copy->target))
        return sk_copy_fault(fault, "%s is a folder: standard input needs the name of a file", copy->target);
    if (!copy->probe.shell)
        return sk_copy_fault(fault, "the sandbox has no /bin/sh, which standard input needs");
    return stream_file(copy, -1, "", "", fault);
}

/* --- a file ----------------------------------------------------------------------------- */

static enum sk_code read_whole(int fd, size_t size, struct sk_buf *out, struct sk_err *err)
{
    uint8_t chunk[SK_PUMP_CHUNK];
    ssize_t n;

    sk_buf_init(out, size);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0 && sk_buf_append(out, chunk, (size_t)n) != SK_OK)
            return sk_fail(err, SK_ABORTED, "the file grows while it is read");
    }
    return n < 0 ? sk_fail_sys(err, SK_INTERNAL, errno, "read the file") : SK_OK;
}

/* WriteFile leaves an existing file's mode, and knows none for a new one. */
static void set_mode(struct copy *copy)
{
    mode_t now = copy->probe.kind == SK_PROBE_FILE ? copy->probe.mode : MODE_NEW;
    mode_t want = copy->info.st_mode & 0777;
    char mode[8];

    (void)snprintf(mode, sizeof(mode), "%o", want);
    const char *const words[] = {"chmod", mode, copy->target, NULL};
    if (now != want)
        run_quietly(copy, words);
}

static enum sk_code write_whole(struct copy *copy, int fd, struct sk_fault *fault)
{
    struct sk_buf bytes;
    enum sk_code code = read_whole(fd, SK_FILES_MAX, &bytes, &fault->err);

    if (!code) {
        const ProtobufCBinaryData content = {bytes.len, bytes.data};
        code = sk_files_write(copy->client, copy->to->id, copy->target, &content, fault);
    }
    if (!code)
        set_mode(copy);
    sk_buf_fini(&bytes);
    return code;
}

static enum sk_code copy_file(struct copy *copy, struct sk_fault *fault)
{
    SK_AUTO_FD int fd = open(copy->from->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return sk_copy_fault(fault, "%s: %s", copy->from->path, strerror(errno));
    if (copy->probe.kind != SK_PROBE_FOLDER && sk_path_is_folder(copy->to->path))
        return sk_copy_fault(fault, "%s: there is no such folder in the sandbox", copy->to->path);
    if ((size_t)copy->info.st_size > SK_FILES_MAX)
        return stream_local(copy, sk_take_fd(&fd), fault);
    enum sk_code code = write_whole(copy, fd, fault);
    if (code && sk_files_is_too_large(fault) && lseek(fd, 0, SEEK_SET) == 0)
        code = stream_local(copy, sk_take_fd(&fd), fault);
    return code;
}

/* --- a folder --------------------------------------------------------------------------- */

struct packing {
    struct copy *copy;
    struct sk_pipe pipe;
};

static bool on_packed(void *arg, const uint8_t *data, size_t len)
{
    struct packing *packing = arg;

    sk_progress_add(&packing->copy->progress, len);
    return sk_pipe_write(&packing->pipe, data, len);
}

static void on_skipped(void *arg, const char *name, const char *why)
{
    struct packing *packing = arg;
    sk_copy_skipped(&packing->copy->skipped, name, why);
}

static enum sk_code copy_folder(struct copy *copy, struct sk_fault *fault)
{
    char mode[8];
    const char *const words[] = {"/bin/sh", "-c", unpack_script, "sandkeep", copy->target, mode, NULL};
    struct packing packing = {.copy = copy};
    const struct sk_pack_sink sink = {on_packed, on_skipped, &packing};
    struct sk_fault theirs;

    (void)snprintf(mode, sizeof(mode), "%o", copy->info.st_mode & 0777);
    if (!copy->probe.shell)
        return sk_copy_fault(fault, "the sandbox has no /bin/sh: folders cannot be copied");
    if (copy->probe.kind == SK_PROBE_FILE)
        return sk_copy_fault(fault, "%s is no folder", copy->to->path);
    sk_pipe_open(&packing.pipe, copy->client, copy->to->id, words, SK_PIPE_WRITE);
    *fault = (struct sk_fault){0};
    enum sk_code code = sk_pack(copy->from->path, &sink, &fault->err);
    bool ours = code && code != SK_UNAVAILABLE;
    if (ours) /* they must not take half an archive for a whole one */
        sk_remote_cancel(&packing.pipe.remote);
    if (sk_pipe_finish(&packing.pipe, &theirs) && !ours) {
        *fault = theirs;
        code = theirs.err.code;
    }
    sk_pipe_close(&packing.pipe);
    return code;
}

/* --- all of them -------------------------------------------------------------------------- */

static enum sk_code run(struct copy *copy, struct sk_fault *fault)
{
    const struct sk_place *from = copy->from;
    bool is_stdin = from->kind == SK_PLACE_STDIO;

    if (!is_stdin && stat(from->path, &copy->info) != 0)
        return sk_copy_fault(fault, "%s: %s", from->path, strerror(errno));
    if (!is_stdin && !S_ISREG(copy->info.st_mode) && !S_ISDIR(copy->info.st_mode))
        return sk_copy_fault(fault, "%s is no file or folder; its bytes can be copied by -", from->path);
    enum sk_code code = sk_probe(copy->client, copy->to->id, copy->to->path, &copy->probe, fault);
    if (code)
        return code;
    bool into = copy->probe.kind == SK_PROBE_FOLDER && !is_stdin;
    copy->target = sk_path_landing(copy->to->path, into, from->path);
    sk_progress_init(&copy->progress, from->path, S_ISREG(copy->info.st_mode) ? copy->info.st_size : -1);
    if (is_stdin)
        return copy_stdin(copy, fault);
    return S_ISDIR(copy->info.st_mode) ? copy_folder(copy, fault) : copy_file(copy, fault);
}

int sk_copy_in(struct sk_client *client, const struct sk_place *from, const struct sk_place *to)
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
