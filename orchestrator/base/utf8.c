#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Well-formed sequences by their first byte (Unicode, table 3-7): the length
 * and what the second byte may be; all later ones are 80 to BF. */
static const struct form {
    uint8_t first_min, first_max, second_min, second_max;
    uint8_t len;
} forms[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct form *find_form(uint8_t first)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (first >= forms[i].first_min && first <= forms[i].first_max)
            return &forms[i];
    return NULL;
}

size_t sk_utf8_next(const char *text, size_t len)
{
    const uint8_t *bytes = (const uint8_t *)text;
    const struct form *form = len ? find_form(bytes[0]) : NULL;

    if (!form || form->len > len)
        return 0;
    if (form->len > 1 && (bytes[1] < form->second_min || bytes[1] > form->second_max))
        return 0;
    for (size_t i = 2; i < form->len; i++)
        if (bytes[i] < 0x80 || bytes[i] > 0xbf)
            return 0;
    return form->len;
}

/* Encoded; their order is that of the code points. */
static const struct hidden {
    char first[4], last[4];
} hidden[] = {
    {"\xc2\x80", "\xc2\x9f"},         /* U+0080 to 9F: what an escape and a letter do, in one */
    {"\xe2\x80\x8b", "\xe2\x80\x8f"}, /* U+200B to 200F: no width; direction */
    {"\xe2\x80\xa8", "\xe2\x80\xae"}, /* U+2028 to 202E: line's ends; direction */
    {"\xe2\x81\xa0", "\xe2\x81\xaf"}, /* U+2060 to 206F: no width; direction */
    {"\xef\xbb\xbf", "\xef\xbb\xbf"}, /* U+FEFF */
};

bool sk_utf8_is_printable(const char *at, size_t len)
{
    if (len == 1)
        return (unsigned char)at[0] >= 0x20 && at[0] != 0x7F;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (strlen(hidden[i].first) == len && memcmp(at, hidden[i].first, len) >= 0 &&
            memcmp(at, hidden[i].last, len) <= 0)
            return false;
    return true;
}

size_t sk_utf8_unfinished(const char *text, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        const uint8_t *at = (const uint8_t *)text + len - back;
        const struct form *form = find_form(at[0]);
        if (at[0] >= 0x80 && at[0] < 0xc0)
            continue; /* a later byte of one */
        if (!form || form->len <= back)
            return 0;
        return back == 1 || (at[1] >= form->second_min && at[1] <= form->second_max) ? back : 0;
    }
    return 0;
}

bool sk_utf8_is_valid(const char *text, size_t len)
{
    for (size_t at = 0, step; at < len; at += step) {
        step = sk_utf8_next(text + at, len - at);
        if (!step)
            return false;
    }
    return true;
}
