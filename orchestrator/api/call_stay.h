/* call_stay.h: a call as the end of service sees it (core/stay.h). */
#ifndef SK_API_CALL_STAY_H
#define SK_API_CALL_STAY_H

#include "api/call.h"

/* Before the handler is called. Errors: as sk_stay_begin. Calls about the node itself and its health are
 * neither waited for nor cut. */
SK_MUST_CHECK enum sk_code sk_call_stay(struct sk_call *call, struct sk_err *err);

#endif
