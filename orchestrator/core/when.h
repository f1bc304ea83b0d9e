/* when.h: a moment as people read it: "2026-03-01T12:00:00Z". Pure. */
#ifndef SK_CORE_WHEN_H
#define SK_CORE_WHEN_H

#include "base/clock.h"

#define SK_WHEN_MAX 32

void sk_when_print(struct sk_wall at, char out[SK_WHEN_MAX]);

#endif
