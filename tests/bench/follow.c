#include "bench/follow.h"

#include "bench/daemon.h"
#include "bench/samples.h"
#include "bench/sandbox.h"
#include "bench/stream.h"

#include <stdio.h>
#include <stdlib.h>

/* Every 5 ms what CLOCK_MONOTONIC says; there is one for the whole machine. */
static const char *const CLOCK[] = {"python", "-uc",
                                    "import time\n"
                                    "while True: print(time.monotonic_ns()); time.sleep(0.005)",
                                    NULL};

static bool take_line(struct stream *stream, struct samples *samples)
{
    struct answer message;
    Coreweave__Sandbox__V1__LogEntry *entry;
    char line[32];

    if (!stream_take(stream, &message))
        return false;
    entry = coreweave__sandbox__v1__log_entry__unpack(NULL, message.len, message.data);
    answer_fini(&message);
    if (!entry)
        return false;
    /* Several lines at once tell that the reader was late, not the log: the last one counts. */
    if (entry->data.len >= 2 && entry->data.len < sizeof(line)) {
        snprintf(line, sizeof(line), "%.*s", (int)entry->data.len, (const char *)entry->data.data);
        samples_add(samples, now_ms() - (double)strtoull(line, NULL, 10) / 1e6);
    }
    coreweave__sandbox__v1__log_entry__free_unpacked(entry, NULL);
    return true;
}

static void follow_lines(struct caller *daemon, const char *image, int n, struct samples *samples)
{
    Coreweave__Sandbox__V1__StreamLogsRequest request = COREWEAVE__SANDBOX__V1__STREAM_LOGS_REQUEST__INIT;
    Sandbox *sandbox = sandbox_run(daemon, image, CLOCK);
    struct stream *stream;
    struct answer first;

    request.sandbox_id = sandbox->sandbox_id;
    request.follow = true;
    request.tail_lines = 1;
    first = packed(&request.base);
    stream = stream_open(daemon, API "StreamLogs", &first, true);
    while (samples->len < (size_t)n && take_line(stream, samples))
        continue;
    sandbox_stop(daemon, sandbox->sandbox_id);
    while (stream_next(stream))
        continue;
    (void)stream_close(stream);
    sandbox_free(sandbox);
    answer_fini(&first);
}

void follow_measure(const char *image, int n)
{
    struct samples samples = {0};
    struct caller daemon;

    daemon_open(&daemon);
    follow_lines(&daemon, image, n, &samples);
    samples_print(&samples, "follow");
    samples_fini(&samples);
    daemon_close(&daemon);
}
