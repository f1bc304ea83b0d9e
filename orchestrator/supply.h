/* supply.h: where images come from: the registries that the config knows, the
 * node's own logins for them, the secrets that creates name, and the image
 * driver over them. */
#ifndef SK_SUPPLY_H
#define SK_SUPPLY_H

#include "base/log.h"
#include "config/config.h"
#include "core/secrets.h"
#include "drivers/content.h"
#include "drivers/image.h"

struct sk_supply;
struct sk_supply_terms; /* what the config says, and the files that it names: logins, secrets */

/* Reads those files and looks at all of it. Blocks; any thread. NULL: the faults say all. Heap. */
struct sk_supply_terms *sk_supply_read(const struct sk_config *config, struct sk_faults *faults);
void sk_supply_terms_free(struct sk_supply_terms *terms); /* NULL is fine */

/* Heap. config, log: borrowed. content: where images are kept, borrowed; NULL = by fakes, which fetch nothing
 * from registries. Errors: the files of logins and secrets cannot be used. */
SK_MUST_CHECK enum sk_code sk_supply_open(struct sk_loop *loop, const struct sk_log *log,
                                          const struct sk_config *config, struct sk_content *content,
                                          struct sk_supply **out_supply, struct sk_err *err);
/* NULL without a content. */
struct sk_image_driver *sk_supply_images(const struct sk_supply *supply);
/* Valid as long as the supply. */
struct sk_secret_lookup sk_supply_secrets(struct sk_supply *supply);
/* For what is asked from now on. terms_take: read from the same config, of which nothing is borrowed. */
void sk_supply_configure(struct sk_supply *supply, const struct sk_config *config,
                         struct sk_supply_terms *terms_take);
/* Before the content is closed. */
void sk_supply_close(struct sk_supply *supply_take, struct sk_done *done);

#endif
