/* Configs of images, written by whoever made the image. */
#include "oci/image_config.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sk_image_config config;
    struct sk_arena arena = {0};
    if (sk_image_config_parse(data, size, "amd64", &arena, &config, NULL) == SK_OK) {
        char chain[SK_DIGEST_SIZE];
        sk_chain_id(config.diff_ids, chain);
        if (*chain && !sk_digest_is_valid(chain))
            __builtin_trap();
        if (config.stop_signal < 1 || config.stop_signal > 64)
            __builtin_trap();
        for (char **entry = config.env; *entry; entry++)
            if (!strchr(*entry, '='))
                __builtin_trap();
    }
    sk_arena_fini(&arena);
    return 0;
}
