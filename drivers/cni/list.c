#include "drivers/cni/list.h"

#include "base/own.h"

#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#define DEPTH_MAX 32

struct sk_cni_list {
    yajl_val root;
    const char *name, *version; /* the root's */
    size_t count;
    yajl_val plugins[SK_CNI_PLUGINS_MAX];
    const char *types[SK_CNI_PLUGINS_MAX];
};

/* --- reading ------------------------------------------------------------------ */

static yajl_val member(yajl_val object, const char *name, yajl_type type)
{
    const char *path[] = {name, NULL};
    return yajl_tree_get(object, path, type);
}

static const char *text_of(yajl_val object, const char *name)
{
    yajl_val value = member(object, name, yajl_t_string);
    return value ? YAJL_GET_STRING(value) : NULL;
}

/* yajl's tree is made by recursion. */
static bool is_shallow(const char *text)
{
    size_t depth = 0;
    bool in_string = false;
    for (const char *at = text; *at; at++) {
        if (in_string && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            in_string = !in_string;
        else if (!in_string && (*at == '{' || *at == '['))
            depth++;
        else if (!in_string && (*at == '}' || *at == ']') && depth)
            depth--;
        if (depth > DEPTH_MAX)
            return false;
    }
    return true;
}

static yajl_val parse(const char *text, char *out_why, size_t size)
{
    if (strlen(text) <= SK_CNI_TEXT_MAX && is_shallow(text))
        return yajl_tree_parse(text, out_why, size);
    (void)snprintf(out_why, size, "too large, or too deep");
    return NULL;
}

/* A file of the plugins' directory: nothing that leads elsewhere. */
static bool is_program(const char *type)
{
    return type && *type && *type != '.' && strlen(type) < 100 && !strchr(type, '/');
}

static enum sk_code take_plugins(struct sk_cni_list *list, struct sk_err *err)
{
    yajl_val plugins = member(list->root, "plugins", yajl_t_array);
    size_t count = plugins ? plugins->u.array.len : 0;
    if (count == 0 || count > SK_CNI_PLUGINS_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "plugins: must be a list of 1 to %d", SK_CNI_PLUGINS_MAX);
    for (; list->count < count; list->count++) {
        yajl_val plugin = plugins->u.array.values[list->count];
        const char *type = YAJL_IS_OBJECT(plugin) ? text_of(plugin, "type") : NULL;
        if (!is_program(type))
            return sk_fail(err, SK_INVALID_ARGUMENT, "plugins[%zu].type: must be the name of a program",
                           list->count);
        list->plugins[list->count] = plugin;
        list->types[list->count] = type;
    }
    return SK_OK;
}

static enum sk_code take(struct sk_cni_list *list, struct sk_err *err)
{
    if (!YAJL_IS_OBJECT(list->root))
        return sk_fail(err, SK_INVALID_ARGUMENT, "must be an object");
    list->name = text_of(list->root, "name");
    list->version = text_of(list->root, "cniVersion");
    if (!list->name || !*list->name)
        return sk_fail(err, SK_INVALID_ARGUMENT, "name: must be a text");
    if (!list->version || !*list->version)
        return sk_fail(err, SK_INVALID_ARGUMENT, "cniVersion: must be a text such as \"1.0.0\"");
    return take_plugins(list, err);
}

enum sk_code sk_cni_list_read(const char *text, struct sk_cni_list **out_list, struct sk_err *err)
{
    char why[160];
    yajl_val root = parse(text, why, sizeof(why));
    if (!root)
        return sk_fail(err, SK_INVALID_ARGUMENT, "not JSON: %s", why);
    struct sk_cni_list *list = sk_alloc(sizeof(*list));
    list->root = root;
    enum sk_code code = take(list, err);
    if (code == SK_OK)
        *out_list = list;
    else
        sk_cni_list_free(list);
    return code;
}

void sk_cni_list_free(struct sk_cni_list *list)
{
    if (list)
        yajl_tree_free(list->root);
    free(list);
}

size_t sk_cni_list_count(const struct sk_cni_list *list)
{
    return list->count;
}

const char *sk_cni_list_type(const struct sk_cni_list *list, size_t index)
{
    return list->types[index];
}

/* --- writing ------------------------------------------------------------------ */

static void put_text(yajl_gen gen, const char *text)
{
    (void)yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than what was parsed */
static void put(yajl_gen gen, yajl_val value)
{
    switch (value->type) {
    case yajl_t_string:
        put_text(gen, YAJL_GET_STRING(value));
        break;
    case yajl_t_number:
        (void)yajl_gen_number(gen, YAJL_GET_NUMBER(value), strlen(YAJL_GET_NUMBER(value)));
        break;
    case yajl_t_object:
        (void)yajl_gen_map_open(gen);
        for (size_t i = 0; i < value->u.object.len; i++) {
            put_text(gen, value->u.object.keys[i]);
            put(gen, value->u.object.values[i]);
        }
        (void)yajl_gen_map_close(gen);
        break;
    case yajl_t_array:
        (void)yajl_gen_array_open(gen);
        for (size_t i = 0; i < value->u.array.len; i++)
            put(gen, value->u.array.values[i]);
        (void)yajl_gen_array_close(gen);
        break;
    case yajl_t_true:
    case yajl_t_false:
        (void)yajl_gen_bool(gen, value->type == yajl_t_true);
        break;
    default:
        (void)yajl_gen_null(gen);
    }
}

/* What every plugin is told anew; its own words for these are not passed on. */
static bool is_ours(const char *key)
{
    return strcmp(key, "name") == 0 || strcmp(key, "cniVersion") == 0 || strcmp(key, "prevResult") == 0;
}

static void put_request(yajl_gen gen, const struct sk_cni_list *list, yajl_val plugin, yajl_val result)
{
    (void)yajl_gen_map_open(gen);
    put_text(gen, "cniVersion");
    put_text(gen, list->version);
    put_text(gen, "name");
    put_text(gen, list->name);
    for (size_t i = 0; i < plugin->u.object.len; i++) {
        if (is_ours(plugin->u.object.keys[i]))
            continue;
        put_text(gen, plugin->u.object.keys[i]);
        put(gen, plugin->u.object.values[i]);
    }
    if (result) {
        put_text(gen, "prevResult");
        put(gen, result);
    }
    (void)yajl_gen_map_close(gen);
}

enum sk_code sk_cni_list_request(const struct sk_cni_list *list, size_t index, const char *result,
                                 char **out_text, struct sk_err *err)
{
    char why[160];
    const unsigned char *text;
    size_t len;
    yajl_val before = result ? parse(result, why, sizeof(why)) : NULL;
    if (result && !before)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the result of a plugin is not JSON: %s", why);
    yajl_gen gen = yajl_gen_alloc(NULL);
    if (!gen)
        abort();
    put_request(gen, list, list->plugins[index], before);
    (void)yajl_gen_get_buf(gen, &text, &len);
    *out_text = sk_strndup((const char *)text, len);
    yajl_gen_free(gen);
    yajl_tree_free(before);
    return SK_OK;
}

/* --- answers ------------------------------------------------------------------- */

static bool read_address(yajl_val item, struct sk_ip *out)
{
    char text[SK_CIDR_TEXT_MAX];
    const char *address = YAJL_IS_OBJECT(item) ? text_of(item, "address") : NULL;
    if (!address || strlen(address) >= sizeof(text))
        return false;
    (void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(address, "/"), address);
    return sk_ip_parse(text, out, NULL) == SK_OK;
}

static enum sk_code take_family(yajl_val ips, bool is_v6, struct sk_cni_addresses *out, struct sk_err *err)
{
    for (size_t i = 0; i < ips->u.array.len; i++) {
        struct sk_ip ip;
        if (!read_address(ips->u.array.values[i], &ip))
            return sk_fail(err, SK_INVALID_ARGUMENT, "ips[%zu].address of the plugins' result is none", i);
        if (ip.is_v6 != is_v6)
            continue;
        if (out->count == SK_CNI_ADDRESSES_MAX)
            return sk_fail(err, SK_INVALID_ARGUMENT, "the plugins gave too many addresses");
        out->items[out->count++] = ip;
    }
    if (out->count == 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the plugins gave no IPv4 address");
    return SK_OK;
}

enum sk_code sk_cni_result_read(const char *text, struct sk_cni_addresses *out_addresses, struct sk_err *err)
{
    char why[160];
    yajl_val root = parse(text, why, sizeof(why));
    if (!root)
        return sk_fail(err, SK_INVALID_ARGUMENT, "the result of the plugins is not JSON: %s", why);
    yajl_val ips = YAJL_IS_OBJECT(root) ? member(root, "ips", yajl_t_array) : NULL;
    enum sk_code code = ips ? SK_OK : sk_fail(err, SK_INVALID_ARGUMENT, "the plugins gave no IPv4 address");
    *out_addresses = (struct sk_cni_addresses){0};
    for (int is_v6 = 0; code == SK_OK && is_v6 < 2; is_v6++)
        code = take_family(ips, is_v6, out_addresses, err);
    yajl_tree_free(root);
    return code;
}

void sk_cni_error_read(const char *text, char out[160])
{
    char why[160];
    yajl_val root = parse(text, why, sizeof(why));
    const char *msg = root && YAJL_IS_OBJECT(root) ? text_of(root, "msg") : NULL;
    (void)snprintf(out, 160, "%s", msg ? msg : "");
    yajl_tree_free(root);
}
