#include "base/key_entry.h"

#include "base/utf8.h"

#include <string.h>

bool sk_key_id_is_valid(const char *text)
{
    return strspn(text, "0123456789abcdef") == SK_KEY_ID_LEN && !text[SK_KEY_ID_LEN];
}

bool sk_key_name_is_valid(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0, step; i < len; i += step) {
        step = sk_utf8_next(text + i, len - i);
        if (!step || !sk_utf8_is_printable(text + i, step))
            return false;
    }
    return len <= SK_KEY_NAME_MAX;
}
