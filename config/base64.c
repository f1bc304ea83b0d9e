#include "config/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static int value_of(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* Three bytes of four characters; false when one is not of the alphabet. */
static bool decode_group(const char *text, char *out)
{
    unsigned bits = 0;

    for (int i = 0; i < 4; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (unsigned)value;
    }
    for (int i = 0; i < 3; i++)
        out[i] = (char)(bits >> (16 - 8 * i) & 0xff);
    return true;
}

/* The last four, where '=' stands for nothing; SIZE_MAX when they are wrong, else the bytes they gave. */
static size_t decode_end(const char *text, char *out)
{
    char group[4], bytes[3];
    size_t padding = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;

    memcpy(group, text, sizeof(group));
    memset(group + 4 - padding, 'A', padding);
    if (!decode_group(group, bytes))
        return SIZE_MAX;
    for (size_t i = 3 - padding; i < 3; i++)
        if (bytes[i]) /* bits that nobody would read */
            return SIZE_MAX;
    memcpy(out, bytes, 3 - padding);
    return 3 - padding;
}

char *sk_base64_decode(struct sk_arena *arena, const char *text, size_t *out_len)
{
    size_t len = strlen(text), at = 0;
    char *out = sk_arena_alloc(arena, len / 4 * 3 + 1);

    if (len % 4)
        return NULL;
    *out_len = 0;
    if (!len)
        return out;
    for (; at + 4 < len; at += 4)
        if (!decode_group(text + at, out + at / 4 * 3))
            return NULL;
    size_t end = decode_end(text + at, out + at / 4 * 3);
    if (end == SIZE_MAX)
        return NULL;
    *out_len = at / 4 * 3 + end;
    return out;
}
