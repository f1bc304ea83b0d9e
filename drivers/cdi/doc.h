/* doc.h: a YAML document (JSON is one) read along a known path. Aliases may make the document large or even
 * endless: whoever reads goes only as deep as the format is, and counts. */
#ifndef SK_CDI_DOC_H
#define SK_CDI_DOC_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <yaml.h>

#define SK_CDI_TEXT_MAX ((size_t)4096)
#define SK_CDI_LIST_MAX ((size_t)512)

struct sk_cdi_doc {
    yaml_document_t yaml;
    bool loaded;
};

/* Errors: SK_INVALID_ARGUMENT (not YAML, more than one document). Fini also after a failure. */
SK_MUST_CHECK enum sk_code sk_cdi_doc_load(struct sk_cdi_doc *doc, const char *text, size_t len,
                                           struct sk_err *err);
void sk_cdi_doc_fini(struct sk_cdi_doc *doc);
yaml_node_t *sk_cdi_doc_root(struct sk_cdi_doc *doc);

/* NULL: the map has no such member (or is no map). */
yaml_node_t *sk_cdi_member(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name);
/* How many elements; 0 for NULL. Errors: SK_INVALID_ARGUMENT (not a list, or too long). */
SK_MUST_CHECK enum sk_code sk_cdi_count(const yaml_node_t *list, const char *name, size_t *out_count,
                                        struct sk_err *err);
yaml_node_t *sk_cdi_element(struct sk_cdi_doc *doc, const yaml_node_t *list, size_t n);

/* A member's text; "" when it is not there. Errors: SK_INVALID_ARGUMENT (not a text, too long, with a NUL).
 */
SK_MUST_CHECK enum sk_code sk_cdi_text(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name,
                                       struct sk_arena *arena, const char **out_text, struct sk_err *err);
/* A member's list of texts; empty when it is not there. */
SK_MUST_CHECK enum sk_code sk_cdi_texts(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name,
                                        struct sk_arena *arena, const char *const **out_list,
                                        struct sk_err *err);
/* A member's whole number, not negative; *out stays when it is not there. */
SK_MUST_CHECK enum sk_code sk_cdi_number(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name,
                                         int64_t *out, struct sk_err *err);

#endif
