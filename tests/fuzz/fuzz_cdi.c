/* Files that describe devices: whatever stands in them. */
#include "drivers/cdi/file.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sk_arena arena = {0};
    struct sk_cdi_file file = {0};
    struct sk_err err;

    (void)!sk_cdi_file_parse((const char *)data, size, &arena, &file, &err);
    sk_arena_fini(&arena);
    return 0;
}
