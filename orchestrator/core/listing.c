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

    if (!s->durable)
        return false;
    if (query->state ? (int)state != query->state : sk_state_is_final(state) && !query->show_terminated)
        return false;
    for (size_t i = 0; query->tags && query->tags[i]; i++)
        if (!has_tag(&s->record->spec, query->tags[i]))
            return false;
    return true;
}

/* Where the search begins: behind the anchor, if it is still there. */
static struct sk_list *begin(struct sk_node *node, const struct sk_page_anchor *anchor, bool ascending)
{
    struct sk_sandbox *at = anchor->id ? sk_node_find(node, anchor->id) : NULL;
    struct sk_list *link = at ? &at->link : &node->sandboxes;

    return ascending ? link->next : link->prev;
}

enum sk_code sk_node_list(struct sk_node *node, const struct sk_list_query *query, struct sk_sandbox **out,
                          size_t *out_count, char out_next[96], struct sk_err *err)
{
    struct sk_page_anchor anchor;
    enum sk_code code = sk_page_parse(query->after, sk_id_is_valid, &anchor, err);
    struct sk_list *head = &node->sandboxes;
    size_t count = 0;

    if (code != SK_OK)
        return code;
    out_next[0] = '\0';
    struct sk_list *link = begin(node, &anchor, query->ascending);
    for (; link != head; link = query->ascending ? link->next : link->prev) {
        struct sk_sandbox *s = sk_list_entry(link, struct sk_sandbox, link);
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
