/* listing.c: sk_node_list: a page of sandboxes. */
#include "core/page_token.h"
#include "core/sandbox_impl.h"

#include <string.h>

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

    if (!s->durable || (query->tenant && strcmp(s->record->tenant, query->tenant) != 0))
        return false;
    if (query->state ? (int)state != query->state : sk_state_is_final(state) && !query->show_terminated)
        return false;
    for (size_t i = 0; query->tags && query->tags[i]; i++)
        if (!has_tag(&s->record->spec, query->tags[i]))
            return false;
    return true;
}

/* Whether it may find any that have ended. */
static bool wants_ended(const struct sk_list_query *query)
{
    return query->state ? sk_state_is_final((enum sk_state)query->state) : query->show_terminated;
}

/* One of the two lists that are searched: all, or those that have not ended. */
struct search {
    bool all, ascending;
    struct sk_list *head, *at;
};

static struct sk_sandbox *entry(const struct search *search)
{
    return search->all ? sk_list_entry(search->at, struct sk_sandbox, link)
                       : sk_list_entry(search->at, struct sk_sandbox, live);
}

static void next(struct search *search)
{
    search->at = search->ascending ? search->at->next : search->at->prev;
}

/* What the anchor names, if that is still there. A token is the client's words: one that names what it has
 * never seen must not show whether there is such a thing. */
static struct sk_sandbox *find_anchor(struct sk_node *node, const struct sk_page_anchor *anchor)
{
    struct sk_sandbox *at = anchor->id ? sk_node_find(node, anchor->id) : NULL;
    return at && at->record->created.ns == anchor->created.ns ? at : NULL;
}

/* It begins behind the anchor. */
static struct search begin(struct sk_node *node, const struct sk_list_query *query,
                           const struct sk_page_anchor *anchor)
{
    struct sk_sandbox *at = find_anchor(node, anchor);
    bool all = wants_ended(query);
    struct sk_list *head = all ? &node->sandboxes : &node->live, *link = NULL;

    if (at)
        link = all ? &at->link : &at->live;
    struct search search = {
        .all = all,
        .ascending = query->ascending,
        .head = head,
        .at = link && sk_list_is_linked(link) ? link : head,
    };
    next(&search);
    return search;
}

enum sk_code sk_node_list(struct sk_node *node, const struct sk_list_query *query, struct sk_sandbox **out,
                          size_t *out_count, char out_next[SK_PAGE_TOKEN_MAX], struct sk_err *err)
{
    struct sk_page_anchor anchor;
    enum sk_code code = sk_page_parse(query->after, sk_id_is_valid, &anchor, err);
    size_t count = 0;

    if (code != SK_OK)
        return code;
    out_next[0] = '\0';
    for (struct search search = begin(node, query, &anchor); search.at != search.head; next(&search)) {
        struct sk_sandbox *s = entry(&search);
        const struct sk_record *record = s->record;
        if (!sk_page_is_after(&anchor, record->created, record->id, query->ascending) || !matches(s, query))
            continue;
        if (count == query->limit) { /* there is more */
            sk_page_print(out[count - 1]->record->created, out[count - 1]->record->id, out_next);
            break;
        }
        out[count++] = s;
    }
    *out_count = count;
    return SK_OK;
}
