/* image_import_api.c: ImportImage: an image from the client, blob by blob.
 *
 * One thing at a time: the next message is asked for when the last one has
 * been dealt with and its answer has been taken, so a client that is faster
 * than the disk waits, and costs one chunk of memory. */
#include "api/handlers.h"
#include "api/image_import.h"
#include "api/image_report.h"
#include "rpc/message.h"

#define IMPORTS_MAX 4
#define IDLE_MAX    SK_SEC(60)

struct import {
    struct sk_call *call;
    struct sk_import_course course;
    struct sk_image_import *import; /* owned; NULL until open */
    struct sk_image_report report;
    struct sk_image_progress progress;
    struct sk_image *image;
    struct sk_done done;   /* of what the driver does just now */
    struct sk_timer idle;  /* runs while it is the client's turn */
    bool busy;             /* the driver's turn */
    bool reporting, ended; /* ended: only the report's end is awaited */
    bool gone, counted, wanted;
};

static const struct sk_image_ops *ops_of(const struct import *m)
{
    return sk_images_driver(m->report.images)->ops;
}

static void clean(struct import *m)
{
    sk_timer_stop(sk_node_loop(m->call->node), &m->idle);
    sk_image_report_stop(&m->report);
    ops_of(m)->import_close(sk_take(m->import));
    if (m->counted)
        (*m->call->imports)--;
}

static void fail(struct import *m, const struct sk_err *err)
{
    struct sk_err why = *err;
    if (m->gone)
        why.code = sk_call_cancel_code(m->call);
    clean(m);
    sk_call_fail(m->call, &why);
}

static void fail_gone(struct import *m)
{
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_CANCELLED, "the client went away");
    fail(m, &err);
}

static void on_idle(struct sk_timer *timer)
{
    struct import *m = sk_container_of(timer, struct import, idle);
    struct sk_err err = {0};
    (void)sk_fail(&err, SK_DEADLINE_EXCEEDED, "the import was ended: nothing came for a minute");
    fail(m, &err);
}

static void await_client(struct import *m)
{
    struct sk_loop *loop = sk_node_loop(m->call->node);
    sk_timer_start(loop, &m->idle, sk_instant_add(sk_loop_now(loop), IDLE_MAX), on_idle);
}

static void want(struct import *m)
{
    await_client(m);
    sk_server_call_want(m->call->rpc);
}

/* --- to the client ------------------------------------------------------------ */

static void send(struct import *m, SK_OWN_PB(ImportImageResponse__StepCase) step, void *message)
{
    SK_OWN_PB(ImportImageResponse) out;
    sandkeep__v1__import_image_response__init(&out);
    out.step_case = step;
    out.blob = message; /* the members of the union are pointers alike */
    await_client(m);
    sk_server_call_send(m->call->rpc, &out.base);
}

static void send_progress(struct sk_image_report *report, SK_OWN_PB(PullImageResponse) * message)
{
    SK_OWN_PB(ImportImageResponse) out;
    sandkeep__v1__import_image_response__init(&out);
    out.step_case = SK_OWN_PBE(IMPORT_IMAGE_RESPONSE, STEP_PROGRESS);
    out.progress = message;
    sk_server_call_send(report->call->rpc, &out.base);
}

static const struct sk_image_progress *look(struct sk_image_report *report)
{
    return &sk_container_of(report, struct import, report)->progress;
}

static void answer(struct sk_image_report *report, SK_OWN_PB(PullImageResponse) * last,
                   const struct sk_err *err)
{
    struct import *m = sk_container_of(report, struct import, report);
    SK_OWN_PB(ImportImageResponse) out;
    if (err) {
        fail(m, err);
        return;
    }
    sandkeep__v1__import_image_response__init(&out);
    out.step_case = SK_OWN_PBE(IMPORT_IMAGE_RESPONSE, STEP_PROGRESS);
    out.progress = last;
    clean(m);
    sk_call_reply(m->call, &out.base);
}

/* --- from the driver ------------------------------------------------------------ */

static struct sk_done *begin(struct import *m, void (*fn)(struct sk_done *, const struct sk_err *))
{
    sk_timer_stop(sk_node_loop(m->call->node), &m->idle);
    m->busy = true;
    sk_done_init(&m->done, fn);
    return &m->done;
}

/* Whether things go on; if not, the call has been answered. */
static bool take_result(struct import *m, const struct sk_err *err)
{
    m->busy = false;
    if (!err && !m->gone)
        return true;
    if (err)
        fail(m, err);
    else
        fail_gone(m);
    return false;
}

static void on_opened(struct sk_done *done, const struct sk_err *err)
{
    struct import *m = sk_container_of(done, struct import, done);
    if (take_result(m, err))
        want(m);
}

static void on_blob(struct sk_done *done, const struct sk_err *err)
{
    struct import *m = sk_container_of(done, struct import, done);
    SK_OWN_PB(ImportImageResponse__Blob) said;
    if (!take_result(m, err))
        return;
    sandkeep__v1__import_image_response__blob__init(&said);
    said.wanted = m->wanted;
    if (!m->wanted)
        sk_import_end_blob(&m->course);
    send(m, SK_OWN_PBE(IMPORT_IMAGE_RESPONSE, STEP_BLOB), &said);
}

static void on_committed(struct sk_done *done, const struct sk_err *err)
{
    struct import *m = sk_container_of(done, struct import, done);
    SK_OWN_PB(ImportImageResponse__Stored) said;
    if (!take_result(m, err))
        return;
    sandkeep__v1__import_image_response__stored__init(&said);
    sk_import_end_blob(&m->course);
    send(m, SK_OWN_PBE(IMPORT_IMAGE_RESPONSE, STEP_STORED), &said);
}

/* More of the blob, or its end. */
static void go_on(struct import *m)
{
    if (m->course.state == SK_IMPORT_BYTES && !m->course.missing)
        ops_of(m)->import_commit(m->import, begin(m, on_committed));
    else
        want(m);
}

static void on_written(struct sk_done *done, const struct sk_err *err)
{
    struct import *m = sk_container_of(done, struct import, done);
    if (take_result(m, err))
        go_on(m);
}

static void on_finished(struct sk_done *done, const struct sk_err *err)
{
    struct import *m = sk_container_of(done, struct import, done);
    if (err || m->gone)
        sk_image_free(sk_take(m->image));
    if (!take_result(m, err))
        return;
    m->ended = true;
    sk_image_report_finish(&m->report, sk_take(m->image));
}

/* --- from the client ------------------------------------------------------------- */

static void start(struct import *m)
{
    struct sk_images *images = m->report.images;
    struct sk_err err = {0};
    if (sk_images_check(images, m->course.name, &err)) {
        fail(m, &err);
    } else if (*m->call->imports == IMPORTS_MAX) {
        (void)sk_fail(&err, SK_RESOURCE_EXHAUSTED, "%d images are being imported already", IMPORTS_MAX);
        (void)sk_err_reason(&err, SK_REASON_BUSY);
        fail(m, &err);
    } else {
        ++*m->call->imports;
        m->counted = true;
        int64_t most = sk_images_config(images)->max_bytes;
        ops_of(m)->import_open(sk_images_driver(images), most ? most : INT64_MAX, &m->import,
                               begin(m, on_opened));
    }
}

static void conclude(struct import *m)
{
    m->reporting = true;
    ops_of(m)->import_finish(m->import, m->course.name, &m->course.target, &m->progress, &m->image,
                             begin(m, on_finished));
    sk_image_report_start(&m->report);
}

static void obey(struct import *m, const SK_OWN_PB(ImportImageRequest) * in)
{
    switch (in->step_case) {
    case SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_START):
        start(m);
        break;
    case SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_BLOB):
        ops_of(m)->import_blob(m->import, m->course.digest, m->course.size, &m->wanted, begin(m, on_blob));
        break;
    case SK_OWN_PBE(IMPORT_IMAGE_REQUEST, STEP_CHUNK):
        ops_of(m)->import_write(m->import, in->chunk.data, in->chunk.len, begin(m, on_written));
        break;
    default: /* the course lets nothing else pass */
        conclude(m);
        break;
    }
}

/* Chunks come by the thousand: each has an arena of its own. */
static void on_message(void *arg, grpc_byte_buffer *bytes)
{
    struct import *m = arg;
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    ProtobufCMessage *message = NULL;
    struct sk_err err = {0};
    sk_timer_stop(sk_node_loop(m->call->node), &m->idle);
    enum sk_code code = bytes ? sk_message_unpack(&arena, m->call->method.type->input, bytes, &message, &err)
                              : sk_import_take(&m->course, NULL, &err);
    if (!code && message)
        code = sk_import_take(&m->course, (const void *)message, &err);
    if (code || !message)
        fail(m, &err);
    else
        obey(m, (const void *)message);
}

static void on_sent(void *arg)
{
    struct import *m = arg;
    if (m->reporting)
        sk_image_report_sent(&m->report);
    else
        go_on(m);
}

/* The driver still answers what it was asked; then the import ends. */
static void on_cancel(void *arg)
{
    struct import *m = arg;
    m->gone = true;
    sk_image_report_stop(&m->report);
    if (m->ended)
        sk_image_report_cancel(&m->report);
    else if (m->busy)
        sk_done_cancel(&m->done);
    else
        fail_gone(m);
}

void sk_import_image(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_cancel = on_cancel};
    struct import *m = sk_arena_alloc(call->arena, sizeof(*m));
    m->call = call;
    m->report = (struct sk_image_report){.call = call,
                                         .images = sk_node_images(call->node),
                                         .look = look,
                                         .send = send_progress,
                                         .answer = answer};
    sk_server_call_set(call->rpc, &events, m);
    want(m);
}
