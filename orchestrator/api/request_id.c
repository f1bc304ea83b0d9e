#include "api/request_id.h"

#include "base/random.h"
#include "base/siphash.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void sk_request_ids_init(struct sk_request_ids *ids)
{
    *ids = (struct sk_request_ids){0};
    sk_random(ids->key, sizeof(ids->key));
}

void sk_request_ids_next(struct sk_request_ids *ids, char out[SK_REQUEST_ID_LEN + 1])
{
    ids->count++;
    (void)snprintf(out, SK_REQUEST_ID_LEN + 1, "%016" PRIx64,
                   sk_siphash(ids->key, &ids->count, sizeof(ids->count)));
}

const char *sk_request_id_clean(struct sk_arena *arena, const char *given)
{
    if (!given || !*given)
        return NULL;
    char *clean = sk_arena_strndup(arena, given, strnlen(given, SK_CLIENT_ID_MAX));
    for (char *at = clean; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("-_.:/", *at))
            *at = '?';
    }
    return clean;
}
