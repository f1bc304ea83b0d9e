/* json_facts.h: asks a JSON text for one fact, for tests. Elements of arrays
 * all have the path component "*". */
#ifndef SK_TEST_JSON_FACTS_H
#define SK_TEST_JSON_FACTS_H

#include "base/buf.h"
#include "oci/json_in.h"

#include <string.h>
#include <yajl/yajl_tree.h>

/* Number of times "path" holds the string `value`. */
struct json_count {
    const char *path, *value;
    int found;
};

static inline enum sk_code json_count_item(void *arg, const struct sk_json_item *item, struct sk_err *err)
{
    struct json_count *c = arg;
    (void)err;
    if (item->kind == SK_JSON_STRING && strcmp(item->path, c->path) == 0 && item->len == strlen(c->value) &&
        memcmp(item->text, c->value, item->len) == 0)
        c->found++;
    return SK_OK;
}

static inline int json_count(const char *text, const char *path, const char *value)
{
    struct json_count c = {path, value, 0};
    enum sk_code code = sk_json_read((const uint8_t *)text, strlen(text), json_count_item, &c, NULL);
    return code == SK_OK ? c.found : -1;
}

/* The node at a path of names, NULL-terminated; NULL if there is none. */
static inline yajl_val json_at(yajl_val root, const char **path)
{
    return yajl_tree_get(root, path, yajl_t_any);
}

#endif
