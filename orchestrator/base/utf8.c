#include "base/utf8.h"

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

static const struct range {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001F},   {0x007F, 0x009F}, /* controls; 80 to 9F are what an escape and a letter do, in one */
    {0x00AD, 0x00AD},   {0x061C, 0x061C}, /* a hyphen that is not seen; direction */
    {0x180E, 0x180E},                     /* no width */
    {0x200B, 0x200F},                     /* no width; direction */
    {0x2028, 0x202E},                     /* line's ends; direction */
    {0x2060, 0x206F},                     /* no width; direction */
    {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB}, /* no width; notes between lines */
    {0xE0000, 0xE0FFF},                   /* tags: ASCII that nobody sees */
};

uint32_t sk_utf8_code_point(const char *at, size_t len)
{
    uint32_t point = len == 1 ? (uint8_t)at[0] : (uint8_t)at[0] & (0x7Fu >> len);

    for (size_t i = 1; i < len; i++)
        point = point << 6 | ((uint8_t)at[i] & 0x3F);
    return point;
}

bool sk_utf8_is_printable(const char *at, size_t len)
{
    uint32_t point = sk_utf8_code_point(at, len);

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (point >= hidden[i].first && point <= hidden[i].last)
            return false;
    return true;
}

void sk_utf8_disarm(char *text)
{
    size_t len = strlen(text), to = 0;

    for (size_t at = 0, step; at < len; at += step ? step : 1) {
        step = sk_utf8_next(text + at, len - at);
        bool is_shown = step && sk_utf8_is_printable(text + at, step);
        if (is_shown)
            memmove(text + to, text + at, step);
        else
            text[to] = '?';
        to += is_shown ? step : 1;
    }
    text[to] = '\0';
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
