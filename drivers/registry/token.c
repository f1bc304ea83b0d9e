#include "drivers/registry/token.h"

#include "oci/json_in.h"

#include <string.h>

enum {
    LEAST_S = 60,  /* no token lasts less, says the specification; so it is for those that do not say */
    MOST_S = 3600, /* asked for anew now and then, whatever it says */
    MARGIN_S = 10, /* given away at its end for the time that a request is under way */
};

struct reading {
    char *token, *access_token;
    int64_t expires_in;
};

static bool is_sane(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    return len > 0;
}

static enum sk_code keep(char **text, const struct sk_json_item *item, struct sk_err *err)
{
    if (item->kind != SK_JSON_STRING || item->len == 0)
        return SK_OK;
    if (!is_sane(item->text, item->len))
        return sk_fail(err, SK_FAILED_PRECONDITION, "a token that no header can carry");
    free(*text);
    *text = sk_strndup(item->text, item->len);
    return SK_OK;
}

static enum sk_code take_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct reading *r = arg;
    if (strcmp(item->path, "/token") == 0)
        return keep(&r->token, item, err);
    if (strcmp(item->path, "/access_token") == 0)
        return keep(&r->access_token, item, err);
    if (strcmp(item->path, "/expires_in") == 0 && item->text && item->len < 20) {
        char number[20] = "";
        memcpy(number, item->text, item->len);
        r->expires_in = strtoll(number, NULL, 10);
    }
    return SK_OK;
}

static struct sk_duration lasts(int64_t expires_in)
{
    if (expires_in < LEAST_S)
        expires_in = LEAST_S;
    return SK_SEC((expires_in < MOST_S ? expires_in : MOST_S) - MARGIN_S);
}

enum sk_code sk_token_parse(const uint8_t *body, size_t len, struct sk_token *out_token, struct sk_err *err)
{
    struct reading r = {0};
    struct sk_err why;
    enum sk_code code = sk_json_read(body, len, take_item, &r, &why);
    if (code == SK_OK && !r.token)
        r.token = sk_take(r.access_token);
    if (code != SK_OK)
        code = sk_fail(err, SK_FAILED_PRECONDITION, "%s", why.text);
    else if (!r.token)
        code = sk_fail(err, SK_FAILED_PRECONDITION, "an answer without a token");
    else
        *out_token = (struct sk_token){.text = r.token, .lasts = lasts(r.expires_in)};
    if (code != SK_OK)
        free(r.token);
    free(r.access_token);
    return code;
}

void sk_token_fini(struct sk_token *token)
{
    if (token->text)
        explicit_bzero(token->text, strlen(token->text));
    free(token->text);
    *token = (struct sk_token){0};
}
