#include "oci/image_config.h"

#include "oci/json_in.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LIST_MAX 4096 /* strings */

struct strings {
    char **items; /* NULL-terminated once anything is in it */
    size_t len, cap;
};

struct walk {
    struct sk_arena *arena;
    struct strings entrypoint, cmd, env, diff_ids;
    char *working_dir, *user, *stop_signal, *os, *architecture;
    bool is_object;
};

static const struct field {
    const char *path; /* of the text, or of the list */
    bool is_list;
    size_t offset;
} fields[] = {
    {"/architecture", false, offsetof(struct walk, architecture)},
    {"/os", false, offsetof(struct walk, os)},
    {"/config/User", false, offsetof(struct walk, user)},
    {"/config/WorkingDir", false, offsetof(struct walk, working_dir)},
    {"/config/StopSignal", false, offsetof(struct walk, stop_signal)},
    {"/config/Entrypoint", true, offsetof(struct walk, entrypoint)},
    {"/config/Cmd", true, offsetof(struct walk, cmd)},
    {"/config/Env", true, offsetof(struct walk, env)},
    {"/rootfs/diff_ids", true, offsetof(struct walk, diff_ids)},
};

static enum sk_code append(struct sk_arena *arena, struct strings *list, const char *text, size_t len,
                           struct sk_err *err)
{
    if (list->len == LIST_MAX)
        return sk_fail(err, SK_FAILED_PRECONDITION, "a list has more than %d entries", LIST_MAX);
    if (list->len + 1 >= list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        char **items = sk_arena_alloc(arena, cap * sizeof(*items));
        if (list->len)
            memcpy(items, list->items, list->len * sizeof(*items));
        list->items = items;
        list->cap = cap;
    }
    list->items[list->len++] = sk_arena_strndup(arena, text, len);
    return SK_OK;
}

static enum sk_code take_list(struct walk *w, const struct field *field, const struct sk_json_item *item,
                              bool is_element, struct sk_err *err)
{
    struct strings *list = (struct strings *)((char *)w + field->offset);
    if (is_element && item->kind == SK_JSON_STRING)
        return append(w->arena, list, item->text, item->len, err);
    bool is_list = !is_element && (item->is_null || item->is_array || item->kind == SK_JSON_CLOSE);
    if (!is_list)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s is not a list of strings", field->path);
    if (item->kind == SK_JSON_OPEN)
        *list = (struct strings){0}; /* of two with one name the last counts */
    return SK_OK;
}

static enum sk_code take_text(struct walk *w, const struct field *field, const struct sk_json_item *item,
                              struct sk_err *err)
{
    char **text = (char **)(void *)((char *)w + field->offset);
    if (item->kind != SK_JSON_STRING && !item->is_null)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s is not a string", field->path);
    *text = item->is_null ? NULL : sk_arena_strndup(w->arena, item->text, item->len);
    return SK_OK;
}

static enum sk_code on_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    if (!*item->path && item->kind == SK_JSON_OPEN)
        ((struct walk *)arg)->is_object = !item->is_array;
    for (size_t i = 0; i < sk_array_len(fields); i++) {
        size_t len = strlen(fields[i].path);
        if (strncmp(item->path, fields[i].path, len) != 0)
            continue;
        bool is_element = strcmp(item->path + len, "/*") == 0;
        if (fields[i].is_list && (is_element || !item->path[len]))
            return take_list(arg, &fields[i], item, is_element, err);
        if (!fields[i].is_list && !item->path[len])
            return take_text(arg, &fields[i], item, err);
    }
    return SK_OK;
}

static char **items_of(struct walk *w, const struct strings *list)
{
    return list->items ? list->items : sk_arena_alloc(w->arena, sizeof(char *));
}

/* "K" alone means nothing here; Docker's clients drop it too. */
static void drop_nameless(struct strings *env)
{
    size_t kept = 0;
    for (size_t i = 0; i < env->len; i++)
        if (strchr(env->items[i], '=') && env->items[i][0] != '=')
            env->items[kept++] = env->items[i];
    if (env->items)
        env->items[kept] = NULL;
    env->len = kept;
}

static enum sk_code check(const struct walk *w, const char *architecture, struct sk_err *err)
{
    if (!w->is_object)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's config is not an object");
    if ((w->os && *w->os && strcmp(w->os, "linux") != 0) ||
        (w->architecture && *w->architecture && strcmp(w->architecture, architecture) != 0))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is not made for linux/%s", architecture);
    for (size_t i = 0; i < w->diff_ids.len; i++)
        if (!sk_digest_is_valid(w->diff_ids.items[i]))
            return sk_fail(err, SK_FAILED_PRECONDITION, "a layer of the image has no valid digest");
    if (w->stop_signal && *w->stop_signal && !sk_signal_parse(w->stop_signal))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's stop signal \"%.32s\" is unknown",
                       w->stop_signal);
    return SK_OK;
}

static char *text_or_empty(struct walk *w, char *text)
{
    return text ? text : sk_arena_strdup(w->arena, "");
}

enum sk_code sk_image_config_parse(const uint8_t *text, size_t len, const char *architecture,
                                   struct sk_arena *arena, struct sk_image_config *out_config,
                                   struct sk_err *err)
{
    struct walk w = {.arena = arena};
    struct sk_err fault;
    if (sk_json_read(text, len, on_item, &w, &fault) != SK_OK)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's config: %s", fault.text);
    enum sk_code code = check(&w, architecture, err);
    if (code != SK_OK)
        return code;
    drop_nameless(&w.env);
    *out_config = (struct sk_image_config){
        .entrypoint = items_of(&w, &w.entrypoint),
        .cmd = items_of(&w, &w.cmd),
        .env = items_of(&w, &w.env),
        .diff_ids = items_of(&w, &w.diff_ids),
        .working_dir = text_or_empty(&w, w.working_dir),
        .user = text_or_empty(&w, w.user),
        .stop_signal = w.stop_signal && *w.stop_signal ? sk_signal_parse(w.stop_signal) : SIGTERM,
    };
    return SK_OK;
}

/* out = digest of "out next". */
static void chain_on(char out[SK_DIGEST_SIZE], const char *next)
{
    char text[2 * SK_DIGEST_SIZE];
    int len = snprintf(text, sizeof(text), "%s %s", out, next);

    sk_digest_of(text, (size_t)len, out);
}

void sk_chain_id(char *const *diff_ids, char out_chain[SK_DIGEST_SIZE])
{
    *out_chain = '\0';
    if (!*diff_ids)
        return;
    snprintf(out_chain, SK_DIGEST_SIZE, "%s", *diff_ids);
    while (*++diff_ids)
        chain_on(out_chain, *diff_ids);
}

const char *sk_architecture_of(const char *machine)
{
    if (strcmp(machine, "x86_64") == 0)
        return "amd64";
    return strcmp(machine, "aarch64") == 0 ? "arm64" : machine;
}

static int parse_number(const char *text, int max)
{
    char *end;
    long number = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && number <= max ? (int)number : -1;
}

/* "RTMIN+3", "RTMAX-1": from one end of the range towards the other. 0 = no such name. */
static int parse_real_time(const char *name)
{
    bool from_min = strncasecmp(name, "RTMIN", 5) == 0;
    if (!from_min && strncasecmp(name, "RTMAX", 5) != 0)
        return 0;
    if (!name[5])
        return from_min ? SIGRTMIN : SIGRTMAX;
    int offset = name[5] == (from_min ? '+' : '-') ? parse_number(name + 6, SIGRTMAX - SIGRTMIN) : -1;
    if (offset < 0)
        return 0;
    return from_min ? SIGRTMIN + offset : SIGRTMAX - offset;
}

int sk_signal_parse(const char *text)
{
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    int number = parse_number(text, SIGRTMAX);
    if (number >= 0)
        return number;
    for (int i = 1; i < 32; i++) {
        const char *known = sigabbrev_np(i);
        if (known && strcasecmp(known, name) == 0)
            return i;
    }
    return parse_real_time(name);
}
