/* paging.h: pages of a list, one after the other, of a server that may never end it. Pure. */
#ifndef SK_CLI_PAGING_H
#define SK_CLI_PAGING_H

#include "base/err.h"

#include <protobuf-c/protobuf-c.h>

/* Zeroed: at the beginning. */
struct sk_paging {
    size_t pages, bytes, items; /* so far */
    const char *token;          /* of the page before; borrowed */
};

/* A page of so many items has come; `token`: of the next, "" = there is none. It must live as long as the
 * list. Errors: SK_RESOURCE_EXHAUSTED: all of it is more than anybody prints; SK_INTERNAL: it leads nowhere.
 */
SK_MUST_CHECK enum sk_code sk_paging_take(struct sk_paging *paging, const ProtobufCMessage *page,
                                          size_t items, const char *token, struct sk_err *err);

#endif
