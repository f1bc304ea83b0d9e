#include "core/log_session.h"

#include "base/own.h"
#include "base/siphash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CHECK_AT (SK_LOG_SESSION_LEN - 16)
#define ID_MAX   63 /* longer ones name no sandbox */

enum { TIMESTAMPS = 1, WHOLE = 2, ALL_FLAGS = 3 };

/* Of the sandbox's id and everything before the checksum itself. */
static uint64_t checksum(const char *text, const char *sandbox_id)
{
    static const uint64_t key[2] = {0x73616e646b656570, 0x6c6f672073657373};
    char both[ID_MAX + 1 + CHECK_AT] = {0};

    (void)snprintf(both, ID_MAX + 1, "%s", sandbox_id);
    memcpy(both + ID_MAX + 1, text, CHECK_AT);
    return sk_siphash(key, both, sizeof(both));
}

void sk_log_session_print(const struct sk_log_session *session, const char *sandbox_id,
                          char out[SK_LOG_SESSION_LEN + 1])
{
    unsigned flags = (session->timestamps ? TIMESTAMPS : 0U) | (session->whole ? WHOLE : 0U);

    (void)snprintf(out, SK_LOG_SESSION_LEN + 1, "%016" PRIx64 "%x%016" PRIx64, session->start, flags,
                   session->nonce);
    (void)snprintf(out + CHECK_AT, 17, "%016" PRIx64, checksum(out, sandbox_id));
}

static bool take_hex(const char *text, size_t len, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++) {
        const char *digits = "0123456789abcdef";
        const char *at = text[i] ? strchr(digits, text[i]) : NULL;
        if (!at)
            return false;
        value = value << 4 | (uint64_t)(at - digits);
    }
    *out = value;
    return true;
}

bool sk_log_session_parse(const char *text, const char *sandbox_id, struct sk_log_session *out_session)
{
    uint64_t start, flags, nonce, check;

    if (strnlen(text, SK_LOG_SESSION_LEN + 1) != SK_LOG_SESSION_LEN || !take_hex(text, 16, &start) ||
        !take_hex(text + 16, 1, &flags) || !take_hex(text + 17, 16, &nonce) ||
        !take_hex(text + CHECK_AT, 16, &check))
        return false;
    if (flags > ALL_FLAGS || check != checksum(text, sandbox_id))
        return false;
    *out_session = (struct sk_log_session){
        .start = start, .timestamps = flags & TIMESTAMPS, .whole = flags & WHOLE, .nonce = nonce};
    return true;
}

size_t sk_log_session_marker(const struct sk_log_session *session, char out[SK_LOG_MARKER_MAX])
{
    if (!session->whole || session->start == 0)
        return 0;
    return (size_t)snprintf(out, SK_LOG_MARKER_MAX,
                            "[sandkeep: %" PRIu64 " bytes of older output were dropped]\n", session->start);
}
