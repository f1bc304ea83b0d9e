#include "web/status_json.h"

#include "base/json_out.h"
#include "base/utf8.h"
#include "core/sandbox.h"
#include "core/session.h"
#include "core/usage.h"

#include <string.h>
#include <yajl/yajl_gen.h>

/* --- small pieces ------------------------------------------------------------------- */

static void put_text(yajl_gen gen, const char *text)
{
    if (!text || !sk_utf8_is_valid(text, strlen(text)))
        text = "?";
    (void)yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

static void put_field(yajl_gen gen, const char *key, const char *text)
{
    put_text(gen, key);
    put_text(gen, text);
}

static void put_number(yajl_gen gen, const char *key, int64_t number)
{
    put_text(gen, key);
    (void)yajl_gen_integer(gen, number);
}

static void put_moment(yajl_gen gen, const char *key, struct sk_wall at)
{
    put_text(gen, key);
    if (at.ns)
        (void)yajl_gen_integer(gen, at.ns / 1000000);
    else
        (void)yajl_gen_null(gen);
}

static void open_list(yajl_gen gen, const char *key)
{
    put_text(gen, key);
    (void)yajl_gen_array_open(gen);
}

/* --- the node ------------------------------------------------------------------------- */

static void put_amount(yajl_gen gen, const char *key, const struct sk_amount *amount)
{
    put_text(gen, key);
    (void)yajl_gen_map_open(gen);
    put_number(gen, "cpu_millis", amount->cpu_millis);
    put_number(gen, "memory_bytes", amount->memory_bytes);
    put_number(gen, "gpus", amount->gpus);
    (void)yajl_gen_map_close(gen);
}

static void put_node(yajl_gen gen, struct sk_node *node, const char *unready)
{
    size_t counts[SK_STATE_TERMINATED + 1];

    put_field(gen, "node", sk_node_config(node)->node_id);
    put_field(gen, "version", SK_VERSION);
    put_field(gen, "unready", unready);
    put_moment(gen, "now", sk_loop_wall(sk_node_loop(node)));
    put_amount(gen, "capacity", &sk_node_capacity(node)->total);
    put_amount(gen, "charged", &sk_node_capacity(node)->charged);
    sk_node_count(node, counts);
    put_text(gen, "counts");
    (void)yajl_gen_map_open(gen);
    for (int state = SK_STATE_PENDING; state <= SK_STATE_TERMINATED; state++)
        put_number(gen, sk_state_word((enum sk_state)state), (int64_t)counts[state]);
    (void)yajl_gen_map_close(gen);
}

/* --- sandboxes ------------------------------------------------------------------------- */

/* Left out until it was measured. */
static void put_use(yajl_gen gen, const struct sk_use *use)
{
    if (!use->is_measured)
        return;
    put_number(gen, "cpu_millis", use->cpu_millis);
    put_number(gen, "memory_bytes", use->memory_bytes);
    put_number(gen, "processes", use->processes);
}

static void put_sandbox(yajl_gen gen, const struct sk_sandbox *s)
{
    const struct sk_record *r = sk_sandbox_record(s);

    (void)yajl_gen_map_open(gen);
    put_field(gen, "id", r->id);
    put_field(gen, "tenant", r->tenant);
    put_field(gen, "state", sk_state_word(r->state));
    put_field(gen, "reason", r->state_reason);
    put_field(gen, "image", r->spec.image);
    put_field(gen, "session", r->session_id);
    open_list(gen, "tags");
    for (const char *const *tag = (const char *const *)r->spec.tags; tag && *tag; tag++)
        put_text(gen, *tag);
    (void)yajl_gen_array_close(gen);
    put_moment(gen, "created", r->created);
    put_moment(gen, "started", r->started);
    put_moment(gen, "ended", r->ended);
    put_moment(gen, "deadline", sk_sandbox_deadline(s));
    put_number(gen, "cpu_limit_millis", r->spec.cpu_limit_millis);
    put_number(gen, "memory_limit_bytes", r->spec.memory_limit_bytes);
    put_use(gen, sk_sandbox_use(s));
    (void)yajl_gen_map_close(gen);
}

static void put_sandboxes(yajl_gen gen, struct sk_node *node, const char *key, bool ended, size_t limit)
{
    SK_AUTO_FREE struct sk_sandbox **found = sk_alloc(limit * sizeof(struct sk_sandbox *));
    const struct sk_list_query query = {.show_terminated = ended, .after = "", .limit = limit};
    char next[SK_PAGE_TOKEN_MAX];
    struct sk_err err;
    size_t count = 0;

    open_list(gen, key);
    if (sk_node_list(node, &query, found, &count, next, &err) != SK_OK)
        count = 0;
    for (size_t i = 0; i < count; i++)
        if (sk_state_is_final(sk_sandbox_record(found[i])->state) == ended)
            put_sandbox(gen, found[i]);
    (void)yajl_gen_array_close(gen);
}

/* --- sessions --------------------------------------------------------------------------- */

static void put_session(yajl_gen gen, const struct sk_session *session)
{
    const struct sk_session_record *r = sk_session_record(session);
    struct sk_session_counts counts = sk_session_counts(session);

    (void)yajl_gen_map_open(gen);
    put_field(gen, "id", r->id);
    put_field(gen, "tenant", r->tenant);
    put_field(gen, "name", r->display_name);
    put_field(gen, "state", r->state == SK_SESSION_OPEN ? "open" : "closing");
    put_moment(gen, "created", r->created);
    put_moment(gen, "expires", counts.expires);
    put_number(gen, "sandboxes", (int64_t)counts.live);
    put_number(gen, "holders", (int64_t)counts.holders);
    (void)yajl_gen_map_close(gen);
}

static void put_sessions(yajl_gen gen, struct sk_node *node)
{
    SK_AUTO_FREE struct sk_session **found = sk_alloc(SK_STATUS_SESSIONS * sizeof(struct sk_session *));
    const struct sk_session_query query = {.after = "", .limit = SK_STATUS_SESSIONS};
    char next[SK_PAGE_TOKEN_MAX];
    struct sk_err err;
    size_t count = 0;

    open_list(gen, "sessions");
    if (sk_session_list(node, &query, found, &count, next, &err) != SK_OK)
        count = 0;
    for (size_t i = 0; i < count; i++)
        put_session(gen, found[i]);
    (void)yajl_gen_array_close(gen);
}

/* --- what happened ------------------------------------------------------------------------ */

static void put_timeline(yajl_gen gen, const char *key, const struct sk_timeline *timeline)
{
    open_list(gen, key);
    for (size_t i = 0; i < timeline->count; i++) {
        const struct sk_happening *h = sk_timeline_get(timeline, i);
        (void)yajl_gen_map_open(gen);
        put_moment(gen, "at", h->at);
        put_field(gen, "kind", h->kind);
        put_field(gen, "id", h->id);
        put_field(gen, "text", h->text);
        (void)yajl_gen_map_close(gen);
    }
    (void)yajl_gen_array_close(gen);
}

/* People read it in terminals, too. */
static char *copy_text(yajl_gen gen, size_t *out_len)
{
    const unsigned char *text = NULL;
    struct sk_buf copy;
    size_t len = 0;

    (void)yajl_gen_get_buf(gen, &text, &len);
    sk_buf_init(&copy, 6 * len + 1);
    (void)!sk_json_out_disarmed(&copy, (const char *)text, len);
    *out_len = copy.len;
    return sk_buf_take_text(&copy);
}

char *sk_status_json(struct sk_node *node, const char *unready, size_t *out_len)
{
    yajl_gen gen = yajl_gen_alloc(NULL);

    (void)yajl_gen_map_open(gen);
    put_node(gen, node, unready);
    put_sandboxes(gen, node, "sandboxes", false, SK_STATUS_SANDBOXES);
    put_sandboxes(gen, node, "ended", true, SK_STATUS_SANDBOXES);
    put_sessions(gen, node);
    put_timeline(gen, "events", sk_node_timeline(node));
    put_timeline(gen, "denials", sk_node_denials(node));
    (void)yajl_gen_map_close(gen);
    char *copy = copy_text(gen, out_len);
    yajl_gen_free(gen);
    return copy;
}
