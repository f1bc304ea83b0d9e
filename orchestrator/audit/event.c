#include "audit/event.h"

#include "base/json_out.h"

#include <string.h>

/* What strangers and refused calls name must not wash away what stands there already. */
#define TEXT_MAX 1024 /* paths, images, names */
#define ID_MAX   64
#define CALL_MAX 256

/* Whole or not at all. */
static bool keep_if(struct sk_buf *out, size_t before, enum sk_code code)
{
    if (code != SK_OK)
        out->len = before;
    return code == SK_OK;
}

static void add_some(struct sk_buf *out, const char *key, const char *text, size_t most)
{
    size_t before = out->len;
    if (!text || !*text)
        return;
    enum sk_code code = sk_buf_printf(out, ",\"%s\":", key);
    (void)keep_if(out, before, code == SK_OK ? sk_json_out_text(out, text, most) : code);
}

static void add_text(struct sk_buf *out, const char *key, const char *text)
{
    add_some(out, key, text, TEXT_MAX);
}

static void add_word(struct sk_buf *out, const char *word, bool is_first)
{
    size_t before = out->len;
    enum sk_code code = is_first ? SK_OK : sk_buf_append(out, ",", 1);
    (void)keep_if(out, before, code == SK_OK ? sk_json_out_text(out, word, SK_AUDIT_WORD_MAX) : code);
}

static void add_command(struct sk_buf *out, const struct sk_audit_event *event)
{
    static const char end[] = "],\"command_cut\":true";
    size_t before = out->len, told = 0, i;
    size_t ceiling = out->ceiling;
    if (!event->command || !keep_if(out, before, sk_buf_printf(out, ",\"command\":[")))
        return;
    out->ceiling = ceiling > out->len + sizeof(end) ? ceiling - sizeof(end) : out->len;
    for (i = 0; i < event->command_len && told < SK_AUDIT_COMMAND_MAX; i++) {
        add_word(out, event->command[i], i == 0);
        told += strnlen(event->command[i], SK_AUDIT_WORD_MAX) + 3;
    }
    out->ceiling = ceiling;
    (void)keep_if(out, before, sk_buf_printf(out, "%s", i == event->command_len ? "]" : end));
}

static void add_took(struct sk_buf *out, struct sk_duration took)
{
    size_t before = out->len;
    if (took.ns <= 0)
        return;
    enum sk_code code = sk_buf_printf(out, ",\"took_ms\":");
    (void)keep_if(out, before, code == SK_OK ? sk_json_out_millis(out, took.ns) : code);
}

void sk_audit_event_write(const struct sk_audit_event *event, struct sk_wall at, struct sk_buf *out)
{
    char time[SK_JSON_TIME_SIZE];
    sk_json_out_time(at, time);
    if (!keep_if(out, out->len, sk_buf_printf(out, "\"time\":\"%s\"", time)))
        return;
    add_text(out, "event", event->event);
    add_text(out, "tenant", event->tenant);
    add_text(out, "key", event->key);
    add_text(out, "peer", event->peer);
    add_some(out, "method", event->method, CALL_MAX);
    add_some(out, "sandbox", event->sandbox, ID_MAX);
    add_some(out, "session", event->session, ID_MAX);
    add_text(out, "code", event->code);
    add_text(out, "request", event->request);
    add_took(out, event->took);
    add_text(out, "client_request", event->client);
    add_text(out, "name", event->name);
    add_text(out, "image", event->image);
    add_text(out, "state", event->state);
    add_text(out, "reason", event->reason);
    add_text(out, "path", event->path);
    add_command(out, event);
}
