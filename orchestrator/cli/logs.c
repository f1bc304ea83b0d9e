#include "cli/moment.h"
#include "cli/output.h"
#include "cli/target.h"
#include "cli/verbs.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MAX 3 /* without a byte between them */
#define PAUSE        SK_MSEC(500)

typedef Coreweave__Sandbox__V1__StreamLogsRequest logs_request;

struct logs {
    struct sk_client *client;
    const struct sk_args *args;
    struct sk_stream_call *stream;
    struct sk_wall since; /* unset = from the beginning */
    char *session;        /* owned; NULL = begin anew */
    uint64_t offset;      /* of what has been printed, in that session */
    struct sk_wall last;  /* when something was; unset = never */
    int attempts;         /* since then */
    bool over;
    bool deaf;             /* our own output is closed */
    struct sk_fault fault; /* code SK_OK: none */
};

/* --- one stream ------------------------------------------------------------------- */

static void on_entry_error(struct logs *logs, const Coreweave__Sandbox__V1__LogStreamError *error)
{
    struct sk_err err;

    (void)sk_fail(&err, SK_INTERNAL, "%s", error->message);
    sk_fault_set(&logs->fault, &err, NULL, 0);
    (void)snprintf(logs->fault.reason, sizeof(logs->fault.reason), "%s", error->code);
}

static void on_data(struct logs *logs, const Coreweave__Sandbox__V1__LogEntry *entry)
{
    if (entry->log_session_id[0] && (!logs->session || strcmp(logs->session, entry->log_session_id) != 0)) {
        free(logs->session);
        logs->session = sk_strdup(entry->log_session_id);
    }
    logs->offset = entry->next_log_offset;
    logs->last = sk_clock_wall();
    logs->attempts = 0;
    if (sk_write_all(STDOUT_FILENO, entry->data.data, entry->data.len))
        return;
    logs->deaf = true;
    sk_stream_cancel(logs->stream);
}

static void on_message(void *arg, const ProtobufCMessage *message)
{
    struct logs *logs = arg;
    const Coreweave__Sandbox__V1__LogEntry *entry = (const Coreweave__Sandbox__V1__LogEntry *)message;

    if (entry->error)
        on_entry_error(logs, entry->error);
    else if (entry->data.len)
        on_data(logs, entry);
    sk_stream_want(logs->stream);
}

static void on_end(void *arg, const struct sk_err *err)
{
    struct logs *logs = arg;
    struct sk_call_failure failure = sk_channel_failure(logs->client->channel);

    logs->over = true;
    if (err && !logs->fault.err.code)
        sk_fault_set(&logs->fault, err, failure.details, failure.details_len);
    sk_loop_stop(logs->client->loop);
}

static void on_signal(void *arg)
{
    struct logs *logs = arg;
    sk_stream_cancel(logs->stream);
}

/* From where we are, or from where the options say. */
static void send_request(struct logs *logs)
{
    logs_request request = COREWEAVE__SANDBOX__V1__STREAM_LOGS_REQUEST__INIT;
    Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

    request.sandbox_id = logs->args->words.items[0];
    request.follow = logs->args->follow;
    if (logs->session) {
        request.resume_log_session_id = logs->session;
        request.resume_log_offset = logs->offset;
    } else {
        request.timestamps = logs->args->timestamps;
        request.tail_lines = logs->args->tail < 0 || logs->last.ns ? 0 : (int32_t)logs->args->tail;
        since.seconds = logs->since.ns / 1000000000;
        since.nanos = (int32_t)(logs->since.ns % 1000000000);
        request.since_time = logs->since.ns ? &since : NULL;
    }
    sk_stream_send(logs->stream, &request.base);
    sk_stream_half_close(logs->stream);
}

static void stream_once(struct logs *logs)
{
    static const struct sk_stream_events events = {on_message, NULL, on_end};
    struct sk_client *client = logs->client;
    struct sk_method_path path = sk_client_path("StreamLogs");
    const struct sk_method method = {path.text, &coreweave__sandbox__v1__log_entry__descriptor};

    logs->over = false;
    logs->fault = (struct sk_fault){0};
    logs->stream = sk_stream_open(client->channel, &method, NULL, SK_NS(0), &events, logs);
    client->arg = logs;
    client->on_signal = on_signal;
    send_request(logs);
    sk_stream_want(logs->stream);
    while (!logs->over)
        sk_loop_run(client->loop);
    client->on_signal = NULL;
    client->arg = NULL;
    sk_stream_close(sk_take(logs->stream));
}

/* --- many ------------------------------------------------------------------------------- */

/* The stream broke, not the sandbox. */
static bool is_broken_off(const struct sk_fault *fault)
{
    static const enum sk_code codes[] = {SK_UNAVAILABLE, SK_UNKNOWN};
    static const char *const reasons[] = {"STREAM_INTERRUPTED", "RUNNER_UNAVAILABLE", "RUNNER_DRAINING"};

    for (size_t i = 0; i < sk_array_len(codes); i++) {
        if (fault->err.code == codes[i])
            return true;
    }
    for (size_t i = 0; i < sk_array_len(reasons); i++) {
        if (strcmp(fault->reason, reasons[i]) == 0)
            return true;
    }
    return false;
}

/* The server cannot go on where we are: go on from when we were there. */
static bool begin_anew(struct logs *logs)
{
    if (!logs->session || (strcmp(logs->fault.reason, "SESSION_NOT_FOUND") != 0 &&
                           strcmp(logs->fault.reason, "REPLAY_GAP") != 0))
        return false;
    free(sk_take(logs->session));
    logs->since = logs->last;
    (void)fputs("sandkeep: the log was interrupted; lines may be missing or come twice here\n", stderr);
    return true;
}

static bool goes_on(struct logs *logs)
{
    if (!logs->fault.err.code || logs->deaf || logs->client->signo || !logs->args->follow)
        return false;
    if (logs->attempts >= ATTEMPTS_MAX || (!begin_anew(logs) && !is_broken_off(&logs->fault)))
        return false;
    sk_client_sleep(logs->client, SK_NS(PAUSE.ns << logs->attempts));
    logs->attempts++;
    return !logs->client->signo;
}

static int print_logs(struct sk_client *client, const struct sk_args *args, struct sk_wall since)
{
    struct logs logs = {.client = client, .args = args, .since = since};

    do
        stream_once(&logs);
    while (goes_on(&logs));
    free(logs.session);
    if (client->signo)
        return 128 + client->signo;
    if (logs.deaf)
        return 128 + SIGPIPE;
    if (logs.fault.err.code)
        sk_fault_print(&logs.fault);
    return logs.fault.err.code ? 1 : 0;
}

static int run_logs(const struct sk_args *args)
{
    struct sk_client client;
    struct sk_wall since = {0};
    struct sk_err err;

    if (args->since && sk_since_parse(args->since, sk_clock_wall(), &since, &err)) {
        sk_fault_print_err(&err);
        return 2;
    }
    if (sk_client_open(&client, args->address, &err)) {
        sk_fault_print_err(&err);
        return 1;
    }
    int exit_code = print_logs(&client, args, since);
    sk_client_close(&client);
    return exit_code;
}

static const struct sk_option options[] = {
    {"follow", 'f', SK_OPTION_FLAG, offsetof(struct sk_args, follow), NULL, "go on until the sandbox ends"},
    {"tail", 'n', SK_OPTION_LINES, offsetof(struct sk_args, tail), "N", "only the last N lines; 0 = all"},
    {"since", 0, SK_OPTION_TEXT, offsetof(struct sk_args, since), "WHEN",
     "only what came later: 90s, 1h30m, 2d ago, or 2026-01-02T03:04:05Z"},
    {"timestamps", 't', SK_OPTION_FLAG, offsetof(struct sk_args, timestamps), NULL,
     "begin each line with its time"},
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_logs = {
    .name = "logs",
    .synopsis = "[OPTION]... ID",
    .summary = "Print what a sandbox's main process wrote.",
    .notes =
        "Both its streams, in the order written; what exec runs is not in it. With -f the log is taken up\n"
        "again where it was when the connection breaks; ^C ends it.",
    .options = options,
    .words_min = 1,
    .words_max = 1,
    .run = run_logs,
};
