/* The lines of an answer's header, in any order and without end. */
#include "drivers/http/head.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    if (text && strlen(text) > SK_HEAD_TEXT_MAX)
        __builtin_trap();
}

static void check(const struct sk_http_head *values)
{
    if (values->status < 200 || values->status > 999 || values->length < -1 || values->range_from < -1 ||
        values->retry_after_s < -1)
        __builtin_trap();
    check_text(values->location);
    check_text(values->content_type);
    check_text(values->content_digest);
    check_text(values->authenticate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sk_wall now = {INT64_C(1700000000) * 1000000000};
    struct sk_head head = {0};
    enum sk_code code = SK_OK;
    while (size > 0 && code == SK_OK) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end + 1 - data) : size;
        char *line = sk_strndup((const char *)data, len); /* of its own, so that reading past it shows */
        code = sk_head_line(&head, line, strlen(line), now, NULL);
        free(line);
        data += len;
        size -= len;
    }
    if (code == SK_OK && head.over)
        check(&head.values);
    sk_head_fini(&head);
    return 0;
}
