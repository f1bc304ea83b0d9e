/* context.h: where in whose trace something happens (W3C Trace Context,
 * "traceparent"). Pure. */
#ifndef SK_TRACE_CONTEXT_H
#define SK_TRACE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#define SK_TRACEPARENT_LEN 55 /* of version 00 */

/* Zeroed: none; nothing is traced below it. */
struct sk_trace_context {
    uint8_t trace[16], span[8];
    bool sampled;
};

/* False, and *out untouched, when it is none: then a trace begins here. Higher versions are read as far as 00
 * goes. */
bool sk_traceparent_parse(const char *text, struct sk_trace_context *out);

#endif
