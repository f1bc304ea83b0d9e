/* quantity.h: amounts as people write them ("500m", "1.5", "512Mi", "1e3"):
 * the quantities of Kubernetes.
 *
 *   quantity = ["+"] number [suffix | exponent]
 *   number   = digits ["." [digits]] | "." digits
 *   suffix   = n u m k M G T P E | Ki Mi Gi Ti Pi Ei
 *   exponent = ("e" | "E") ["+" | "-"] digits
 *
 * Pure; no locale, no floating point. */
#ifndef SK_BASE_QUANTITY_H
#define SK_BASE_QUANTITY_H

#include "base/err.h"

#include <stdint.h>

/* *out = value * scale, rounded up: scale 1000 gives millicores of a cpu, 1
 * bytes of a memory. scale > 0. Errors: SK_INVALID_ARGUMENT (not a quantity,
 * or negative), SK_OUT_OF_RANGE (above INT64_MAX). */
SK_MUST_CHECK enum sk_code sk_quantity_parse(const char *text, int64_t scale, int64_t *out);

#define SK_QUANTITY_TEXT 32
/* As people would write it: "1500m", "2"; "512Mi", "1Gi". Not negative. */
void sk_quantity_print_millis(int64_t millis, char out[SK_QUANTITY_TEXT]);
void sk_quantity_print_bytes(int64_t bytes, char out[SK_QUANTITY_TEXT]);

#endif
