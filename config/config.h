/* config.h: the daemon's configuration: one JSON file, read whole at start,
 * every fault reported at once. The keys are those of schema.def.
 *
 * Pure but for sk_config_load. */
#ifndef SK_CONFIG_CONFIG_H
#define SK_CONFIG_CONFIG_H

#include "config/kinds.h"

#define SK_CONFIG_PATH "/etc/sandkeep/sandkeepd.json"
/* Leaves room for "/agent/", an id, "/sock" and the NUL in a unix address. */
#define SK_RUN_DIR_MAX 56

/* Values borrow from the arena. A zeroed struct is empty; fini twice is harmless. */
struct sk_config {
    struct sk_arena arena;
    bool exposes_keys; /* api_keys stand in a file that others may read */
#define SK_KEY(name, kind, fallback, low, high, help) SK_TYPE_##kind name;
#include "config/schema.def"
#undef SK_KEY
};

void sk_config_fini(struct sk_config *config);

/* Reads a file. On SK_INVALID_ARGUMENT the faults say all; err counts them.
 * Other errors: the file cannot be read. The config is empty on failure. */
SK_MUST_CHECK enum sk_code sk_config_load(struct sk_config *config, const char *path,
                                          struct sk_faults *faults, struct sk_err *err);
/* The same from memory; false when there are faults. */
SK_MUST_CHECK bool sk_config_parse(struct sk_config *config, const char *text, size_t len,
                                   struct sk_faults *faults);

/* A commented file with every key at its default. */
SK_MUST_CHECK enum sk_code sk_config_print(struct sk_buf *out);

/* Of the schema, in order. */
const struct sk_key *sk_config_keys(size_t *out_count);

#endif
