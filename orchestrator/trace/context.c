#include "trace/context.h"

#include "base/hex.h"

#include <string.h>

/* False when these are no lower-case digits, or all are zero where that means nothing. */
static bool parse_bytes(const char *text, size_t len, uint8_t *out, bool may_be_zero)
{
    static const uint8_t zeros[16];
    return sk_hex_parse(text, len, out) && (may_be_zero || memcmp(out, zeros, len) != 0);
}

bool sk_traceparent_parse(const char *text, struct sk_trace_context *out)
{
    struct sk_trace_context context = {.sampled = false};
    uint8_t version, flags;
    if (!text || strlen(text) < SK_TRACEPARENT_LEN || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (!parse_bytes(text, 1, &version, true) || version == 0xFF ||
        !parse_bytes(text + 3, 16, context.trace, false) || !parse_bytes(text + 36, 8, context.span, false) ||
        !parse_bytes(text + 53, 1, &flags, true))
        return false;
    char after = text[SK_TRACEPARENT_LEN];
    if (after && (version == 0 || after != '-'))
        return false;
    context.sampled = flags & 1;
    *out = context;
    return true;
}
