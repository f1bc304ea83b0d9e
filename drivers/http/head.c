#include "drivers/http/head.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static void forget(struct sk_head *head)
{
    free(head->location);
    free(head->content_type);
    free(head->content_digest);
    free(head->authenticate);
    size_t lines = head->lines, bytes = head->bytes;
    *head = (struct sk_head){.lines = lines, .bytes = bytes};
    head->values.length = head->values.range_from = head->values.retry_after_s = -1;
}

void sk_head_fini(struct sk_head *head)
{
    forget(head);
}

/* Digits and nothing else; -1 when there are others, or too many. */
static int64_t parse_count(const char *text, size_t len)
{
    int64_t count = 0;
    if (len == 0 || len > 18) /* 18 digits fit */
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        count = count * 10 + (text[i] - '0');
    }
    return count;
}

/* --- the fields ------------------------------------------------------------- */

/* The first of a kind counts. */
static void keep(char **slot, const char *value)
{
    if (!*slot)
        *slot = sk_strdup(value);
}

static void take_location(struct sk_head *head, const char *value, struct sk_wall now)
{
    (void)now;
    keep(&head->location, value);
}

static void take_type(struct sk_head *head, const char *value, struct sk_wall now)
{
    (void)now;
    keep(&head->content_type, value);
}

static void take_digest(struct sk_head *head, const char *value, struct sk_wall now)
{
    (void)now;
    keep(&head->content_digest, value);
}

static void take_authenticate(struct sk_head *head, const char *value, struct sk_wall now)
{
    (void)now;
    if (!head->authenticate) {
        keep(&head->authenticate, value);
        return;
    }
    if (strlen(head->authenticate) + strlen(value) + 2 > SK_HEAD_TEXT_MAX)
        return;
    char *joined = sk_printf("%s, %s", head->authenticate, value);
    free(head->authenticate);
    head->authenticate = joined;
}

/* Two that differ would let two readers see two bodies. */
static void take_length(struct sk_head *head, const char *value, struct sk_wall now)
{
    int64_t length = parse_count(value, strlen(value));
    (void)now;
    if (length < 0 || (head->values.length >= 0 && head->values.length != length))
        head->malformed = true;
    head->values.length = length;
}

/* "bytes 100-199/200" */
static void take_range(struct sk_head *head, const char *value, struct sk_wall now)
{
    (void)now;
    if (strncasecmp(value, "bytes ", 6) == 0)
        head->values.range_from = parse_count(value + 6, strcspn(value + 6, "-"));
}

/* Seconds, or a date. */
static void take_retry(struct sk_head *head, const char *value, struct sk_wall now)
{
    int64_t seconds = parse_count(value, strlen(value));
    time_t date = seconds < 0 ? curl_getdate(value, NULL) : -1;
    if (date >= 0)
        seconds = date - now.ns / 1000000000;
    if (seconds >= 0 || date >= 0)
        head->values.retry_after_s = seconds > 0 ? seconds : 0;
}

/* Other codings would be undone by curl, and the bytes be other ones than stored. */
static void take_coding(struct sk_head *head, const char *value, struct sk_wall now)
{
    (void)now;
    if (strcasecmp(value, "chunked") == 0)
        head->chunked = true;
    else if (strcasecmp(value, "identity") != 0)
        head->malformed = true;
}

static const struct field {
    const char *name;
    void (*take)(struct sk_head *head, const char *value, struct sk_wall now);
} fields[] = {
    {"location", take_location},
    {"content-type", take_type},
    {"docker-content-digest", take_digest},
    {"www-authenticate", take_authenticate},
    {"content-length", take_length},
    {"content-range", take_range},
    {"retry-after", take_retry},
    {"transfer-encoding", take_coding},
};

static const struct field *find_field(const char *name, size_t len)
{
    for (size_t i = 0; i < sk_array_len(fields); i++) {
        if (strlen(fields[i].name) == len && strncasecmp(fields[i].name, name, len) == 0)
            return &fields[i];
    }
    return NULL;
}

/* --- the lines -------------------------------------------------------------- */

static void take_field(struct sk_head *head, const char *line, size_t len, struct sk_wall now)
{
    const char *colon = memchr(line, ':', len);
    const struct field *field = colon ? find_field(line, (size_t)(colon - line)) : NULL;
    if (!field)
        return;
    const char *value = colon + 1, *end = line + len;
    while (value < end && isspace((unsigned char)*value))
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    size_t size = (size_t)(end - value);
    SK_AUTO_FREE char *text = sk_strndup(value, size > SK_HEAD_TEXT_MAX ? SK_HEAD_TEXT_MAX : size);
    field->take(head, text, now);
}

/* "HTTP/1.1 200 OK": a response begins, the first or one after a 1xx. */
static void take_status(struct sk_head *head, const char *line, size_t len)
{
    const char *space = memchr(line, ' ', len);
    size_t left = space ? len - (size_t)(space + 1 - line) : 0;
    forget(head);
    int64_t status = left >= 3 ? parse_count(space + 1, 3) : -1;
    head->malformed = status < 100;
    head->values.status = (int)status;
}

static enum sk_code finish(struct sk_head *head, struct sk_err *err)
{
    if (head->malformed || head->values.status == 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the answer's header is malformed");
    if (head->values.status < 200)
        return SK_OK;
    if (head->chunked)
        head->values.length = -1; /* RFC 9112, 6.3: the coding counts */
    head->values.location = head->location;
    head->values.content_type = head->content_type;
    head->values.content_digest = head->content_digest;
    head->values.authenticate = head->authenticate;
    head->over = true;
    return SK_OK;
}

enum sk_code sk_head_line(struct sk_head *head, const char *line, size_t len, struct sk_wall now,
                          struct sk_err *err)
{
    head->bytes += len;
    if (++head->lines > SK_HEAD_LINES_MAX || head->bytes > SK_HEAD_BYTES_MAX)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the answer's header has no end");
    if (head->over)
        return SK_OK;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        take_status(head, line, len);
    else if (len > 0 && (*line == '\r' || *line == '\n'))
        return finish(head, err);
    else
        take_field(head, line, len, now);
    return SK_OK;
}
