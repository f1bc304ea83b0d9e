/* list.h: a network configuration list (CNI specification 1.0, section 1), what
 * each of its plugins is told of it, and what plugins answer (section 5). Pure. */
#ifndef SK_CNI_LIST_H
#define SK_CNI_LIST_H

#include "base/arena.h"
#include "net/ip.h"

#define SK_CNI_TEXT_MAX    ((size_t)64 * 1024) /* of a configuration, an answer */
#define SK_CNI_PLUGINS_MAX 16

struct sk_cni_list;

/* Heap; one owner. Errors: SK_INVALID_ARGUMENT with what is wrong. */
SK_MUST_CHECK enum sk_code sk_cni_list_read(const char *text, struct sk_cni_list **out_list,
                                            struct sk_err *err);
/* NULL is fine. */
void sk_cni_list_free(struct sk_cni_list *list);
size_t sk_cni_list_count(const struct sk_cni_list *list);
/* The name of its program; borrowed. */
const char *sk_cni_list_type(const struct sk_cni_list *list, size_t index);
/* What the plugin reads; heap. result: JSON that the one before answered; NULL = none. */
SK_MUST_CHECK enum sk_code sk_cni_list_request(const struct sk_cni_list *list, size_t index,
                                               const char *result, char **out_text, struct sk_err *err);

#define SK_CNI_ADDRESSES_MAX 8

struct sk_cni_addresses {
    struct sk_ip items[SK_CNI_ADDRESSES_MAX];
    size_t count;
};

/* The addresses of a result, those of IPv4 first. Errors: SK_INVALID_ARGUMENT (none of IPv4; too many). */
SK_MUST_CHECK enum sk_code sk_cni_result_read(const char *text, struct sk_cni_addresses *out_addresses,
                                              struct sk_err *err);
/* What a plugin says of its failure, or "". */
void sk_cni_error_read(const char *text, char out[160]);

#endif
