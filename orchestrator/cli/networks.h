/* networks.h: the networks of the server's sandboxes, as calls. Answers live
 * in the arena. */
#ifndef SK_CLI_NETWORKS_H
#define SK_CLI_NETWORKS_H

#include "cli/args.h"
#include "cli/client.h"

#include "sandkeep/network.pb-c.h"

#define SK_NETWORK_SERVICE "/sandkeep.v1.NetworkService/"

/* What --egress and its kin, or --file, ask for. Reads the
 * file. Errors: SK_INVALID_ARGUMENT (none of them, or some that contradict each other), those of reading. */
SK_MUST_CHECK enum sk_code sk_networks_ask(const struct sk_args *args, struct sk_arena *arena,
                                           Coreweave__Sandbox__V1__NetworkOptions **out_options,
                                           struct sk_err *err);

/* The same for a sandbox that is still to be made: of which nothing need be said. NULL = nothing was. */
SK_MUST_CHECK enum sk_code sk_networks_ask_if_said(const struct sk_args *args, struct sk_arena *arena,
                                                   Coreweave__Sandbox__V1__NetworkOptions **out_options,
                                                   struct sk_err *err);

/* Both return SK_OK or fault->err.code. */
SK_MUST_CHECK enum sk_code sk_networks_get(struct sk_client *client, const char *id, struct sk_arena *arena,
                                           Sandkeep__V1__Network **out_network, struct sk_fault *fault);
SK_MUST_CHECK enum sk_code sk_networks_set(struct sk_client *client, const char *id,
                                           Coreweave__Sandbox__V1__NetworkOptions *options,
                                           struct sk_arena *arena, Sandkeep__V1__Network **out_network,
                                           struct sk_fault *fault);

#endif
