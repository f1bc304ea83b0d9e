/* Configuration files from arbitrary bytes: a config or faults, never both, never neither. */
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_CLEANUP(sk_config_fini) struct sk_config config = {.exposes_keys = false};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;

    sk_faults_init(&faults, "fuzz");
    if (sk_config_parse(&config, (const char *)data, size, &faults) != (faults.count == 0))
        abort();
    if ((faults.count == 0) != (config.listen != NULL) || (faults.count > 0) != (faults.text.len > 0))
        abort();
    return 0;
}
