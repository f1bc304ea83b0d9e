/* keys.h: the API keys that are known here: those made by admins, which are kept in the store, and those of
 * the configuration: `api_keys`, which are admins of the tenant "default", and `shared_keys`, which other
 * nodes may have as well.
 *
 * Of a key only its digest (SHA-256) is kept. One is found by the id in its text, which is no secret, and its
 * digest compared in constant time; those of the configuration whose text has no id are all looked at each
 * time. Of one id, and of one digest, the first counts, in the order made here, `api_keys`, `shared_keys`,
 * and the log tells of the others: so a key that was revoked here stays revoked, under whatever id a file has
 * it, and none gets more rights than whoever made it here gave it.
 *
 * Threads: loop only. */
#ifndef SK_IDENTITY_KEYS_H
#define SK_IDENTITY_KEYS_H

#include "identity/secret.h"
#include "store/key_records.h"
#include "store/store.h"

/* That can be kept, revoked ones among them. */
#define SK_KEYS_MAX 10000

struct sk_keys;

/* What the configuration says. */
struct sk_keys_config {
    const char *const *admins; /* texts; NULL-terminated, or NULL */
    struct sk_key_entries shared;
};

/* Heap; one owner. `log` (may be NULL) and `store` are borrowed; from_config is copied as digests. */
struct sk_keys *sk_keys_new(struct sk_loop *loop, const struct sk_log *log, struct sk_store *store,
                            const struct sk_keys_config *from_config);
/* Reads what is in the store; blocking, for start-up. What cannot be read is an error: a key that is
 * forgotten could be one that was revoked. */
SK_MUST_CHECK enum sk_code sk_keys_load(struct sk_keys *keys, struct sk_err *err);
/* Nothing may be under way. NULL is fine. */
void sk_keys_free(struct sk_keys *keys);

/* Told of what happens, inside the call that makes it happen; each may be NULL. */
struct sk_keys_events {
    void (*on_first)(void *arg);                       /* there is a key where there was none */
    void (*on_revoked)(void *arg, const char *key_id); /* it is no longer good */
};

/* Other keys of the configuration: they take the place of those before. Those that went are revoked, and
 * those that became others or another tenant's, or whose rights changed, for what is under way with them. */
void sk_keys_set_config(struct sk_keys *keys, const struct sk_keys_config *from_config);

/* Whether there has ever been one: then callers need one, even when all have been revoked since. */
bool sk_keys_exist(const struct sk_keys *keys);
void sk_keys_listen(struct sk_keys *keys, const struct sk_keys_events *events, void *arg);

/* Whose key that is, or NULL: unknown, or revoked. Borrowed until the return to the loop. Notes the use. */
const struct sk_key_record *sk_keys_check(struct sk_keys *keys, const char *text);
/* NULL when there is none, those of the configuration included. */
const struct sk_key_record *sk_keys_find(const struct sk_keys *keys, const char *id);
/* The key of the configuration where it stands, "api_keys" or "shared_keys"; NULL: it was made here. */
const char *sk_keys_origin(const struct sk_keys *keys, const char *id);

/* In order: those made, oldest first, then the configuration's. */
void sk_keys_each(const struct sk_keys *keys, void (*each)(void *arg, const struct sk_key_record *record),
                  void *arg);

/* Makes one. done fires when it is durable and works. tenant must be valid, name fit a record. out_secret:
 * the only copy. Errors: SK_RESOURCE_EXHAUSTED (SK_KEYS_MAX), those of the store. */
void sk_keys_create(struct sk_keys *keys, const char *tenant, const char *name, bool is_admin,
                    struct sk_secret *out_secret, struct sk_done *done);
/* It is refused from here on; done fires when that is durable. Revoked already: success. Errors:
 * SK_NOT_FOUND + KEY_NOT_FOUND, SK_FAILED_PRECONDITION (of the configuration), those of the store: it is
 * refused all the same until a restart. */
void sk_keys_revoke(struct sk_keys *keys, const char *id, struct sk_done *done);

#endif
