/* Files of logins from arbitrary bytes: logins that are whole, or faults. */
#include "config/logins.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_CLEANUP(sk_logins_fini) struct sk_logins logins = {0};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults, warnings;

    sk_faults_init(&faults, "fuzz");
    sk_faults_init(&warnings, "fuzz");
    if (sk_logins_parse(&logins, (const char *)data, size, &faults, &warnings) != (faults.count == 0))
        abort();
    if (faults.count && logins.len)
        abort();
    for (size_t i = 0; i < logins.len; i++)
        if (!*logins.items[i].registry || !*logins.items[i].username || !*logins.items[i].password ||
            strchr(logins.items[i].username, ':'))
            abort();
    return 0;
}
