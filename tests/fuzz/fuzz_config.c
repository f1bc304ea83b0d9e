/* Configuration files from arbitrary bytes, several of them with two NULs between: a config or faults, never
 * both, never neither. What is taken can be held against another (config/change.h). */
#include "config/change.h"

#include <string.h>

#define FILES_MAX 4

static size_t split(const char *data, size_t size, struct sk_config_file files[FILES_MAX])
{
    static const char *const names[FILES_MAX] = {"one", "two", "three", "four"};
    size_t count = 0;

    while (count < FILES_MAX) {
        const char *end = size ? memmem(data, size, "\0\0", 2) : NULL;
        size_t len = end && count + 1 < FILES_MAX ? (size_t)(end - data) : size;
        files[count] = (struct sk_config_file){.name = names[count], .text = data, .len = len};
        count++;
        if (len == size)
            break;
        data += len + 2;
        size -= len + 2;
    }
    return count;
}

static void hold_against_defaults(struct sk_config *config)
{
    SK_CLEANUP(sk_config_fini) struct sk_config plain = {.exposes_keys = false};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;

    sk_faults_init(&faults, "plain");
    if (!sk_config_parse(&plain, "{}", 2, &faults) ||
        sk_config_hold(config, &plain, &faults) != (faults.count == 0))
        abort();
    sk_config_fini(config); /* before what it borrows from */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_CLEANUP(sk_config_fini) struct sk_config config = {.exposes_keys = false};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;
    struct sk_config_file files[FILES_MAX];

    sk_faults_init(&faults, "fuzz");
    if (sk_config_read(&config, files, split((const char *)data, size, files), &faults) !=
        (faults.count == 0))
        abort();
    if ((faults.count == 0) != (config.listen != NULL) || (faults.count > 0) != (faults.text.len > 0))
        abort();
    if (!faults.count)
        hold_against_defaults(&config);
    return 0;
}
