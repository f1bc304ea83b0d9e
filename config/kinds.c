#include "config/kinds.h"

#include "base/capability.h"
#include "base/id.h"
#include "base/log.h"
#include "base/quantity.h"
#include "config/address.h"
#include "config/pattern.h"
#include "config/url.h"
#include "net/ip_port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_CHAR  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define SECRET_MIN 8
#define SECRET_MAX 512
#define IMAGE_MAX  719

/* Of one element of a list, or of the one value. */
static bool node_is_right(const char *text)
{
    return !*text || sk_id_node_is_valid(text);
}

static bool is_printable(const char *text, size_t min, size_t max)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return len >= min && len <= max;
}

static bool secret_is_right(const char *text)
{
    return is_printable(text, SECRET_MIN, SECRET_MAX);
}

static bool ip_port_is_right(const char *text)
{
    struct sk_ip_port parsed;
    struct sk_err ignored;

    return !*text || sk_ip_port_parse(text, &parsed, &ignored) == SK_OK;
}

static bool image_is_right(const char *text)
{
    return is_printable(text, 1, IMAGE_MAX);
}

static bool device_kind_is_right(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash && slash != text && slash[1] && strspn(text, NAME_CHAR) == (size_t)(slash - text) &&
           strspn(slash + 1, NAME_CHAR) == strlen(slash + 1);
}

static bool path_is_right(const char *text)
{
    return text[0] == '/';
}

static bool optional_path_is_right(const char *text)
{
    return !*text || path_is_right(text);
}

static bool name_is_right(const char *text)
{
    return *text && strspn(text, NAME_CHAR) == strlen(text) && *text != '.' && *text != '-';
}

static bool program_is_right(const char *text)
{
    return name_is_right(text) || path_is_right(text);
}

/* Names separated by single slashes; none is "." or ".." since none begins with a dot. */
static bool cgroup_is_right(const char *text)
{
    char name[256];

    for (;;) {
        size_t len = strcspn(text, "/");
        if (len >= sizeof(name))
            return false;
        memcpy(name, text, len);
        name[len] = '\0';
        if (!name_is_right(name))
            return false;
        if (!text[len])
            return true;
        text += len + 1;
    }
}

static bool level_is_right(const char *text)
{
    enum sk_level level;
    return sk_level_parse(text, &level) == SK_OK;
}

static bool drivers_is_right(const char *text)
{
    return !strcmp(text, "containerd") || !strcmp(text, "fake");
}

static bool pull_policy_is_right(const char *text)
{
    return !strcmp(text, "missing") || !strcmp(text, "always") || !strcmp(text, "never");
}

static bool leave_or_stop_is_right(const char *text)
{
    return !strcmp(text, "leave") || !strcmp(text, "stop");
}

static bool log_format_is_right(const char *text)
{
    return !strcmp(text, "json") || !strcmp(text, "journald");
}

static bool audit_sync_is_right(const char *text)
{
    return !strcmp(text, "never") || !strcmp(text, "second") || !strcmp(text, "group");
}

static bool audit_full_is_right(const char *text)
{
    return !strcmp(text, "drop_oldest") || !strcmp(text, "refuse_changes");
}

static bool network_is_right(const char *text)
{
    return !strcmp(text, "nftables") || !strcmp(text, "cni");
}

static bool url_is_right(const char *text)
{
    return !*text || sk_url_is_valid(text);
}

static bool word_is_right(const char *text)
{
    (void)text;
    return true;
}

/* A number that the kernel takes for a user or a group; where it ends, or NULL. */
static const char *skip_id(const char *text)
{
    char *end;
    unsigned long long id;

    if (*text < '0' || *text > '9' || strspn(text, "0123456789") > 10)
        return NULL;
    id = strtoull(text, &end, 10);
    return id < UINT32_MAX ? end : NULL;
}

static bool user_is_right(const char *text)
{
    const char *end = skip_id(text);

    if (end && *end == ':')
        end = skip_id(end + 1);
    return !*text || (end && !*end);
}

static bool capability_is_right(const char *text)
{
    return !strcmp(text, "ALL") || sk_capability_find(text);
}

static bool egress_is_right(const char *text)
{
    return !strcmp(text, "internet") || !strcmp(text, "none");
}

/* Room for whatever a kind reads. */
union value {
    struct sk_cidr cidr;
    struct sk_reachable_setting reachable;
    struct sk_ip ip;
    struct sk_port_settings ports;
};

/* What lists of values are: the same for every type of `items`. */
struct values {
    void *items;
    size_t len;
};

static const struct kind {
    bool (*is_right)(const char *text); /* texts and elements of lists; either this … */
    const char *wish;
    bool (*read)(const char *text, void *out); /* … or this: values, of `size` bytes, instead of texts */
    size_t size;
    int64_t scale; /* quantities */
    bool is_list;
    bool secret;
} kinds[] = {
    [SK_KIND_NODE] = {node_is_right, .wish = "1 to 12 of a-z and 0-9, or nothing"},
    [SK_KIND_ADDRESSES] = {sk_address_is_valid, .is_list = true,
                           .wish = "\"host:port\", \"[v6]:port\" or \"unix:/path\""},
    [SK_KIND_SECRETS] = {secret_is_right, .is_list = true, .secret = true,
                         .wish = "8 to 512 printable characters without spaces"},
    [SK_KIND_IP_PORT] = {ip_port_is_right, .wish = "\"192.0.2.1:80\", \"[2001:db8::1]:80\", or nothing"},
    [SK_KIND_PATH] = {path_is_right, .wish = "an absolute path"},
    [SK_KIND_OPTIONAL_PATH] = {optional_path_is_right, .wish = "an absolute path, or nothing"},
    [SK_KIND_NAME] = {name_is_right, .wish = "a name of letters, digits and \"._-\""},
    [SK_KIND_PROGRAM] = {program_is_right, .wish = "a program's name or absolute path"},
    [SK_KIND_CGROUP] = {cgroup_is_right, .wish = "names separated by \"/\", none at either end"},
    [SK_KIND_LEVEL] = {level_is_right, .wish = "\"debug\", \"info\", \"warn\" or \"error\""},
    [SK_KIND_DRIVERS] = {drivers_is_right, .wish = "\"containerd\" or \"fake\""},
    [SK_KIND_PULL_POLICY] = {pull_policy_is_right, .wish = "\"missing\", \"always\" or \"never\""},
    [SK_KIND_LEAVE_OR_STOP] = {leave_or_stop_is_right, .wish = "\"leave\" or \"stop\""},
    [SK_KIND_LOG_FORMAT] = {log_format_is_right, .wish = "\"json\" or \"journald\""},
    [SK_KIND_AUDIT_SYNC] = {audit_sync_is_right, .wish = "\"never\", \"second\" or \"group\""},
    [SK_KIND_AUDIT_FULL] = {audit_full_is_right, .wish = "\"drop_oldest\" or \"refuse_changes\""},
    [SK_KIND_PATTERNS] = {sk_pattern_is_valid, .is_list = true,
                          .wish = "a full name like \"docker.io/library/python:3.*\""},
    [SK_KIND_IMAGES] = {image_is_right, .is_list = true, .wish = "an image's name"},
    [SK_KIND_URL] = {url_is_right, .wish = "a URL like \"https://host.example.com:8443/path\", or nothing"},
    [SK_KIND_REGISTRIES] = {.wish = "an object of registries"},
    [SK_KIND_QUOTAS] = {.wish = "an object of tenants"},
    [SK_KIND_FOLDERS] = {path_is_right, .is_list = true, .wish = "an absolute path"},
    [SK_KIND_DEVICE_KINDS] = {device_kind_is_right, .is_list = true,
                              .wish = "a kind of devices like \"nvidia.com/gpu\""},
    [SK_KIND_PEERS] = {.wish = "an object of URLs by node id"},
    [SK_KIND_ENTITIES] = {.wish = "an object of tenants by entity, or a list of entities"},
    [SK_KIND_KEYS] = {.wish = "an object of keys by id"},
    [SK_KIND_NETWORK] = {network_is_right, .wish = "\"nftables\" or \"cni\""},
    [SK_KIND_LINK] = {sk_link_is_valid, .wish = "1 to 8 of a-z"},
    [SK_KIND_POOL4] = {.read = sk_read_pool4,
                       .size = sizeof(struct sk_cidr),
                       .wish = "a block of IPv4 addresses like \"10.231.0.0/16\", from /8 to /29"},
    [SK_KIND_POOL6] = {.read = sk_read_pool6,
                       .size = sizeof(struct sk_cidr),
                       .wish =
                           "a block of IPv6 addresses like \"fd31:7463::/64\", from /16 to /112, or nothing"},
    [SK_KIND_CIDRS] = {.read = sk_read_cidr,
                       .size = sizeof(struct sk_cidr),
                       .is_list = true,
                       .wish = "an address, or a block of them like \"10.0.0.0/8\""},
    [SK_KIND_REACHABLE] = {.read = sk_read_reachable,
                           .size = sizeof(struct sk_reachable_setting),
                           .is_list = true,
                           .wish = "\"10.0.0.5/32\", \"10.0.0.5/32 tcp 5000\" or \"fd00::/64 udp\""},
    [SK_KIND_RESOLVERS] = {sk_resolver_is_valid, .is_list = true,
                           .wish = "\"192.0.2.53\", \"192.0.2.53:53\" or \"[2001:db8::53]:53\""},
    [SK_KIND_NAMES] = {sk_names_setting_is_valid, .is_list = true,
                       .wish = "\"repo.example.com\" or \"*.lan.example.com\", in lower case"},
    [SK_KIND_HOST] = {sk_host_is_valid, .wish = "a name or an address, IPv6 in [ ], without a port"},
    [SK_KIND_ADDRESS] = {.read = sk_read_ip, .size = sizeof(struct sk_ip), .wish = "an address"},
    [SK_KIND_PORTS] = {.read = sk_read_ports,
                       .size = sizeof(struct sk_port_settings),
                       .wish = "ports like \"20000-20999\", or nothing"},
    [SK_KIND_DOMAIN] = {sk_domain_setting_is_valid,
                        .wish = "a domain like \"box.example.com\", in lower case, or nothing"},
    [SK_KIND_IMAGE] = {image_is_right, .wish = "an image's name"},
    [SK_KIND_WORDS] = {word_is_right, .is_list = true, .wish = "a word of the command"},
    [SK_KIND_ENVIRONMENT] = {.wish = "an object of texts by name"},
    [SK_KIND_USER] = {user_is_right, .wish = "numbers like \"1000\" or \"1000:1000\", or nothing"},
    [SK_KIND_CAPABILITIES] = {capability_is_right, .is_list = true,
                              .wish = "the name of a capability like \"NET_RAW\", or \"ALL\""},
    [SK_KIND_EGRESS] = {egress_is_right, .wish = "\"internet\" or \"none\""},
    [SK_KIND_FLAG] = {.wish = "true or false"},
    [SK_KIND_INTEGER] = {.wish = "a whole number"},
    [SK_KIND_CPU] = {.scale = 1000, .wish = "a quantity like \"500m\" or \"2\""},
    [SK_KIND_MEMORY] = {.scale = 1, .wish = "a quantity like \"512Mi\" or \"1Gi\""},
};

static const char *bounds(const struct sk_key *key, char out[64])
{
    if (key->high == INT64_MAX)
        (void)snprintf(out, 64, " of at least %lld bytes", (long long)key->low);
    else
        (void)snprintf(out, 64, " from %lld to %lld", (long long)key->low, (long long)key->high);
    return out;
}

const char *sk_kind_wish(const struct sk_key *key, char out[128])
{
    char extra[64] = "";

    if (key->kind == SK_KIND_INTEGER || (key->kind == SK_KIND_MEMORY && key->low > 0))
        (void)bounds(key, extra);
    (void)snprintf(out, 128, "%s%s", kinds[key->kind].wish, extra);
    return out;
}

/* --- texts, and values that are written as texts
 * ---------------------------------------------------------------- */

static bool will_do(const struct kind *kind, const char *text)
{
    union value value;
    return kind->read ? kind->read(text, &value) : kind->is_right(text);
}

/* Whether one text will do; adds a fault if not. `path` names it. */
static bool check_text(const struct sk_key *key, const struct sk_json *value, const char *path, int64_t low,
                       int64_t high, struct sk_faults *faults)
{
    const struct kind *kind = &kinds[key->kind];
    int64_t len;
    char wish[128];

    if (value->kind != SK_JSON_STRING) {
        sk_faults_add(faults, value->line, path, "is %s, give a string: %s", sk_json_kind_name(value->kind),
                      sk_kind_wish(key, wish));
        return false;
    }
    len = (int64_t)strlen(value->text);
    if (!will_do(kind, value->text) && kind->secret)
        sk_faults_add(faults, value->line, path, "is not a usable key, give %s", sk_kind_wish(key, wish));
    else if (!will_do(kind, value->text))
        sk_faults_add(faults, value->line, path, "\"%.80s\" will not do, give %s",
                      key->kind == SK_KIND_URL ? sk_url_shown(value->text) : value->text,
                      sk_kind_wish(key, wish));
    else if (high && (len < low || len > high))
        sk_faults_add(faults, value->line, path, "has %lld bytes, give %lld to %lld", (long long)len,
                      (long long)low, (long long)high);
    else
        return true;
    return false;
}

static void take_text(struct sk_arena *arena, const struct sk_key *key, const struct sk_json *value,
                      void *out, struct sk_faults *faults)
{
    const struct kind *kind = &kinds[key->kind];

    if (!check_text(key, value, key->name, key->low, key->high, faults))
        return;
    if (kind->read)
        (void)kind->read(value->text, out);
    else
        *(const char **)out = sk_arena_strdup(arena, value->text);
}

static bool check_elements(const struct sk_key *key, const struct sk_json *value, int64_t *out_count,
                           struct sk_faults *faults)
{
    bool right = true;
    char path[64];

    *out_count = 0;
    for (const struct sk_json *item = value->first; item; item = item->next) {
        (void)snprintf(path, sizeof(path), "%s[%lld]", key->name, (long long)(*out_count)++);
        right = check_text(key, item, path, 0, 0, faults) && right;
    }
    return right;
}

static void take_texts(struct sk_arena *arena, const struct sk_json *value, size_t count, void *out)
{
    const char **list = sk_arena_alloc(arena, (count + 1) * sizeof(*list));

    *(const char ***)out = list;
    for (const struct sk_json *item = value->first; item; item = item->next)
        *list++ = sk_arena_strdup(arena, item->text);
}

static void take_values(struct sk_arena *arena, const struct kind *kind, const struct sk_json *value,
                        size_t count, void *out)
{
    char *next = sk_arena_alloc(arena, (count + 1) * kind->size);
    const struct values values = {.items = next, .len = count};

    memcpy(out, &values, sizeof(values));
    for (const struct sk_json *item = value->first; item; item = item->next) {
        (void)kind->read(item->text, next);
        next += kind->size;
    }
}

static void take_list(struct sk_arena *arena, const struct sk_key *key, const struct sk_json *value,
                      void *out, struct sk_faults *faults)
{
    const struct kind *kind = &kinds[key->kind];
    int64_t count;
    char wish[128];

    if (value->kind != SK_JSON_ARRAY) {
        sk_faults_add(faults, value->line, key->name, "is %s, give a list in [ ], each %s",
                      sk_json_kind_name(value->kind), sk_kind_wish(key, wish));
        return;
    }
    if (!check_elements(key, value, &count, faults))
        return;
    if (count < key->low || count > key->high) {
        sk_faults_add(faults, value->line, key->name, "has %lld elements, give %lld to %lld",
                      (long long)count, (long long)key->low, (long long)key->high);
        return;
    }
    if (kind->read)
        take_values(arena, kind, value, (size_t)count, out);
    else
        take_texts(arena, value, (size_t)count, out);
}

/* --- numbers ------------------------------------------------------------------- */

static bool parse_integer(const char *text, int64_t *out_number)
{
    char *end;

    errno = 0;
    *out_number = strtoll(text, &end, 10);
    return !errno && end != text && !*end;
}

static bool parse_number(const struct sk_key *key, const struct sk_json *value, int64_t *out_number)
{
    if (key->kind == SK_KIND_INTEGER)
        return value->kind == SK_JSON_NUMBER && parse_integer(value->text, out_number);
    if (value->kind != SK_JSON_STRING && value->kind != SK_JSON_NUMBER)
        return false;
    *out_number = 0;
    if (!*value->text && key->low == 0)
        return true;
    return sk_quantity_parse(value->text, kinds[key->kind].scale, out_number) == SK_OK;
}

static void take_number(const struct sk_key *key, const struct sk_json *value, void *out,
                        struct sk_faults *faults)
{
    int64_t number;
    char wish[128];
    bool has_text = value->kind == SK_JSON_STRING || value->kind == SK_JSON_NUMBER;
    const char *given = has_text ? value->text : sk_json_kind_name(value->kind);

    if (!parse_number(key, value, &number))
        sk_faults_add(faults, value->line, key->name, "%.80s will not do, give %s", given,
                      sk_kind_wish(key, wish));
    else if (number < key->low || number > key->high)
        sk_faults_add(faults, value->line, key->name, "%.80s is too %s, give %s", given,
                      number < key->low ? "small" : "large", sk_kind_wish(key, wish));
    else
        *(int64_t *)out = number;
}

static void take_flag(const struct sk_key *key, const struct sk_json *value, void *out,
                      struct sk_faults *faults)
{
    if (value->kind == SK_JSON_BOOL)
        *(bool *)out = value->truth;
    else
        sk_faults_add(faults, value->line, key->name, "is %s, give true or false",
                      sk_json_kind_name(value->kind));
}

void sk_kind_take(struct sk_arena *arena, const struct sk_key *key, const struct sk_json *value, void *out,
                  struct sk_faults *faults)
{
    if (key->kind == SK_KIND_REGISTRIES)
        sk_registries_take(arena, key->name, (size_t)key->high, value, out, faults);
    else if (key->kind == SK_KIND_QUOTAS)
        sk_quotas_take(arena, key->name, (size_t)key->high, value, out, faults);
    else if (key->kind == SK_KIND_PEERS)
        sk_peers_take(arena, key->name, (size_t)key->high, value, out, faults);
    else if (key->kind == SK_KIND_ENTITIES)
        sk_entities_take(arena, key->name, (size_t)key->high, value, out, faults);
    else if (key->kind == SK_KIND_KEYS)
        sk_key_entries_take(arena, key->name, (size_t)key->high, value, out, faults);
    else if (key->kind == SK_KIND_ENVIRONMENT)
        sk_environment_take(arena, key->name, (size_t)key->high, value, out, faults);
    else if (key->kind == SK_KIND_FLAG)
        take_flag(key, value, out, faults);
    else if (kinds[key->kind].is_list)
        take_list(arena, key, value, out, faults);
    else if (kinds[key->kind].is_right || kinds[key->kind].read)
        take_text(arena, key, value, out, faults);
    else
        take_number(key, value, out, faults);
}
