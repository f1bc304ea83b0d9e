/* json_put.h: pieces of JSON, as every verb prints them. Pure. */
#ifndef SK_CLI_JSON_PUT_H
#define SK_CLI_JSON_PUT_H

#include "base/buf.h"

#include "google/protobuf/timestamp.pb-c.h"

#include <yajl/yajl_gen.h>

void sk_json_put_text(yajl_gen gen, const char *text);
void sk_json_put_key_text(yajl_gen gen, const char *key, const char *text);
/* RFC 3339, or null. */
void sk_json_put_key_moment(yajl_gen gen, const char *key, const Google__Protobuf__Timestamp *at);
void sk_json_put_key_texts(yajl_gen gen, const char *key, char *const *texts, size_t count);
void sk_json_put_key_number(yajl_gen gen, const char *key, int64_t number);

/* Appends what `put` puts. Errors: SK_RESOURCE_EXHAUSTED. */
SK_MUST_CHECK enum sk_code sk_json_write(void (*put)(yajl_gen gen, const void *what), const void *what,
                                         struct sk_buf *out, struct sk_err *err);

#endif
