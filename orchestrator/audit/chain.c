#include "audit/chain.h"

#include "base/hex.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

const struct sk_audit_link SK_AUDIT_ORIGIN = {
    0, "0000000000000000000000000000000000000000000000000000000000000000"};

void sk_audit_line_hash(const char *line, size_t len, char out[SK_AUDIT_HASH_LEN + 1])
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    if (EVP_Digest(line, len, raw, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* no memory, as in own.h */
    sk_hex_print(raw, SK_AUDIT_HASH_LEN / 2, out);
}

enum sk_code sk_audit_chain_add(struct sk_audit_link *link, const void *body, size_t len, struct sk_buf *out)
{
    size_t begin = out->len;
    enum sk_code code =
        sk_buf_printf(out, "{\"seq\":%" PRIu64 ",\"prev\":\"%s\",", link->seq + 1, link->hash);
    if (code == SK_OK)
        code = sk_buf_append(out, body, len);
    if (code == SK_OK)
        code = sk_buf_append(out, "}\n", 2);
    if (code != SK_OK) {
        out->len = begin;
        return code;
    }
    link->seq++;
    sk_audit_line_hash((const char *)out->data + begin, out->len - begin, link->hash);
    return SK_OK;
}

static const char *skip(const char *at, const char *end, const char *text)
{
    size_t len = strlen(text);
    return at && (size_t)(end - at) >= len && memcmp(at, text, len) == 0 ? at + len : NULL;
}

/* As it was written: no sign, no leading zero, no more than a uint64_t's. */
static const char *take_number(const char *at, const char *end, uint64_t *out)
{
    *out = 0;
    if (!at || at == end || *at < '1' || *at > '9')
        return NULL;
    for (; at < end && isdigit((unsigned char)*at); at++) {
        if (*out > (UINT64_MAX - 9) / 10)
            return NULL;
        *out = *out * 10 + (uint64_t)(*at - '0');
    }
    return at;
}

static const char *take_hash(const char *at, const char *end, char out[SK_AUDIT_HASH_LEN + 1])
{
    if (!at || end - at < SK_AUDIT_HASH_LEN)
        return NULL;
    for (size_t i = 0; i < SK_AUDIT_HASH_LEN; i++)
        if (!strchr("0123456789abcdef", at[i]) || !at[i])
            return NULL;
    memcpy(out, at, SK_AUDIT_HASH_LEN);
    out[SK_AUDIT_HASH_LEN] = '\0';
    return at + SK_AUDIT_HASH_LEN;
}

bool sk_audit_line_parse(const char *line, size_t len, struct sk_audit_link *out_prev)
{
    const char *end = line + len;
    struct sk_audit_link prev;
    const char *at = skip(line, end, "{\"seq\":");
    at = take_number(at, end, &prev.seq);
    at = skip(at, end, ",\"prev\":\"");
    at = take_hash(at, end, prev.hash);
    at = skip(at, end, "\",\"time\":\"");
    if (!at || end[-1] != '}' || memchr(line, '\0', len))
        return false;
    prev.seq--;
    *out_prev = prev;
    return true;
}

/* Behind a text, with its escapes. */
static const char *end_of_text(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        at += *at == '\\' && at[1];
    return at;
}

/* Where a value of the line ends: texts, lists of them with their brackets, numbers and words. */
static const char *end_of(const char *at)
{
    if (*at == '"')
        return end_of_text(at);
    if (*at != '[')
        return at + strcspn(at, ",}");
    while (*at && *at != ']')
        at = *at == '"' ? end_of_text(at) + 1 : at + 1;
    return at + (*at == ']');
}

/* Within a text of the line a quotation mark stands behind a backslash, so that this finds keys only. */
void sk_audit_line_field(const char *line, const char *key, char *out, size_t size)
{
    char pattern[64];
    *out = '\0';
    (void)snprintf(pattern, sizeof(pattern), ",\"%s\":", key);
    const char *at = strstr(line, pattern);
    if (!at)
        return;
    at += strlen(pattern);
    const char *end = end_of(at);
    at += *at == '"';
    if ((size_t)(end - at) >= size)
        return;
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
}
