#include "base/id.h"
#include "base/random.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { RANDOM_BYTES = 16 };
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

struct sk_id sk_id_make(const char *node)
{
    assert(sk_id_node_is_valid(node));
    struct sk_id id = {0};
    uint8_t bytes[RANDOM_BYTES];
    sk_random(bytes, sizeof(bytes));
    size_t len = strlen(node);
    memcpy(id.text, node, len);
    id.text[len] = '-';
    encode(bytes, id.text + len + 1);
    return id;
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

bool sk_id_is_valid(const char *text)
{
    size_t len = node_len(text);
    if (len < 1 || len > SK_NODE_MAX || text[len] != '-')
        return false;
    const char *random = text + len + 1;
    return strspn(random, digits) == SK_ID_RANDOM_LEN && random[SK_ID_RANDOM_LEN] == '\0';
}
