#include "drivers/registry/challenge.h"

#include <string.h>
#include <strings.h>

#define VALUE_MAX sizeof(((struct sk_challenge *)0)->realm) /* of a value, NUL included */

/* Where the reading stands. */
struct reading {
    const char *at;
    struct sk_challenge *out;
    struct sk_challenge bearer; /* the Bearer challenge under way */
    bool in_bearer;
};

static bool is_token(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static void skip_blanks(struct reading *r)
{
    r->at += strspn(r->at, " \t");
}

static size_t token_length(const char *text)
{
    size_t len = 0;
    while (is_token(text[len]))
        len++;
    return len;
}

/* Past what nobody understands, up to the next comma that is not quoted. */
static void skip_item(struct reading *r)
{
    for (bool quoted = false; *r->at && (quoted || *r->at != ','); r->at++) {
        if (quoted && *r->at == '\\' && r->at[1])
            r->at++;
        else if (*r->at == '"')
            quoted = !quoted;
    }
}

static void put(char value[VALUE_MAX], size_t *len, char c)
{
    if (c < ' ' || c >= 0x7f)
        *len = VALUE_MAX;
    if (*len < VALUE_MAX)
        value[(*len)++] = c;
}

static void read_quoted(struct reading *r, char value[VALUE_MAX], size_t *len)
{
    for (r->at++; *r->at && *r->at != '"'; r->at++) {
        if (*r->at == '\\' && r->at[1])
            r->at++;
        put(value, len, *r->at);
    }
    if (*r->at == '"')
        r->at++;
    else
        *len = VALUE_MAX; /* the end is missing, and who knows how much with it */
}

/* A token or a quoted string; "" when it is neither, or fits nowhere. */
static void read_value(struct reading *r, char value[VALUE_MAX])
{
    size_t len = 0;
    if (*r->at == '"')
        read_quoted(r, value, &len);
    else
        for (; is_token(*r->at); r->at++)
            put(value, &len, *r->at);
    value[len < VALUE_MAX ? len : 0] = '\0';
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && strncasecmp(name, wanted, len) == 0;
}

/* The first of a name counts. */
static void keep(char *field, size_t size, const char *value)
{
    size_t len = strlen(value);
    if (!*field && len < size)
        memcpy(field, value, len + 1);
}

static void keep_parameter(struct reading *r, const char *name, size_t len, const char *value)
{
    struct sk_challenge *bearer = &r->bearer;
    if (is_name(name, len, "realm"))
        keep(bearer->realm, sizeof(bearer->realm), value);
    else if (is_name(name, len, "service"))
        keep(bearer->service, sizeof(bearer->service), value);
    else if (is_name(name, len, "scope"))
        keep(bearer->scope, sizeof(bearer->scope), value);
}

static void end_challenge(struct reading *r)
{
    if (r->in_bearer && *r->bearer.realm && !r->out->bearer) {
        r->bearer.basic = r->out->basic;
        *r->out = r->bearer;
        r->out->bearer = true;
    }
    r->in_bearer = false;
}

static void begin_challenge(struct reading *r, const char *scheme, size_t len)
{
    end_challenge(r);
    if (is_name(scheme, len, "basic"))
        r->out->basic = true;
    r->in_bearer = is_name(scheme, len, "bearer");
    r->bearer = (struct sk_challenge){0};
}

/* A scheme's name, or a parameter of the scheme before it. */
static void read_item(struct reading *r)
{
    const char *name = r->at;
    size_t len = token_length(name);
    r->at += len;
    const char *behind = r->at;
    skip_blanks(r);
    if (len > 0 && *r->at == '=') {
        char value[VALUE_MAX];
        r->at++;
        skip_blanks(r);
        read_value(r, value);
        if (r->in_bearer)
            keep_parameter(r, name, len, value);
        skip_item(r);
    } else if (len > 0 && (r->at > behind || !*behind || *behind == ',')) {
        begin_challenge(r, name, len);
    } else {
        skip_item(r);
    }
}

void sk_challenge_parse(const char *text, struct sk_challenge *out_challenge)
{
    struct reading r = {.at = text, .out = out_challenge};
    *out_challenge = (struct sk_challenge){0};
    while (*(r.at += strspn(r.at, " \t,")))
        read_item(&r);
    end_challenge(&r);
}
