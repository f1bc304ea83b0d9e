#include "fleet/fleet.h"

#include "rpc/client.h"

#include <string.h>

/* As large as what a node answers to clients. */
#define ANSWER_MAX ((size_t)100 << 20)

struct peer {
    const char *id, *url;
    struct sk_channel *channel;
};

/* Those of one configuration. What is being asked keeps them. */
struct circle {
    struct sk_arena arena;
    size_t refs; /* the fleet's, and each question's */
    const char *key, *roots;
    struct peer *peers;
    size_t count;
};

struct sk_fleet {
    struct sk_loop *loop;
    struct sk_bridge *bridge;
    const struct sk_log *log;
    char *node_id;
    struct circle *circle;
};

/* --- the peers -------------------------------------------------------------------------- */

/* "https://host" as gRPC names it: "host:443". */
static const char *target_of(struct sk_arena *arena, const char *url, bool *out_tls)
{
    *out_tls = strncmp(url, "https://", 8) == 0;
    const char *host = strstr(url, "://") + 3;
    size_t len = strcspn(host, "/");
    const char *port = memchr(host, ']', len) ? memchr(host, ']', len) : host;

    if (memchr(port, ':', len - (size_t)(port - host)))
        return sk_arena_printf(arena, "%.*s", (int)len, host);
    return sk_arena_printf(arena, "%.*s:%d", (int)len, host, *out_tls ? 443 : 80);
}

static enum sk_code add_peer(const struct sk_fleet *fleet, struct circle *circle,
                             const struct sk_fleet_peer *peer, struct sk_err *err)
{
    struct peer *out = &circle->peers[circle->count];
    const struct sk_header headers[] = {
        {SK_HOP_HEADER, fleet->node_id},
        {*circle->key ? "authorization" : NULL, sk_arena_printf(&circle->arena, "Bearer %s", circle->key)},
        {NULL, NULL},
    };
    struct sk_channel_options to = {
        .root_certificates = circle->roots, .max_receive_bytes = ANSWER_MAX, .headers = headers};

    to.target = target_of(&circle->arena, peer->url, &to.tls);
    out->id = sk_arena_strdup(&circle->arena, peer->id);
    out->url = sk_arena_strdup(&circle->arena, peer->url);
    enum sk_code code = sk_channel_new(fleet->bridge, &to, &out->channel, err);
    circle->count += code == SK_OK;
    return code;
}

/* May be done by the answer of the last question, whose channel goes with it (unary.c allows that). */
static void circle_unref(struct circle *circle)
{
    if (!circle || --circle->refs)
        return;
    for (size_t i = 0; i < circle->count; i++)
        sk_channel_free(circle->peers[i].channel);
    sk_arena_fini(&circle->arena);
    free(circle);
}

static enum sk_code circle_new(const struct sk_fleet *fleet, const struct sk_fleet_options *options,
                               struct circle **out_circle, struct sk_err *err)
{
    struct circle *circle = sk_alloc(sizeof(*circle));
    enum sk_code code = SK_OK;

    *circle = (struct circle){.refs = 1};
    circle->key = sk_arena_strdup(&circle->arena, options->key);
    circle->roots =
        options->root_certificates ? sk_arena_strdup(&circle->arena, options->root_certificates) : NULL;
    circle->peers = sk_arena_alloc(&circle->arena, (options->peer_count + 1) * sizeof(*circle->peers));
    for (size_t i = 0; code == SK_OK && i < options->peer_count; i++)
        if (strcmp(options->peers[i].id, fleet->node_id) != 0)
            code = add_peer(fleet, circle, &options->peers[i], err);
    if (code == SK_OK)
        *out_circle = circle;
    else
        circle_unref(circle);
    return code;
}

/* Whether that is how they are asked already, so that connections can stay. */
static bool is_same(const struct sk_fleet *fleet, const struct sk_fleet_options *options)
{
    const struct circle *circle = fleet->circle;
    const char *roots = options->root_certificates ? options->root_certificates : "";
    size_t at = 0;

    if (strcmp(circle->key, options->key) != 0 || strcmp(circle->roots ? circle->roots : "", roots) != 0)
        return false;
    for (size_t i = 0; i < options->peer_count; i++) {
        if (strcmp(options->peers[i].id, fleet->node_id) == 0)
            continue;
        if (at == circle->count || strcmp(circle->peers[at].id, options->peers[i].id) != 0 ||
            strcmp(circle->peers[at].url, options->peers[i].url) != 0)
            return false;
        at++;
    }
    return at == circle->count;
}

enum sk_code sk_fleet_open(struct sk_bridge *bridge, const struct sk_log *log,
                           const struct sk_fleet_options *options, struct sk_fleet **out_fleet,
                           struct sk_err *err)
{
    struct sk_fleet *fleet = sk_alloc(sizeof(*fleet));

    *fleet = (struct sk_fleet){.loop = sk_bridge_loop(bridge), .bridge = bridge, .log = log};
    fleet->node_id = sk_strdup(options->node_id);
    enum sk_code code = circle_new(fleet, options, &fleet->circle, err);
    if (code == SK_OK)
        *out_fleet = fleet;
    else
        sk_fleet_close(fleet);
    return code;
}

enum sk_code sk_fleet_configure(struct sk_fleet *fleet, const struct sk_fleet_options *options,
                                struct sk_err *err)
{
    struct circle *next = NULL;

    if (is_same(fleet, options))
        return SK_OK;
    enum sk_code code = circle_new(fleet, options, &next, err);
    if (code != SK_OK)
        return code;
    circle_unref(fleet->circle);
    fleet->circle = next;
    return SK_OK;
}

void sk_fleet_close(struct sk_fleet *fleet)
{
    if (!fleet)
        return;
    circle_unref(fleet->circle);
    free(fleet->node_id);
    free(fleet);
}

size_t sk_fleet_size(const struct sk_fleet *fleet)
{
    return fleet ? fleet->circle->count : 0;
}

const char *sk_fleet_maker(const struct sk_fleet *fleet, const char *id)
{
    size_t len = strcspn(id, "-");

    for (size_t i = 0; i < sk_fleet_size(fleet); i++) {
        const char *peer = fleet->circle->peers[i].id;
        if (strncmp(peer, id, len) == 0 && !peer[len])
            return peer;
    }
    return NULL;
}

/* --- a question --------------------------------------------------------------------------- */

struct asked {
    struct question *question;
    const struct peer *peer;
    struct sk_done done;
    bool answered;
};

struct question {
    struct sk_fleet *fleet;
    struct circle *circle;
    struct asked *asked;
    size_t count, waiting;
    struct sk_err err; /* the first */
    struct sk_done *done;
};

static void give_up(struct question *q)
{
    for (size_t i = 0; i < q->count; i++)
        if (!q->asked[i].answered)
            sk_done_cancel(&q->asked[i].done);
}

static void cancel(struct sk_done *done)
{
    struct question *q = done->callee;

    done->cancel = NULL;
    if (q->err.code == SK_OK)
        (void)sk_fail(&q->err, SK_CANCELLED, "cancelled");
    give_up(q);
}

/* What the caller is told. */
static void explain(const struct asked *a, const struct sk_err *err, struct sk_err *out)
{
    if (err->code == SK_NOT_FOUND) {
        *out = *err;
        return;
    }
    (void)sk_fail(out, SK_UNAVAILABLE, "node %s did not answer: %s", a->peer->id, err->text);
    (void)sk_err_reason(out, "RUNNER_UNAVAILABLE");
}

static void on_answer(struct sk_done *done, const struct sk_err *err)
{
    struct asked *a = sk_container_of(done, struct asked, done);
    struct question *q = a->question;

    a->answered = true;
    if (err && q->err.code == SK_OK) {
        explain(a, err, &q->err);
        sk_log_err(q->fleet->log, SK_WARN, "fleet.no_answer", err, SK_STR("node", a->peer->id));
        give_up(q);
    }
    if (--q->waiting > 0)
        return;
    q->done->cancel = NULL;
    circle_unref(sk_take(q->circle));
    sk_done_fire(q->done, q->err.code == SK_OK ? NULL : &q->err);
}

static bool is_asked(const struct sk_fleet_question *question, const char *id)
{
    if (!question->only)
        return true;
    for (const char *const *at = question->only; *at; at++)
        if (strcmp(*at, id) == 0)
            return true;
    return false;
}

static void begin(struct question *q, const struct sk_fleet_question *question, struct sk_arena *arena,
                  struct sk_fleet_answers *out)
{
    const struct sk_method method = {.path = question->method, .response = question->answer};
    const struct sk_header headers[] = {{question->tenant ? SK_HOP_TENANT_HEADER : NULL, question->tenant},
                                        {NULL, NULL}};
    struct sk_duration timeout = question->timeout;

    if (timeout.ns <= 0 || timeout.ns > SK_FLEET_LIMIT.ns)
        timeout = SK_FLEET_LIMIT;
    for (size_t i = 0; i < q->count; i++) {
        sk_done_init(&q->asked[i].done, on_answer);
        sk_call_unary(q->asked[i].peer->channel, &method, question->request, headers, timeout, arena,
                      &out->items[i], &q->asked[i].done);
    }
}

void sk_fleet_ask(struct sk_fleet *fleet, const struct sk_fleet_question *question, struct sk_arena *arena,
                  struct sk_fleet_answers *out, struct sk_done *done)
{
    struct question *q = sk_arena_alloc(arena, sizeof(*q));

    *q = (struct question){.fleet = fleet, .circle = fleet->circle, .done = done};
    q->asked = sk_arena_alloc(arena, (q->circle->count + 1) * sizeof(*q->asked));
    for (size_t i = 0; i < q->circle->count; i++)
        if (is_asked(question, q->circle->peers[i].id))
            q->asked[q->count++] = (struct asked){.question = q, .peer = &q->circle->peers[i]};
    *out = (struct sk_fleet_answers){sk_arena_alloc(arena, (q->count + 1) * sizeof(void *)), q->count};
    if (!q->count) {
        sk_done_later(fleet->loop, done, NULL);
        return;
    }
    q->circle->refs++;
    q->waiting = q->count;
    done->callee = q;
    done->cancel = cancel;
    begin(q, question, arena, out);
}
