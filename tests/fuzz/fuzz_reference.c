/* Image references: whatever is taken is a full name that stays what it is. */
#include "base/own.h"
#include "oci/reference.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_AUTO_FREE char *text = sk_strndup((const char *)data, size);
    char once[SK_REFERENCE_MAX], twice[SK_REFERENCE_MAX];
    if (sk_reference_normalise(text, once, NULL) != SK_OK)
        return 0;
    if (sk_reference_normalise(once, twice, NULL) != SK_OK || strcmp(once, twice) != 0)
        __builtin_trap();
    return 0;
}
