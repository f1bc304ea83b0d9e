/* http_ask.h: what one request asks for, checked and put into curl's options;
 * for transfer.c alone. */
#ifndef SK_HTTP_ASK_H
#define SK_HTTP_ASK_H

#include "drivers/http/transfer.h"

/* Sets transfer->err when it cannot be asked so. */
void sk_http_ask(struct sk_http_transfer *transfer, const struct sk_http_request *request);

#endif
