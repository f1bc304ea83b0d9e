#include "config/config.h"

#include "base/file.h"
#include "config/together.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SIZE_MAX ((size_t)1024 * 1024)

static const struct sk_key keys[] = {
#define SK_KEY(name, kind, fallback, low, high, help)                                                        \
    {#name, SK_KIND_##kind, offsetof(struct sk_config, name), fallback, low, high, help},
#include "config/schema.def"
#undef SK_KEY
};

/* One reading: the config being filled, and which member gave which key. */
struct reading {
    struct sk_config *config;
    struct sk_faults *faults;
    const struct sk_json *given[sk_array_len(keys)];
};

const struct sk_key *sk_config_keys(size_t *out_count)
{
    *out_count = sk_array_len(keys);
    return keys;
}

void sk_config_fini(struct sk_config *config)
{
    sk_arena_fini(&config->arena);
    *config = (struct sk_config){.exposes_keys = false};
}

static void take(struct reading *r, size_t index, const struct sk_json *value)
{
    sk_kind_take(&r->config->arena, &keys[index], value, (char *)r->config + keys[index].offset, r->faults);
}

static void take_defaults(struct reading *r)
{
    for (size_t i = 0; i < sk_array_len(keys); i++) {
        struct sk_json *value = NULL;
        int line = 0, faults = r->faults->count;
        enum sk_code code =
            sk_json_parse(&r->config->arena, keys[i].fallback, strlen(keys[i].fallback), &value, &line, NULL);
        assert(code == SK_OK);
        (void)code;
        take(r, i, value);
        assert(r->faults->count == faults);
        (void)faults;
    }
}

/* --- members of the file ------------------------------------------------------- */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edits from one word to another (Levenshtein), for short words. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32], len = strlen(b);

    if (len >= sk_array_len(row) || strlen(a) >= sk_array_len(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[len];
}

static void report_unknown(struct reading *r, const struct sk_json *member)
{
    size_t best = 0, least = SIZE_MAX;

    for (size_t i = 0; i < sk_array_len(keys); i++) {
        size_t d = distance(member->key, keys[i].name);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    if (least <= strlen(keys[best].name) / 2)
        sk_faults_add(r->faults, member->line, member->key, "no such key, did you mean \"%s\"?",
                      keys[best].name);
    else
        sk_faults_add(r->faults, member->line, member->key,
                      "no such key, --print-config shows all there are");
}

static void take_member(struct reading *r, const struct sk_json *member)
{
    for (size_t i = 0; i < sk_array_len(keys); i++) {
        if (strcmp(keys[i].name, member->key) != 0)
            continue;
        if (r->given[i]) {
            sk_faults_add(r->faults, member->line, member->key, "stands in line %d already, give it once",
                          r->given[i]->line);
            return;
        }
        r->given[i] = member;
        take(r, i, member);
        return;
    }
    report_unknown(r, member);
}

/* --- reading ----------------------------------------------------------------------- */

static void read_tree(struct reading *r, const struct sk_json *root)
{
    if (root->kind != SK_JSON_OBJECT) {
        sk_faults_add(r->faults, root->line, "", "is %s, give an object in { }",
                      sk_json_kind_name(root->kind));
        return;
    }
    for (const struct sk_json *member = root->first; member; member = member->next)
        take_member(r, member);
    sk_config_check(r->config, r->given, r->faults);
}

bool sk_config_parse(struct sk_config *config, const char *text, size_t len, struct sk_faults *faults)
{
    struct reading reading = {.config = config, .faults = faults};
    struct sk_json *root = NULL;
    struct sk_err err;
    int line = 0;

    *config = (struct sk_config){.exposes_keys = false};
    take_defaults(&reading);
    if (sk_json_parse(&config->arena, text, len, &root, &line, &err) != SK_OK)
        sk_faults_add(faults, line, "", "%s", err.text);
    else
        read_tree(&reading, root);
    if (faults->count)
        sk_config_fini(config);
    return faults->count == 0;
}

enum sk_code sk_config_load(struct sk_config *config, const char *path, struct sk_faults *faults,
                            struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    mode_t mode = 0;
    enum sk_code code = sk_file_load(path, FILE_SIZE_MAX, &text, &len, &mode, err);

    *config = (struct sk_config){.exposes_keys = false};
    if (code != SK_OK)
        return code;
    if (!sk_config_parse(config, text, len, faults))
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s has %d fault%s", path, faults->count,
                       faults->count == 1 ? "" : "s");
    config->exposes_keys = config->api_keys[0] && (mode & S_IROTH);
    return SK_OK;
}
