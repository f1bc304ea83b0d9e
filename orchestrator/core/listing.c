/* listing.c: sk_node_list: a page of sandboxes in the order (created, id).
 *
 * A page token is the key of the last sandbox given, "<created>.<id>", so
 * paging goes on where it was even when that one is gone. */
#include "core/sandbox_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct anchor {
    int64_t created; /* 0 = none */
    const char *id;
};

static enum sk_code bad_token(struct sk_err *err)
{
    (void)sk_fail(err, SK_INVALID_ARGUMENT, "the page token is not one of ours");
    if (err)
        (void)snprintf(err->field, sizeof(err->field), "page_token");
    return SK_INVALID_ARGUMENT;
}

static enum sk_code parse(const char *token, struct anchor *out, struct sk_err *err)
{
    char *end = NULL;

    *out = (struct anchor){0};
    if (!token || !token[0])
        return SK_OK;
    if (token[0] < '1' || token[0] > '9' || strlen(token) >= 96)
        return bad_token(err);
    errno = 0;
    int64_t created = strtoll(token, &end, 10);
    if (errno || *end != '.' || !sk_id_is_valid(end + 1))
        return bad_token(err);
    *out = (struct anchor){created, end + 1};
    return SK_OK;
}

static bool has_tag(const struct sk_spec *spec, const char *tag)
{
    for (size_t i = 0; spec->tags[i]; i++)
        if (strcmp(spec->tags[i], tag) == 0)
            return true;
    return false;
}

static bool matches(const struct sk_sandbox *s, const struct sk_list_query *query)
{
    enum sk_state state = s->record->state;

    if (!s->durable)
        return false;
    if (query->state ? (int)state != query->state : sk_state_is_final(state) && !query->show_terminated)
        return false;
    for (size_t i = 0; query->tags && query->tags[i]; i++)
        if (!has_tag(&s->record->spec, query->tags[i]))
            return false;
    return true;
}

/* Whether the sandbox comes after the anchor in the order asked for. */
static bool is_after(const struct sk_sandbox *s, const struct anchor *anchor, bool ascending)
{
    if (!anchor->id)
        return true;
    int64_t created = s->record->created.ns;
    int order =
        created != anchor->created ? (created < anchor->created ? -1 : 1) : strcmp(s->record->id, anchor->id);
    return ascending ? order > 0 : order < 0;
}

enum sk_code sk_node_list(struct sk_node *node, const struct sk_list_query *query, struct sk_sandbox **out,
                          size_t *out_count, char out_next[96], struct sk_err *err)
{
    struct anchor anchor;
    enum sk_code code = parse(query->after, &anchor, err);
    struct sk_list *head = &node->sandboxes;
    size_t count = 0;

    if (code != SK_OK)
        return code;
    out_next[0] = '\0';
    struct sk_list *link = query->ascending ? head->next : head->prev;
    for (; link != head; link = query->ascending ? link->next : link->prev) {
        struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, link);
        if (!is_after(s, &anchor, query->ascending) || !matches(s, query))
            continue;
        if (count == query->limit) { /* there is more */
            const struct sk_record *last = out[count - 1]->record;
            (void)snprintf(out_next, 96, "%" PRId64 ".%s", last->created.ns, last->id);
            break;
        }
        out[count++] = s;
    }
    *out_count = count;
    return SK_OK;
}
