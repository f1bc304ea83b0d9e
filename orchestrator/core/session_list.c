/* session_list.c: sk_session_list: a page of sessions, newest first. */
#include "core/page_token.h"
#include "core/session_impl.h"

#include <string.h>

static bool matches(const struct sk_session *session, const struct sk_session_query *query,
                    const struct sk_page_anchor *anchor)
{
    const struct sk_session_record *record = session->record;
    if (!session->durable || (query->tenant && strcmp(record->tenant, query->tenant) != 0))
        return false;
    return sk_page_is_after(anchor, record->created, record->id, false);
}

static struct sk_session *entry(struct sk_list *link, bool all)
{
    return all ? sk_list_entry(link, struct sk_session, link)
               : sk_list_entry(link, struct sk_session, unclosed);
}

/* Where the search begins: behind the anchor, if it is still there. As with sandboxes, a token that was not
 * made here shows nothing. */
static struct sk_list *begin(struct sk_node *node, const struct sk_page_anchor *anchor, bool all)
{
    const struct sk_session *at = anchor->id ? sk_session_find(node, anchor->id) : NULL;

    if (at && at->record->created.ns != anchor->created.ns)
        at = NULL;
    if (all)
        return at ? at->link.prev : node->sessions.prev;
    return at && sk_list_is_linked(&at->unclosed) ? at->unclosed.prev : node->unclosed.prev;
}

enum sk_code sk_session_list(struct sk_node *node, const struct sk_session_query *query,
                             struct sk_session **out, size_t *out_count, char out_next[SK_PAGE_TOKEN_MAX],
                             struct sk_err *err)
{
    struct sk_page_anchor anchor;
    enum sk_code code = sk_page_parse(query->after, sk_id_is_session, &anchor, err);
    size_t count = 0;

    if (code != SK_OK)
        return code;
    out_next[0] = '\0';
    const struct sk_list *head = query->show_closed ? &node->sessions : &node->unclosed;
    for (struct sk_list *link = begin(node, &anchor, query->show_closed); link != head; link = link->prev) {
        struct sk_session *session = entry(link, query->show_closed);
        if (!matches(session, query, &anchor))
            continue;
        if (count == query->limit) { /* there is more */
            sk_page_print(out[count - 1]->record->created, out[count - 1]->record->id, out_next);
            break;
        }
        out[count++] = session;
    }
    *out_count = count;
    return SK_OK;
}
