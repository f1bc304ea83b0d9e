#include "cli/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS           1000000000LL
#define DURATION_MAX (100LL * 365 * 24 * 3600)

int64_t sk_seconds_between(int64_t from, int64_t to)
{
    int64_t seconds;

    if (__builtin_sub_overflow(to, from, &seconds))
        return to > from ? INT64_MAX : INT64_MIN;
    return seconds;
}

void sk_age_print(int64_t seconds, char *out, size_t size)
{
    if (seconds < 120)
        (void)snprintf(out, size, "%" PRId64 "s", seconds < 0 ? 0 : seconds);
    else if (seconds < 2 * 3600)
        (void)snprintf(out, size, "%" PRId64 "m", seconds / 60);
    else if (seconds < 2 * 24 * 3600)
        (void)snprintf(out, size, "%" PRId64 "h", seconds / 3600);
    else
        (void)snprintf(out, size, "%" PRId64 "d", seconds / (24 * 3600));
}

void sk_moment_print(int64_t seconds, int32_t nanos, char *out, size_t size)
{
    time_t at = (time_t)seconds;
    struct tm tm;
    char day[32];

    out[0] = 0;
    if (!gmtime_r(&at, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
        return;
    (void)snprintf(out, size, "%s.%03dZ", day, nanos / 1000000);
}

/* --- reading ---------------------------------------------------------------------- */

/* A number of at most `digits` digits; -1: there is none. */
static int64_t take_number(const char **at, size_t digits)
{
    size_t len = strspn(*at, "0123456789");
    int64_t number = 0;

    if (!len || len > digits)
        return -1;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + ((*at)[i] - '0');
    *at += len;
    return number;
}

/* Seconds; -1: it is no duration. */
static int64_t parse_duration(const char *text)
{
    static const char letters[] = "dhms";
    static const int64_t seconds[] = {24 * 3600, 3600, 60, 1};
    size_t next = 0; /* units only shrink */
    int64_t sum = 0;

    do {
        int64_t number = take_number(&text, 10);
        const char *unit = *text ? strchr(letters + next, *text) : NULL;
        if (number < 0 || !unit)
            return -1;
        sum += number * seconds[unit - letters];
        next = (size_t)(unit - letters) + 1;
        text++;
    } while (*text);
    return sum <= DURATION_MAX ? sum : -1;
}

/* Digits after a point, as nanoseconds; those beyond the ninth do not count. */
static int64_t take_fraction(const char **at)
{
    int64_t ns = 0, digit = NS / 10;

    if (**at != '.')
        return 0;
    for ((*at)++; **at >= '0' && **at <= '9'; (*at)++) {
        ns += (**at - '0') * digit;
        digit /= 10;
    }
    return ns;
}

/* Seconds east of Greenwich; false: what follows is none. */
static bool take_offset(const char **at, int64_t *out_east)
{
    int64_t sign = **at == '-' ? -1 : 1;

    if (!**at || **at == 'Z') {
        *at += **at == 'Z';
        *out_east = 0;
        return true;
    }
    if (**at != '+' && **at != '-')
        return false;
    (*at)++;
    int64_t hours = take_number(at, 2);
    if (hours < 0 || hours > 23 || **at != ':')
        return false;
    (*at)++;
    int64_t minutes = take_number(at, 2);
    *out_east = sign * (hours * 3600 + minutes * 60);
    return minutes >= 0 && minutes < 60;
}

static bool parse_moment(const char *text, struct sk_wall *out_at)
{
    struct tm tm = {0};
    int64_t east = 0, fraction = 0;
    const char *at = strptime(text, "%Y-%m-%d", &tm);

    if (!at)
        return false;
    if (*at == 'T') {
        at = strptime(at + 1, "%H:%M:%S", &tm);
        if (!at)
            return false;
        fraction = take_fraction(&at);
        if (!take_offset(&at, &east))
            return false;
    }
    int64_t seconds = (int64_t)timegm(&tm) - east;
    if (*at || seconds <= 0 || seconds > INT64_MAX / NS - 1)
        return false;
    *out_at = (struct sk_wall){seconds * NS + fraction};
    return true;
}

enum sk_code sk_since_parse(const char *text, struct sk_wall now, struct sk_wall *out_since,
                            struct sk_err *err)
{
    int64_t ago = parse_duration(text);

    if (ago >= 0) {
        *out_since = (struct sk_wall){now.ns - ago * NS > 0 ? now.ns - ago * NS : 1};
        return SK_OK;
    }
    if (parse_moment(text, out_since))
        return SK_OK;
    return sk_fail(err, SK_INVALID_ARGUMENT,
                   "--since %s: want a duration as 90s, 1h30m or 2d, or a time as 2026-01-02T03:04:05Z",
                   text);
}
