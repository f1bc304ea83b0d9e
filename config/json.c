#include "config/json.h"

#include <string.h>
#include <yajl/yajl_parse.h>

struct parser {
    struct sk_arena *arena;
    yajl_handle yajl;
    const char *text;
    size_t len;
    bool at_end;    /* all of it has been given to yajl */
    size_t scanned; /* bytes of text in which lines are counted already */
    int line;
    struct sk_json *open[SK_JSON_DEPTH_MAX]; /* arrays and objects that have not ended */
    struct sk_json *last[SK_JSON_DEPTH_MAX]; /* their last members */
    size_t depth;
    const char *key; /* waits for its value */
    struct sk_json *root;
    const char *refusal; /* our own reason to stop */
};

/* yajl tells, during a callback, where the token ended. */
static int line_now(struct parser *p)
{
    size_t end = p->at_end ? p->len : yajl_get_bytes_consumed(p->yajl);

    for (; p->scanned < end; p->scanned++)
        p->line += p->text[p->scanned] == '\n';
    return p->line;
}

static int refuse(struct parser *p, const char *why)
{
    p->refusal = why;
    return 0;
}

/* A new value, linked where it belongs. */
static struct sk_json *add(struct parser *p, enum sk_json_kind kind)
{
    struct sk_json *value = sk_arena_alloc(p->arena, sizeof(*value));
    struct sk_json **link = &p->root;

    if (p->depth)
        link = p->last[p->depth - 1] ? &p->last[p->depth - 1]->next : &p->open[p->depth - 1]->first;
    *link = value;
    if (p->depth)
        p->last[p->depth - 1] = value;
    value->kind = kind;
    value->line = line_now(p);
    value->key = sk_take(p->key);
    value->text = "";
    return value;
}

static int on_null(void *arg)
{
    (void)add(arg, SK_JSON_NULL);
    return 1;
}

static int on_bool(void *arg, int truth)
{
    add(arg, SK_JSON_BOOL)->truth = truth;
    return 1;
}

static int on_number(void *arg, const char *text, size_t len)
{
    struct parser *p = arg;

    add(p, SK_JSON_NUMBER)->text = sk_arena_strndup(p->arena, text, len);
    return 1;
}

static int on_string(void *arg, const unsigned char *text, size_t len)
{
    struct parser *p = arg;

    if (memchr(text, '\0', len))
        return refuse(p, "a string with a NUL character");
    add(p, SK_JSON_STRING)->text = sk_arena_strndup(p->arena, (const char *)text, len);
    return 1;
}

static int on_key(void *arg, const unsigned char *text, size_t len)
{
    struct parser *p = arg;

    if (memchr(text, '\0', len))
        return refuse(p, "a key with a NUL character");
    p->key = sk_arena_strndup(p->arena, (const char *)text, len);
    return 1;
}

static int open_value(struct parser *p, enum sk_json_kind kind)
{
    struct sk_json *value;

    if (p->depth == SK_JSON_DEPTH_MAX)
        return refuse(p, "arrays and objects nested too deeply");
    value = add(p, kind);
    p->open[p->depth] = value;
    p->last[p->depth] = NULL;
    p->depth++;
    return 1;
}

static int on_object(void *arg)
{
    return open_value(arg, SK_JSON_OBJECT);
}

static int on_array(void *arg)
{
    return open_value(arg, SK_JSON_ARRAY);
}

static int on_end(void *arg)
{
    ((struct parser *)arg)->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

static enum sk_code report(struct parser *p, int *out_line, struct sk_err *err)
{
    enum sk_code code;
    char *said;

    *out_line = line_now(p);
    if (p->refusal)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s", p->refusal);
    said = (char *)yajl_get_error(p->yajl, 0, (const unsigned char *)p->text, p->len);
    said[strcspn(said, "\n")] = '\0';
    code = sk_fail(err, SK_INVALID_ARGUMENT, "not JSON: %s", said);
    yajl_free_error(p->yajl, (unsigned char *)said);
    return code;
}

static bool parse_all(struct parser *p)
{
    if (yajl_parse(p->yajl, (const unsigned char *)p->text, p->len) != yajl_status_ok)
        return false;
    p->at_end = true;
    return yajl_complete_parse(p->yajl) == yajl_status_ok;
}

enum sk_code sk_json_parse(struct sk_arena *arena, const char *text, size_t len, struct sk_json **out_root,
                           int *out_line, struct sk_err *err)
{
    struct parser p = {.arena = arena, .text = text, .len = len, .line = 1};
    enum sk_code code = SK_OK;

    p.yajl = yajl_alloc(&callbacks, NULL, &p);
    (void)yajl_config(p.yajl, yajl_allow_comments, 1);
    if (!parse_all(&p))
        code = report(&p, out_line, err);
    yajl_free(p.yajl);
    if (code == SK_OK)
        *out_root = p.root;
    return code;
}

const char *sk_json_kind_name(enum sk_json_kind kind)
{
    static const char *const names[] = {
        [SK_JSON_NULL] = "null",       [SK_JSON_BOOL] = "true or false", [SK_JSON_NUMBER] = "a number",
        [SK_JSON_STRING] = "a string", [SK_JSON_ARRAY] = "a list",       [SK_JSON_OBJECT] = "an object",
    };
    return names[kind];
}
