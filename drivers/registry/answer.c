#include "drivers/registry/answer.h"

#include "oci/json_in.h"

#include <stdio.h>
#include <string.h>

#define WORDS_SIZE 101 /* of what a registry says of itself, NUL included */

/* The first words of each kind, best first. */
struct words {
    char message[WORDS_SIZE], code[WORDS_SIZE], details[WORDS_SIZE];
};

static void keep(char words[WORDS_SIZE], const struct sk_json_item *item)
{
    size_t len = item->len < WORDS_SIZE - 1 ? item->len : WORDS_SIZE - 1;
    if (*words)
        return;
    memcpy(words, item->text, len);
    words[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)words[i] < ' ' || (unsigned char)words[i] >= 0x7f)
            words[i] = '?';
}

static enum sk_code take_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct words *words = arg;
    (void)err;
    if (item->kind != SK_JSON_STRING)
        return SK_OK;
    if (strcmp(item->path, "/errors/*/message") == 0)
        keep(words->message, item);
    else if (strcmp(item->path, "/errors/*/code") == 0)
        keep(words->code, item);
    else if (strcmp(item->path, "/details") == 0 || strcmp(item->path, "/message") == 0)
        keep(words->details, item);
    return SK_OK;
}

/* A server may send back what it was sent; and what was cut cannot be compared as a whole. */
static bool tells_secret(const struct sk_answer *answer)
{
    for (size_t i = 0; i < sk_array_len(answer->secrets); i++) {
        const char *secret = answer->secrets[i];
        if (secret && *secret && memmem(answer->body, answer->len, secret, strlen(secret)))
            return true;
    }
    return false;
}

static void read_words(const struct sk_answer *answer, char out_words[WORDS_SIZE])
{
    struct words words = {0};
    *out_words = '\0';
    if (answer->len == 0 || tells_secret(answer))
        return;
    /* Cut or broken: what was read until there counts. */
    (void)!sk_json_read(answer->body, answer->len, take_item, &words, NULL);
    const char *best = *words.message ? words.message : *words.code ? words.code : words.details;
    /* Nor what it was sent as a header. */
    if (!strcasestr(best, "basic ") && !strcasestr(best, "bearer "))
        memcpy(out_words, best, strlen(best) + 1);
}

static enum sk_code code_of(int status)
{
    switch (status) {
    case 401:
        return SK_UNAUTHENTICATED;
    case 403:
        return SK_PERMISSION_DENIED;
    case 404:
        return SK_NOT_FOUND;
    case 429:
        return SK_RESOURCE_EXHAUSTED;
    default:
        return status == 408 || status >= 500 ? SK_UNAVAILABLE : SK_FAILED_PRECONDITION;
    }
}

static const char *meaning_of(const struct sk_answer *answer)
{
    switch (code_of(answer->status)) {
    case SK_UNAUTHENTICATED:
        return answer->hides_private ? "not found or private" : "authentication required";
    case SK_PERMISSION_DENIED:
        return answer->hides_private ? "not found or private" : "access denied";
    case SK_NOT_FOUND:
        return "not found";
    case SK_RESOURCE_EXHAUSTED:
        return "too many requests";
    case SK_UNAVAILABLE:
        return "it cannot answer now";
    default:
        return "not what was expected";
    }
}

enum sk_code sk_answer_fail(const struct sk_answer *answer, struct sk_err *err)
{
    char words[WORDS_SIZE], wait[64] = "";
    read_words(answer, words);
    if (answer->retry_after_s > 0)
        (void)snprintf(wait, sizeof(wait), ", asks to wait %lld s", (long long)answer->retry_after_s);
    return sk_fail(err, code_of(answer->status), "%s answered %d (%s%s%s%s)", answer->host, answer->status,
                   meaning_of(answer), wait, *words ? ": " : "", words);
}
