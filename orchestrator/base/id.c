#include "base/id.h"
#include "base/random.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MARK         "-"
#define SESSION_MARK "-s-"

enum { RANDOM_BYTES = 16, SESSION_RANDOM_LEN = SK_ID_RANDOM_LEN - 2 };
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, section 6, lower case */

/* 128 bits in groups of 5, the last group filled up with zeros. */
static void encode(const uint8_t bytes[RANDOM_BYTES], char out[SK_ID_RANDOM_LEN])
{
    unsigned held = 0, bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < RANDOM_BYTES; i++) {
        held = (held << 8 | bytes[i]) & 0xFFF;
        for (bits += 8; bits >= 5; bits -= 5)
            out[at++] = digits[held >> (bits - 5) & 31];
    }
    out[at] = digits[held << (5 - bits) & 31];
}

static struct sk_id make(const char *node, const char *mark, size_t random_len)
{
    assert(sk_id_node_is_valid(node));
    struct sk_id id = {0};
    uint8_t bytes[RANDOM_BYTES];
    char random[SK_ID_RANDOM_LEN];
    sk_random(bytes, sizeof(bytes));
    encode(bytes, random);
    (void)snprintf(id.text, sizeof(id.text), "%s%s%.*s", node, mark, (int)random_len, random);
    return id;
}

struct sk_id sk_id_make(const char *node)
{
    return make(node, MARK, SK_ID_RANDOM_LEN);
}

struct sk_id sk_id_make_session(const char *node)
{
    return make(node, SESSION_MARK, SESSION_RANDOM_LEN);
}

static size_t node_len(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
}

bool sk_id_node_is_valid(const char *node)
{
    size_t len = node_len(node);
    return len >= 1 && len <= SK_NODE_MAX && node[len] == '\0';
}

static bool has_shape(const char *text, const char *mark, size_t random_len)
{
    size_t len = node_len(text);
    if (len < 1 || len > SK_NODE_MAX || strncmp(text + len, mark, strlen(mark)) != 0)
        return false;
    const char *random = text + len + strlen(mark);
    return strspn(random, digits) == random_len && random[random_len] == '\0';
}

bool sk_id_is_valid(const char *text)
{
    return has_shape(text, MARK, SK_ID_RANDOM_LEN);
}

bool sk_id_is_session(const char *text)
{
    return has_shape(text, SESSION_MARK, SESSION_RANDOM_LEN);
}
