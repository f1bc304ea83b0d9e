#include "drivers/images/fault.h"

bool sk_fault_is_lasting(const struct sk_err *err, bool is_limited)
{
    switch (err->code) {
    case SK_FAILED_PRECONDITION:
    case SK_DATA_LOSS:
    case SK_OUT_OF_RANGE:
    case SK_NOT_FOUND:
    case SK_INVALID_ARGUMENT:
    case SK_PERMISSION_DENIED:
    case SK_UNAUTHENTICATED:
        return true;
    case SK_RESOURCE_EXHAUSTED:
        return !is_limited;
    default:
        return false;
    }
}
