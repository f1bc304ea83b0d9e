/* request.h: from a process to start to the frame that asks for it, and from
 * the guest's refusal to an error; from a file to open to the text that names it. */
#ifndef SK_AGENT_REQUEST_H
#define SK_AGENT_REQUEST_H

#include "base/buf.h"
#include "drivers/agent.h"
#include "drivers/agent/peer.h"

/* Consumes the process's descriptors on success and failure. Errors:
 * SK_INVALID_ARGUMENT (too long), SK_RESOURCE_EXHAUSTED (no memfd). */
SK_MUST_CHECK enum sk_code sk_request_make(const struct sk_process *process,
                                           struct sk_outgoing **out_outgoing, struct sk_err *err);
/* Fills *err from a STARTED that says no. */
void sk_request_refusal(const struct sk_frame *started, struct sk_err *err);
/* Appends the text of an OPEN. Errors: SK_INVALID_ARGUMENT (too long). */
SK_MUST_CHECK enum sk_code sk_request_open_text(const struct sk_file_ask *ask, struct sk_buf *text,
                                                struct sk_err *err);

#endif
