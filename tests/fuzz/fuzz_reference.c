/* Image references: whatever is taken is a full name that stays what it is, and whose parts make it up. */
#include "base/own.h"
#include "oci/reference.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_AUTO_FREE char *text = sk_strndup((const char *)data, size);
    struct sk_reference given, full;
    char once[SK_REFERENCE_MAX], twice[SK_REFERENCE_MAX];
    if (sk_reference_normalise(text, once, NULL) != SK_OK)
        return 0;
    if (sk_reference_normalise(once, twice, NULL) != SK_OK || strcmp(once, twice) != 0)
        __builtin_trap();
    if (sk_reference_parse(text, &given, NULL) != SK_OK || sk_reference_parse(once, &full, NULL) != SK_OK)
        __builtin_trap();
    if (strcmp(given.registry, full.registry) != 0 || strcmp(given.repository, full.repository) != 0 ||
        strcmp(given.tag, full.tag) != 0 || strcmp(given.digest, full.digest) != 0 ||
        (!*full.tag && !*full.digest) || strncmp(once, full.registry, strlen(full.registry)) != 0)
        __builtin_trap();
    return 0;
}
