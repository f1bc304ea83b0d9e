#include "cli/paging.h"

#include <stdbool.h>
#include <string.h>

#define PAGES_MAX 1000
#define BYTES_MAX ((size_t)256 << 20)
#define ITEMS_MAX 1000000 /* of two bytes each, which take a hundred in memory */

enum sk_code sk_paging_take(struct sk_paging *paging, const ProtobufCMessage *page, size_t items,
                            const char *token, struct sk_err *err)
{
    bool stands_still = *token && paging->token && strcmp(token, paging->token) == 0;

    paging->bytes += protobuf_c_message_get_packed_size(page);
    paging->items += items;
    if (paging->bytes > BYTES_MAX || paging->items > ITEMS_MAX)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the list is too large to be printed");
    if (stands_still || (*token && ++paging->pages == PAGES_MAX))
        return sk_fail(err, SK_INTERNAL, "the server's list does not end");
    paging->token = token;
    return SK_OK;
}
