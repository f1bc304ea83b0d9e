/* config.h: the daemon's configuration: one JSON file, and over it those of
 * the folder conf.d beside it, in the order of their names; what a later one
 * says of a key replaces what earlier ones said, whole. Every fault is
 * reported at once. The keys are those of schema.def.
 *
 * Pure but for sk_config_load. */
#ifndef SK_CONFIG_CONFIG_H
#define SK_CONFIG_CONFIG_H

#include "config/kinds.h"

struct sk_given;

#define SK_CONFIG_PATH      "/etc/sandkeep/sandkeepd.json"
#define SK_CONFIG_FOLDER    "conf.d" /* its files end in ".json" and do not begin with a dot */
#define SK_CONFIG_FILES_MAX 256
/* Leaves room for "/agent/", an id, "/sock" and the NUL in a unix address. */
#define SK_RUN_DIR_MAX 56

/* Values borrow from the arena. A zeroed struct is empty; fini twice is harmless. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): there is one, in the order of the schema. */
struct sk_config {
    struct sk_arena arena;
    bool exposes_keys;  /* api_keys stand in a file that others may read */
    const char **texts; /* the value of each key of the schema as JSON, without spaces; secrets included */
    struct sk_given *given; /* where each was said; together.h */
#define SK_KEY(name, kind, fallback, low, high, when, help) SK_TYPE_##kind name;
#include "config/schema.def"
#undef SK_KEY
};

void sk_config_fini(struct sk_config *config);

/* One file of a configuration. */
struct sk_config_file {
    const char *name; /* for faults */
    const char *text;
    size_t len;
    bool is_public; /* others may read it */
};

/* Reads the file and what conf.d beside it has. On SK_INVALID_ARGUMENT the faults say all, files of conf.d
 * that cannot be read among them; err counts them. Other errors: the file itself cannot be read. The config
 * is empty on failure. */
SK_MUST_CHECK enum sk_code sk_config_load(struct sk_config *config, const char *path,
                                          struct sk_faults *faults, struct sk_err *err);
/* The same from memory, in this order; false when there are faults. */
SK_MUST_CHECK bool sk_config_read(struct sk_config *config, const struct sk_config_file *files, size_t count,
                                  struct sk_faults *faults);
/* Of one text, named as the faults name their file. */
SK_MUST_CHECK bool sk_config_parse(struct sk_config *config, const char *text, size_t len,
                                   struct sk_faults *faults);

/* A commented file with every key at its default. */
SK_MUST_CHECK enum sk_code sk_config_print(struct sk_buf *out);

/* What names places on the node that the daemon makes its own, as lines of name=value that a shell can read.
 * Errors: SK_INVALID_ARGUMENT (a value that is no plain word), SK_RESOURCE_EXHAUSTED. */
SK_MUST_CHECK enum sk_code sk_config_print_places(const struct sk_config *config, struct sk_buf *out);

/* sandkeepd.json(5), the page of the manual. */
SK_MUST_CHECK enum sk_code sk_config_print_man(struct sk_buf *out);

/* Of the schema, in order. */
const struct sk_key *sk_config_keys(size_t *out_count);

#endif
