#include "base/quantity.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Longer texts are nonsense; this also bounds every loop below. */
#define TEXT_MAX 64
/* Enough for INT64_MAX with a digit to spare; further digits only round up. */
#define DIGITS_MAX   20
#define EXPONENT_MAX 1000

__extension__ typedef unsigned __int128 wide;

/* mantissa * 10^exponent, plus a crumb if anything was cut off. */
struct number {
    wide mantissa;
    int exponent;
    int digits; /* significant ones in the mantissa */
    bool crumb;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void shed_digit(struct number *n)
{
    n->crumb = n->crumb || n->mantissa % 10 != 0;
    n->mantissa /= 10;
    n->exponent++;
}

/* False when the product cannot be an int64_t any more. */
static bool multiply(struct number *n, uint64_t factor)
{
    wide product;
    while (__builtin_mul_overflow(n->mantissa, (wide)factor, &product)) {
        if (n->exponent >= 0)
            return false;
        shed_digit(n);
    }
    n->mantissa = product;
    return true;
}

static void take_digit(struct number *n, char c, bool fraction)
{
    if (n->digits >= DIGITS_MAX) {
        n->crumb = n->crumb || c != '0';
        n->exponent += fraction ? 0 : 1;
        return;
    }
    n->mantissa = n->mantissa * 10U + (unsigned)(c - '0');
    n->digits += n->mantissa != 0;
    n->exponent -= fraction;
}

/* Returns what follows the number, or NULL when there is none. */
static const char *take_number(struct number *n, const char *text)
{
    bool any = false;
    for (; is_digit(*text); text++, any = true)
        take_digit(n, *text, false);
    if (*text == '.')
        for (text++; is_digit(*text); text++, any = true)
            take_digit(n, *text, true);
    return any ? text : NULL;
}

static bool take_exponent(struct number *n, const char *text)
{
    bool negative = *text == '-';
    int value = 0;

    text += *text == '-' || *text == '+';
    if (!*text)
        return false;
    for (; is_digit(*text); text++)
        value = value < EXPONENT_MAX ? value * 10 + (*text - '0') : value;
    n->exponent += negative ? -value : value;
    return !*text;
}

static const struct suffix {
    char text[3];
    int power_of_ten;
    uint64_t factor;
} suffixes[] = {
    {"", 0, 1},
    {"n", -9, 1},
    {"u", -6, 1},
    {"m", -3, 1},
    {"k", 3, 1},
    {"M", 6, 1},
    {"G", 9, 1},
    {"T", 12, 1},
    {"P", 15, 1},
    {"E", 18, 1},
    {"Ki", 0, UINT64_C(1) << 10},
    {"Mi", 0, UINT64_C(1) << 20},
    {"Gi", 0, UINT64_C(1) << 30},
    {"Ti", 0, UINT64_C(1) << 40},
    {"Pi", 0, UINT64_C(1) << 50},
    {"Ei", 0, UINT64_C(1) << 60},
};

static const struct suffix *find_suffix(const char *text)
{
    for (size_t i = 0; i < sk_array_len(suffixes); i++)
        if (!strcmp(suffixes[i].text, text))
            return &suffixes[i];
    return NULL;
}

static enum sk_code scale_to_int(struct number *n, uint64_t factor, int64_t scale, int64_t *out)
{
    if (!multiply(n, factor) || !multiply(n, (uint64_t)scale))
        return SK_OUT_OF_RANGE;
    while (n->exponent < 0 && n->mantissa)
        shed_digit(n);
    for (; n->exponent > 0 && n->mantissa; n->exponent--)
        if (__builtin_mul_overflow(n->mantissa, (wide)10, &n->mantissa))
            return SK_OUT_OF_RANGE;
    n->mantissa += n->crumb;
    if (n->mantissa > (wide)INT64_MAX)
        return SK_OUT_OF_RANGE;
    *out = (int64_t)n->mantissa;
    return SK_OK;
}

enum sk_code sk_quantity_parse(const char *text, int64_t scale, int64_t *out)
{
    struct number n = {0};
    const struct suffix *suffix;
    const char *rest;

    assert(scale > 0);
    if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
        return SK_INVALID_ARGUMENT;
    rest = take_number(&n, text + (*text == '+'));
    if (!rest)
        return SK_INVALID_ARGUMENT;
    if ((*rest == 'e' || *rest == 'E') && take_exponent(&n, rest + 1))
        return scale_to_int(&n, 1, scale, out);
    suffix = find_suffix(rest);
    if (!suffix)
        return SK_INVALID_ARGUMENT;
    n.exponent += suffix->power_of_ten;
    return scale_to_int(&n, suffix->factor, scale, out);
}

void sk_quantity_print_millis(int64_t millis, char out[SK_QUANTITY_TEXT])
{
    if (millis % 1000 == 0)
        (void)snprintf(out, SK_QUANTITY_TEXT, "%lld", (long long)(millis / 1000));
    else
        (void)snprintf(out, SK_QUANTITY_TEXT, "%lldm", (long long)millis);
}

void sk_quantity_print_bytes(int64_t bytes, char out[SK_QUANTITY_TEXT])
{
    const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti"};
    size_t unit = 0;

    while (unit + 1 < sk_array_len(units) && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(out, SK_QUANTITY_TEXT, "%lld%s", (long long)bytes, units[unit]);
}
