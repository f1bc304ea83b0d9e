#include "drivers/containerd/json_out.h"

#include <string.h>
#include <yajl/yajl_gen.h>

static void note(struct sk_json_out *out, yajl_gen_status status)
{
    if (!out->failed && status != yajl_gen_status_ok)
        out->failed = (int)status;
}

static void text(struct sk_json_out *out, const char *value)
{
    note(out, yajl_gen_string(out->gen, (const unsigned char *)value, strlen(value)));
}

static void key_of(struct sk_json_out *out, const char *key)
{
    if (key)
        text(out, key);
}

void sk_json_out_init(struct sk_json_out *out)
{
    *out = (struct sk_json_out){.gen = yajl_gen_alloc(NULL)};
    if (!out->gen)
        abort(); /* as sk_alloc does */
    yajl_gen_config(out->gen, yajl_gen_validate_utf8, 1);
}

void sk_json_out_fini(struct sk_json_out *out)
{
    if (out->gen)
        yajl_gen_free(out->gen);
    out->gen = NULL;
}

enum sk_code sk_json_out_take(struct sk_json_out *out, char **out_text, size_t *out_len, struct sk_err *err)
{
    const unsigned char *bytes;
    size_t len;
    if (out->failed == (int)yajl_gen_invalid_string)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a string is not UTF-8");
    if (out->failed || yajl_gen_get_buf(out->gen, &bytes, &len) != yajl_gen_status_ok)
        return sk_fail(err, SK_INVALID_ARGUMENT, "cannot write JSON (%d)", out->failed);
    *out_text = sk_strndup((const char *)bytes, len);
    *out_len = len;
    return SK_OK;
}

void sk_json_map(struct sk_json_out *out, const char *key)
{
    key_of(out, key);
    note(out, yajl_gen_map_open(out->gen));
}

void sk_json_map_end(struct sk_json_out *out)
{
    note(out, yajl_gen_map_close(out->gen));
}

void sk_json_array(struct sk_json_out *out, const char *key)
{
    key_of(out, key);
    note(out, yajl_gen_array_open(out->gen));
}

void sk_json_array_end(struct sk_json_out *out)
{
    note(out, yajl_gen_array_close(out->gen));
}

void sk_json_str(struct sk_json_out *out, const char *key, const char *value)
{
    key_of(out, key);
    text(out, value);
}

void sk_json_strn(struct sk_json_out *out, const char *key, const char *value, size_t len)
{
    key_of(out, key);
    note(out, yajl_gen_string(out->gen, (const unsigned char *)value, len));
}

void sk_json_int(struct sk_json_out *out, const char *key, int64_t value)
{
    key_of(out, key);
    note(out, yajl_gen_integer(out->gen, value));
}

void sk_json_bool(struct sk_json_out *out, const char *key, bool value)
{
    key_of(out, key);
    note(out, yajl_gen_bool(out->gen, value));
}

void sk_json_strs(struct sk_json_out *out, const char *key, const char *const *values)
{
    sk_json_array(out, key);
    for (; *values; values++)
        text(out, *values);
    sk_json_array_end(out);
}
