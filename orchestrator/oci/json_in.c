#include "oci/json_in.h"

#include <string.h>
#include <yajl/yajl_parse.h>

#define DEPTH_MAX    32
#define NAME_MAX_LEN 63

struct reader {
    enum sk_code (*on)(void *arg, const struct sk_json_item *item, struct sk_err *err);
    void *arg;
    struct sk_err err;
    char path[DEPTH_MAX * (NAME_MAX_LEN + 1) + 1];
    size_t path_len;
    struct level {
        size_t path_len; /* of the map or array itself */
        bool is_array;
    } levels[DEPTH_MAX];
    size_t depth;
};

static void set_path(struct reader *r, const char *name, size_t len)
{
    bool odd = len > NAME_MAX_LEN || memchr(name, '/', len) || memchr(name, '\0', len);
    r->path_len = r->levels[r->depth - 1].path_len;
    r->path[r->path_len++] = '/';
    memcpy(r->path + r->path_len, odd ? "?" : name, odd ? 1 : len);
    r->path_len += odd ? 1 : len;
    r->path[r->path_len] = '\0';
}

/* Every value begins here: elements of arrays have no name that would have set the path. */
static int tell(struct reader *r, struct sk_json_item item)
{
    if (r->depth && r->levels[r->depth - 1].is_array)
        set_path(r, "*", 1);
    item.path = r->path;
    return r->on(r->arg, &item, &r->err) == SK_OK;
}

static int on_null(void *arg)
{
    return tell(arg, (struct sk_json_item){.kind = SK_JSON_OTHER, .is_null = true});
}

static int on_boolean(void *arg, int value)
{
    (void)value;
    return tell(arg, (struct sk_json_item){.kind = SK_JSON_OTHER});
}

static int on_number(void *arg, const char *text, size_t len)
{
    return tell(arg, (struct sk_json_item){.kind = SK_JSON_OTHER, .text = text, .len = len});
}

static int on_string(void *arg, const unsigned char *text, size_t len)
{
    struct reader *r = arg;
    if (memchr(text, '\0', len))
        return sk_fail(&r->err, SK_INVALID_ARGUMENT, "a string holds a NUL") == SK_OK;
    return tell(r, (struct sk_json_item){.kind = SK_JSON_STRING, .text = (const char *)text, .len = len});
}

static int open_level(struct reader *r, bool is_array)
{
    if (r->depth == DEPTH_MAX)
        return sk_fail(&r->err, SK_INVALID_ARGUMENT, "nested deeper than %d", DEPTH_MAX) == SK_OK;
    if (!tell(r, (struct sk_json_item){.kind = SK_JSON_OPEN, .is_array = is_array}))
        return 0;
    r->levels[r->depth++] = (struct level){r->path_len, is_array};
    return 1;
}

static int close_level(void *arg)
{
    struct reader *r = arg;
    r->depth--;
    r->path_len = r->levels[r->depth].path_len;
    r->path[r->path_len] = '\0';
    return r->on(r->arg, &(struct sk_json_item){.kind = SK_JSON_CLOSE, .path = r->path}, &r->err) == SK_OK;
}

static int open_map(void *arg)
{
    return open_level(arg, false);
}

static int open_array(void *arg)
{
    return open_level(arg, true);
}

static int on_name(void *arg, const unsigned char *name, size_t len)
{
    bool star = len == 1 && *name == '*';
    set_path(arg, star ? "?" : (const char *)name, len);
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = open_map,
    .yajl_map_key = on_name,
    .yajl_end_map = close_level,
    .yajl_start_array = open_array,
    .yajl_end_array = close_level,
};

enum sk_code sk_json_read(const uint8_t *text, size_t len,
                          enum sk_code (*on)(void *arg, const struct sk_json_item *item, struct sk_err *err),
                          void *arg, struct sk_err *err)
{
    struct reader r = {.on = on, .arg = arg};
    yajl_handle handle = yajl_alloc(&callbacks, NULL, &r);
    if (!handle)
        abort(); /* as sk_alloc does */
    yajl_status status = yajl_parse(handle, text, len);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(handle);
    yajl_free(handle);
    if (status == yajl_status_ok)
        return SK_OK;
    if (r.err.code == SK_OK)
        return sk_fail(err, SK_INVALID_ARGUMENT, "not JSON");
    if (err)
        *err = r.err;
    return r.err.code;
}
