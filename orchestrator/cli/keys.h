/* keys.h: the server's API keys, as calls, and on standard output. Answers live in the arena. All calls
 * return SK_OK or fault->err.code. */
#ifndef SK_CLI_KEYS_H
#define SK_CLI_KEYS_H

#include "cli/client.h"

#include "sandkeep/keys.pb-c.h"

SK_MUST_CHECK enum sk_code sk_client_key_create(struct sk_client *client,
                                                const Sandkeep__V1__CreateKeyRequest *request,
                                                struct sk_arena *arena,
                                                Sandkeep__V1__CreateKeyResponse **out_made,
                                                struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_client_keys_list(struct sk_client *client,
                                               const Sandkeep__V1__ListKeysRequest *request,
                                               struct sk_arena *arena,
                                               Sandkeep__V1__ListKeysResponse **out_list,
                                               struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_client_key_revoke(struct sk_client *client, const char *key_id,
                                                struct sk_fault *fault);

/* A table, or a JSON array. Returns the exit code. */
int sk_keys_output(Sandkeep__V1__Key *const *keys, size_t count, bool json);

#endif
