/* fault.h: which errors another try would meet again. Pure. */
#ifndef SK_IMAGES_FAULT_H
#define SK_IMAGES_FAULT_H

#include "base/err.h"

#include <stdbool.h>

/* Then nothing of the image is kept. is_limited: SK_RESOURCE_EXHAUSTED came from the registry, which will
 * answer another time, and not from a ceiling or a full disk. */
bool sk_fault_is_lasting(const struct sk_err *err, bool is_limited);

#endif
