/* logs_api.c: StreamLogs: what the main process prints, as a stream of chunks.
 *
 * The next chunk is asked for when gRPC has taken the last one, so a slow
 * reader costs one chunk of memory. */
#include "api/handlers.h"
#include "core/log_stream.h"
#include "core/shutdown.h"

struct stream {
    struct sk_call *call;
    struct sk_log_stream *log; /* owned; NULL until the request has come */
};

/* --- from the log ----------------------------------------------------------- */

static void on_chunk(void *arg, const struct sk_log_chunk *chunk)
{
    struct stream *s = arg;
    SK_PB(LogEntry) entry;
    Google__Protobuf__Timestamp at;
    coreweave__sandbox__v1__log_entry__init(&entry);
    google__protobuf__timestamp__init(&at);
    entry.data = (ProtobufCBinaryData){.len = chunk->len, .data = (uint8_t *)chunk->data};
    entry.log_session_id = (char *)chunk->session;
    entry.next_log_offset = chunk->next_offset;
    if (chunk->at.ns > 0) {
        at.seconds = chunk->at.ns / 1000000000;
        at.nanos = (int32_t)(chunk->at.ns % 1000000000);
        entry.timestamp = &at;
    }
    sk_server_call_send(s->call->rpc, &entry.base);
}

static void on_sent(void *arg)
{
    sk_log_want(((struct stream *)arg)->log);
}

static void on_end(void *arg)
{
    struct stream *s = arg;
    sk_log_close(sk_take(s->log));
    sk_call_reply(s->call, NULL);
}

/* Clients look for these in the stream, not in the status. */
static void on_broken(void *arg, const char *code, const char *text)
{
    struct stream *s = arg;
    SK_PB(LogEntry) entry;
    SK_PB(LogStreamError) error;
    coreweave__sandbox__v1__log_entry__init(&entry);
    coreweave__sandbox__v1__log_stream_error__init(&error);
    error.code = (char *)code;
    error.message = (char *)text;
    entry.error = &error;
    sk_log_close(sk_take(s->log));
    sk_call_reply(s->call, &entry.base);
}

static void on_error(void *arg, const struct sk_err *err)
{
    struct stream *s = arg;
    struct sk_err copy = *err;
    sk_log_close(sk_take(s->log));
    sk_call_fail(s->call, &copy);
}

/* --- from the client --------------------------------------------------------- */

static bool takes_up(const SK_PB(StreamLogsRequest) * in)
{
    return in->resume_log_session_id[0] || in->resume_log_offset;
}

static void check_since(const Google__Protobuf__Timestamp *since, struct sk_check *check)
{
    const struct sk_path *path = SK_FIELD(NULL, "since_time");
    if (!since)
        return;
    (void)sk_check_range(check, SK_FIELD(path, "seconds"), since->seconds, -INT64_C(62135596800),
                         INT64_C(253402300799));
    (void)sk_check_range(check, SK_FIELD(path, "nanos"), since->nanos, 0, 999999999);
}

static void check_request(const SK_PB(StreamLogsRequest) * in, struct sk_check *check)
{
    const struct sk_path *session = SK_FIELD(NULL, "resume_log_session_id");
    (void)sk_check_range(check, SK_FIELD(NULL, "tail_lines"), in->tail_lines, 0, INT32_MAX);
    check_since(in->since_time, check);
    if (!takes_up(in))
        return;
    if (!in->resume_log_session_id[0])
        sk_check_violated(check, session, "must say which session resume_log_offset belongs to");
    if (!in->follow)
        sk_check_violated(check, session, "only a stream that follows can be resumed");
    if (in->tail_lines || in->since_time || in->timestamps)
        sk_check_violated(check, session, "cannot be combined with tail_lines, since_time or timestamps");
}

/* Years that nanoseconds cannot count mean "all" and "nothing" just as well. */
static struct sk_wall wall_of(const Google__Protobuf__Timestamp *time)
{
    int64_t most = INT64_MAX / 1000000000 - 1;
    if (!time || time->seconds < 0)
        return (struct sk_wall){0};
    return (struct sk_wall){(time->seconds < most ? time->seconds : most) * 1000000000 + time->nanos};
}

static void start(struct stream *s, const SK_PB(StreamLogsRequest) * in)
{
    static const struct sk_log_events events = {
        .on_chunk = on_chunk, .on_end = on_end, .on_broken = on_broken, .on_error = on_error};
    struct sk_sandbox *sandbox = NULL;
    struct sk_err err = {0};
    struct sk_log_ask ask = {
        .follow = in->follow,
        .timestamps = in->timestamps,
        .tail_lines = (uint64_t)in->tail_lines,
        .since = wall_of(in->since_time),
        .session = takes_up(in) ? in->resume_log_session_id : NULL,
        .offset = in->resume_log_offset,
    };
    if (sk_call_find(s->call, in->sandbox_id, &sandbox, &err) ||
        sk_call_check_container(s->call, sandbox, in->container, &err)) {
        sk_call_fail(s->call, &err);
        return;
    }
    if (in->follow)
        sk_stay_become(&s->call->stay, SK_STAY_ENDLESS);
    s->log = sk_log_open(sandbox, &ask, &events, s);
    sk_log_want(s->log);
}

static void take_request(struct stream *s, const SK_PB(StreamLogsRequest) * in)
{
    struct sk_check *check = sk_arena_alloc(s->call->arena, sizeof(*check));
    check->arena = s->call->arena;
    check_request(in, check);
    if (check->count)
        sk_call_fail_check(s->call, check);
    else
        start(s, in);
}

static void on_message(void *arg, grpc_byte_buffer *bytes)
{
    struct stream *s = arg;
    ProtobufCMessage *message = NULL;
    struct sk_err err = {0};
    if (!bytes)
        (void)sk_fail(&err, SK_INVALID_ARGUMENT, "the call carries no request");
    else if (!sk_call_unpack(s->call, bytes, &message, &err)) {
        take_request(s, (const void *)message);
        return;
    }
    sk_call_fail(s->call, &err);
}

/* The node is drained, and a client that follows learns it where it looks for such things. A daemon that
 * stops ends the call instead: then clients go on where they were, once there is a daemon again. */
static bool is_drained(const struct stream *s)
{
    return s->log && s->call->stay.is_cut && s->call->stay.kind == SK_STAY_ENDLESS &&
           !sk_shutdown_status(s->call->node).is_under_way;
}

static void on_cancel(void *arg)
{
    struct stream *s = arg;
    struct sk_err err = {0};
    if (is_drained(s)) {
        on_broken(s, "RUNNER_DRAINING", "the node is being drained");
        return;
    }
    sk_call_gone(s->call, &err);
    sk_log_close(sk_take(s->log));
    sk_call_fail(s->call, &err);
}

void sk_stream_logs(struct sk_call *call)
{
    static const struct sk_server_call_events events = {
        .on_message = on_message, .on_sent = on_sent, .on_cancel = on_cancel};
    struct stream *s = sk_arena_alloc(call->arena, sizeof(*s));
    s->call = call;
    sk_server_call_set(call->rpc, &events, s);
    sk_server_call_want(call->rpc);
}
