#include "drivers/agent/request.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define INLINE_MAX ((size_t)32 * 1024) /* longer text travels in a memfd */

static enum sk_code strings_append(struct sk_buf *text, const char *const *strings, uint32_t *out_count)
{
    enum sk_code code = SK_OK;
    *out_count = 0;
    for (; *strings && code == SK_OK; strings++, (*out_count)++)
        code = sk_buf_append(text, *strings, strlen(*strings) + 1);
    return code;
}

static enum sk_code text_append(const struct sk_process *process, struct sk_buf *text, struct sk_frame *frame)
{
    enum sk_code code = sk_buf_append(text, process->user, strlen(process->user) + 1);
    if (code == SK_OK)
        code = sk_buf_append(text, process->working_dir, strlen(process->working_dir) + 1);
    if (code == SK_OK)
        code = strings_append(text, process->argv, &frame->start.argc);
    if (code == SK_OK)
        code = strings_append(text, process->env, &frame->start.envc);
    frame->start.text_len = (uint32_t)text->len;
    return code;
}

/* A sealed memfd with the text. */
static enum sk_code text_to_fd(const struct sk_buf *text, int *out_fd, struct sk_err *err)
{
    SK_AUTO_FD int fd = memfd_create("start", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "make a memfd");
    for (size_t at = 0; at < text->len;) {
        ssize_t put = write(fd, text->data + at, text->len - at);
        if (put < 0)
            return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "fill a memfd");
        at += (size_t)put;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return sk_fail_sys(err, SK_INTERNAL, errno, "seal a memfd");
    *out_fd = sk_take_fd(&fd);
    return SK_OK;
}

static struct sk_outgoing *outgoing_make(struct sk_frame *frame, const int fds[static SK_WIRE_FDS_MAX])
{
    for (unsigned bit = 0; bit < SK_WIRE_FDS_MAX; bit++)
        if (fds[bit] >= 0)
            frame->flags |= 1u << bit;
    struct sk_outgoing *outgoing = sk_outgoing_new(frame);
    for (unsigned bit = 0; bit < SK_WIRE_FDS_MAX; bit++)
        if (fds[bit] >= 0)
            outgoing->fds[outgoing->fd_count++] = fds[bit];
    return outgoing;
}

static enum sk_code request_make(const struct sk_process *process, struct sk_buf *text,
                                 struct sk_outgoing **out_outgoing, struct sk_err *err)
{
    struct sk_frame frame = {.type = SK_FRAME_START, .key = process->key};
    int text_fd = -1;
    frame.flags = (process->is_main ? SK_FRAME_MAIN : 0u) | (process->on_terminal ? SK_FRAME_TERMINAL : 0u);
    if (text_append(process, text, &frame) != SK_OK)
        return sk_fail(err, SK_INVALID_ARGUMENT, "arguments and environment are longer than %zu bytes",
                       SK_WIRE_TEXT_MAX);
    if (text->len > INLINE_MAX) {
        enum sk_code code = text_to_fd(text, &text_fd, err);
        if (code != SK_OK)
            return code;
    } else {
        frame.start.text = text->data;
    }
    const int fds[SK_WIRE_FDS_MAX] = {process->stdin_take,       process->stdout_take,
                                      process->stderr_take,      process->stdout_keep_take,
                                      process->stderr_keep_take, text_fd};
    *out_outgoing = outgoing_make(&frame, fds);
    return SK_OK;
}

enum sk_code sk_request_make(const struct sk_process *process, struct sk_outgoing **out_outgoing,
                             struct sk_err *err)
{
    struct sk_buf text;
    assert(!process->on_terminal ||
           (process->stdin_take >= 0 && process->stdout_take < 0 && process->stderr_take < 0 &&
            process->stdout_keep_take < 0 && process->stderr_keep_take < 0));
    sk_buf_init(&text, SK_WIRE_TEXT_MAX);
    enum sk_code code = SK_OK;
    if (!process->argv[0] || !process->argv[0][0])
        code = sk_fail(err, SK_INVALID_ARGUMENT, "the command is empty");
    else
        code = request_make(process, &text, out_outgoing, err);
    if (code != SK_OK)
        sk_process_close(process);
    sk_buf_fini(&text);
    return code;
}

/* --- files ---------------------------------------------------------------------------------- */

enum sk_code sk_request_open_text(const struct sk_file_ask *ask, struct sk_buf *text, struct sk_err *err)
{
    const char *const strings[] = {ask->user, ask->working_dir, ask->path};
    enum sk_code code = strlen(ask->path) < SK_WIRE_PATH_MAX ? SK_OK : SK_INVALID_ARGUMENT;
    for (size_t i = 0; i < sk_array_len(strings) && code == SK_OK; i++)
        code = sk_buf_append(text, strings[i], strlen(strings[i]) + 1);
    return code == SK_OK ? SK_OK : sk_fail(err, SK_INVALID_ARGUMENT, "the path is too long");
}

/* --- refusals -------------------------------------------------------------------------------- */

static enum sk_code scarcity_or(int sys, enum sk_code other)
{
    switch (sys) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
        return SK_RESOURCE_EXHAUSTED;
    default:
        return other;
    }
}

static enum sk_code code_of_path(int sys)
{
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
        return SK_NOT_FOUND;
    case E2BIG:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
        return SK_INVALID_ARGUMENT;
    default: /* EACCES, EPERM, ENOEXEC, ETXTBSY, …: there, but not to be executed */
        return scarcity_or(sys, SK_PERMISSION_DENIED);
    }
}

/* Of what is not the program: its own codes are for the program alone. */
static enum sk_code code_beside(int sys)
{
    enum sk_code code = code_of_path(sys);
    return code == SK_NOT_FOUND || code == SK_PERMISSION_DENIED ? SK_FAILED_PRECONDITION : code;
}

void sk_request_refusal(const struct sk_frame *started, struct sk_err *err)
{
    int sys = (int)started->started.sys;
    switch (started->started.stage) {
    case SK_STAGE_USER:
        (void)sk_fail(err, SK_INVALID_ARGUMENT, "no such user in the sandbox");
        return;
    case SK_STAGE_CREDENTIALS:
        (void)sk_fail_sys(err, code_beside(sys), sys, "become the user");
        return;
    case SK_STAGE_DIRECTORY:
        (void)sk_fail_sys(err, code_beside(sys), sys, "enter the working directory");
        return;
    case SK_STAGE_EXEC:
        (void)sk_fail_sys(err, code_of_path(sys), sys, "execute the program");
        return;
    default:
        (void)sk_fail_sys(err, scarcity_or(sys, SK_INTERNAL), sys, "start the process (stage %d)",
                          (int)started->started.stage);
    }
}
