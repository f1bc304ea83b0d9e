#include "cli/json_put.h"

#include "base/json_out.h"
#include "cli/moment.h"

#include <string.h>

void sk_json_put_text(yajl_gen gen, const char *text)
{
    (void)yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

void sk_json_put_key_text(yajl_gen gen, const char *key, const char *text)
{
    sk_json_put_text(gen, key);
    sk_json_put_text(gen, text ? text : "");
}

void sk_json_put_key_moment(yajl_gen gen, const char *key, const Google__Protobuf__Timestamp *at)
{
    char text[48] = "";

    sk_json_put_text(gen, key);
    if (at)
        sk_moment_print(at->seconds, at->nanos, text, sizeof(text));
    if (text[0])
        sk_json_put_text(gen, text);
    else
        (void)yajl_gen_null(gen);
}

void sk_json_put_key_texts(yajl_gen gen, const char *key, char *const *texts, size_t count)
{
    sk_json_put_text(gen, key);
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < count; i++)
        sk_json_put_text(gen, texts[i]);
    (void)yajl_gen_array_close(gen);
}

void sk_json_put_key_number(yajl_gen gen, const char *key, int64_t number)
{
    sk_json_put_text(gen, key);
    (void)yajl_gen_integer(gen, number);
}

static void gen_free(yajl_gen *gen)
{
    yajl_gen_free(*gen);
}

enum sk_code sk_json_write(void (*put)(yajl_gen gen, const void *what), const void *what, struct sk_buf *out,
                           struct sk_err *err)
{
    SK_CLEANUP(gen_free) yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *text = NULL;
    size_t len = 0;

    (void)yajl_gen_config(gen, yajl_gen_beautify, 1);
    (void)yajl_gen_config(gen, yajl_gen_indent_string, "  ");
    put(gen, what);
    if (yajl_gen_get_buf(gen, &text, &len) != yajl_gen_status_ok ||
        sk_json_out_disarmed(out, (const char *)text, len) != SK_OK)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the answer is too large to be printed");
    return SK_OK;
}
