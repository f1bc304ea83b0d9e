/* file_api.c: ReadFile, WriteFile. */
#include "api/handlers.h"
#include "core/file.h"

#include <inttypes.h>
#include <string.h>

#define PATH_LEN_MAX 4095 /* the kernel's, without the NUL */

struct file_call {
    struct sk_call *call;
    struct sk_done done;
    const char *path, *operation;
    struct sk_file_read read;
    struct sk_file_write write;
};

/* What clients look at when a file is at fault: they turn to streaming by the sizes. */
static void fail(struct file_call *f, const struct sk_err *err, uint64_t size)
{
    struct sk_arena *arena = f->call->arena;
    struct sk_fact facts[5] = {{"filepath", f->path}, {"operation", f->operation}};
    if (!err->reason || strncmp(err->reason, "FILE_", 5) != 0) {
        sk_call_fail(f->call, err);
        return;
    }
    if (strcmp(err->reason, "FILE_TOO_LARGE") == 0) {
        facts[2] = (struct sk_fact){"size_bytes", sk_arena_printf(arena, "%" PRIu64, size)};
        facts[3] = (struct sk_fact){"max_size_bytes", sk_arena_printf(arena, "%zu", SK_FILE_MAX)};
    }
    sk_call_fail_with(f->call, err, facts);
}

static void on_failed(struct file_call *f, const struct sk_err *err)
{
    struct sk_err why = *err;
    if (err->code == SK_CANCELLED)
        why.code = sk_call_cancel_code(f->call);
    fail(f, &why, f->read.size);
}

static void on_cancel(struct sk_call *call)
{
    sk_done_cancel(&((struct file_call *)call->state)->done);
}

static bool check_path(struct sk_call *call, const char *path)
{
    struct sk_check *check = sk_arena_alloc(call->arena, sizeof(*check));
    const struct sk_path *field = SK_FIELD(NULL, "path");
    check->arena = call->arena;
    if (!path[0])
        sk_check_violated(check, field, "must not be empty");
    (void)sk_check_length(check, field, path, PATH_LEN_MAX);
    if (!check->count)
        return true;
    sk_call_fail_check(call, check);
    return false;
}

/* NULL: the call has been answered. */
static struct file_call *begin(struct sk_call *call, const char *sandbox_id, const char *container,
                               const char *path, struct sk_sandbox **out_sandbox)
{
    struct sk_err err = {0};
    if (!check_path(call, path))
        return NULL;
    if (sk_call_find(call, sandbox_id, out_sandbox, &err) ||
        sk_call_check_container(call, *out_sandbox, container, &err)) {
        sk_call_fail(call, &err);
        return NULL;
    }
    struct file_call *f = sk_arena_alloc(call->arena, sizeof(*f));
    f->call = call;
    f->path = path;
    call->state = f;
    call->on_cancel = on_cancel;
    return f;
}

/* --- read ------------------------------------------------------------------ */

static void await_room(struct sk_file_read *read, struct sk_done *done)
{
    sk_call_await_room(sk_container_of(read, struct file_call, read)->call, done);
}

static void on_read(struct sk_done *done, const struct sk_err *err)
{
    struct file_call *f = sk_container_of(done, struct file_call, done);
    SK_PB(ReadFileResponse) response;
    if (err) {
        on_failed(f, err);
        return;
    }
    sk_call_need_room(f->call, f->read.len);
    coreweave__sandbox__v1__read_file_response__init(&response);
    response.content = (ProtobufCBinaryData){.len = f->read.len, .data = f->read.data};
    sk_server_call_give(f->call->rpc, f->read.data, f->read.len);
    sk_call_reply(f->call, &response.base);
}

void sk_read_file(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(ReadFileRequest) *in = (const void *)request;
    struct sk_sandbox *sandbox;
    struct file_call *f = begin(call, in->sandbox_id, in->container, in->path, &sandbox);
    if (!f)
        return;
    f->operation = "read";
    f->read = (struct sk_file_read){.path = in->path, .most = SK_FILE_MAX, .await_room = await_room};
    sk_done_init(&f->done, on_read);
    sk_file_read(sandbox, &f->read, &f->done);
}

/* --- write ----------------------------------------------------------------- */

static void on_written(struct sk_done *done, const struct sk_err *err)
{
    struct file_call *f = sk_container_of(done, struct file_call, done);
    if (err)
        on_failed(f, err);
    else
        sk_call_reply(f->call, SK_PB_NEW(f->call->arena, write_file_response));
}

static void refuse_large(struct file_call *f, size_t size)
{
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_RESOURCE_EXHAUSTED, "%zu bytes are too many to be written whole", size);
    (void)sk_err_reason(&err, "FILE_TOO_LARGE");
    fail(f, &err, size);
}

void sk_write_file(struct sk_call *call, ProtobufCMessage *request)
{
    const SK_PB(WriteFileRequest) *in = (const void *)request;
    struct sk_sandbox *sandbox;
    struct file_call *f = begin(call, in->sandbox_id, in->container, in->path, &sandbox);
    if (!f)
        return;
    f->operation = "write";
    sk_call_need_room(call, in->content.len);
    f->write = (struct sk_file_write){.path = in->path, .data = in->content.data, .len = in->content.len};
    sk_done_init(&f->done, on_written);
    if (in->content.len > SK_FILE_MAX)
        refuse_large(f, in->content.len);
    else
        sk_file_write(sandbox, &f->write, &f->done);
}
