/* key_entry.h: an API key as a configuration has it, by its digest; and what keys' ids are. Pure; a value. */
#ifndef SK_BASE_KEY_ENTRY_H
#define SK_BASE_KEY_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SK_KEY_ID_LEN   12 /* hexadecimal digits that name a key in records, logs and the audit */
#define SK_KEY_NAME_MAX 128
#define SK_DIGEST_LEN   32 /* of SHA-256 */

struct sk_key_entry {
    const char *id;                /* valid */
    uint8_t digest[SK_DIGEST_LEN]; /* of the text that clients send */
    const char *tenant;            /* valid */
    const char *name;              /* valid */
    bool is_admin;
};

/* No two have the same id, or the same digest. */
struct sk_key_entries {
    struct sk_key_entry *rows;
    size_t len;
};

bool sk_key_id_is_valid(const char *text);
/* For people: printable UTF-8, or nothing. */
bool sk_key_name_is_valid(const char *text);

#endif
