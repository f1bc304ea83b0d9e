/* moment.h: a moment as people read it: "2026-03-01T12:00:00Z". Pure. */
#ifndef SK_CORE_MOMENT_H
#define SK_CORE_MOMENT_H

#include "base/clock.h"

#define SK_MOMENT_MAX 32

void sk_moment_print(struct sk_wall at, char out[SK_MOMENT_MAX]);

#endif
