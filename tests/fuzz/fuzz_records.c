/* Records from arbitrary bytes: what is accepted can be packed, and is then the same for ever. */
#include "store/records.h"

#include <string.h>

#define CEILING (64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf once = {0};
    SK_CLEANUP(sk_buf_fini) struct sk_buf twice = {0};
    struct sk_record *record = NULL, *again = NULL;

    if (sk_record_unpack(data, size, &record, NULL) != SK_OK)
        return 0;
    sk_buf_init(&once, CEILING);
    sk_buf_init(&twice, CEILING);
    if (sk_record_pack(record, &once, NULL) != SK_OK ||
        sk_record_unpack(once.data, once.len, &again, NULL) != SK_OK ||
        sk_record_pack(again, &twice, NULL) != SK_OK)
        abort();
    if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
        abort();
    sk_record_free(record);
    sk_record_free(again);
    return 0;
}
