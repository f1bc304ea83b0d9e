/* defaults.h: how processes are started in a sandbox: spec over image. Pure. */
#ifndef SK_CORE_DEFAULTS_H
#define SK_CORE_DEFAULTS_H

#include "drivers/image.h"
#include "store/records.h"

/* Fills record->process. command replaces the image's entrypoint, and its cmd
 * too unless args are given; args replace cmd. Errors: SK_INVALID_ARGUMENT
 * when nothing is left to run. */
SK_MUST_CHECK enum sk_code sk_defaults_resolve(struct sk_record *record, const struct sk_image *image,
                                               struct sk_err *err);

/* "K=V" strings: base, then `added` over it by name (the last of a name wins,
 * in the place of the first). NULL-terminated, in `arena`. */
const char **sk_defaults_env(struct sk_arena *arena, const char *const *base, const struct sk_env *added,
                             size_t added_count);

/* Why the agent could not start argv[0], as a sentence for its user. Returns err->code. */
enum sk_code sk_defaults_explain(const char *program, const struct sk_err *err, struct sk_err *out_err);

#endif
