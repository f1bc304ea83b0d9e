#include "config/config.h"

#include "config/together.h"

#include <assert.h>
#include <string.h>

static const struct sk_key keys[] = {
#define SK_KEY(key, of_kind, otherwise, least, most, taken_over, text)                                       \
    {.name = #key,                                                                                           \
     .kind = SK_KIND_##of_kind,                                                                              \
     .when = SK_WHEN_##taken_over,                                                                           \
     .offset = offsetof(struct sk_config, key),                                                              \
     .fallback = otherwise,                                                                                  \
     .low = least,                                                                                           \
     .high = most,                                                                                           \
     .help = text},
#include "config/schema.def"
#undef SK_KEY
};

/* One reading: the config being filled, and which member of which file gave which key. */
struct reading {
    struct sk_config *config;
    struct sk_faults *faults;
    const struct sk_config_file *file;  /* that is being read */
    const char *name;                   /* of it, the arena's */
    bool is_public[sk_array_len(keys)]; /* it was given in a file that others may read */
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
    r->config->texts[index] = sk_json_print(&r->config->arena, value);
}

static void take_defaults(struct reading *r)
{
    r->config->given = sk_arena_alloc(&r->config->arena, sk_array_len(keys) * sizeof(r->config->given[0]));
    r->config->texts = sk_arena_alloc(&r->config->arena, sk_array_len(keys) * sizeof(r->config->texts[0]));
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
        if (r->config->given[i].member && r->config->given[i].file == r->name) {
            sk_faults_add(r->faults, member->line, member->key, "stands in line %d already, give it once",
                          r->config->given[i].member->line);
            return;
        }
        r->config->given[i] = (struct sk_given){member, r->name};
        r->is_public[i] = r->file->is_public;
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
}

static void read_file(struct reading *r, const struct sk_config_file *file)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors' first bytes */
    struct sk_json *root = NULL;
    struct sk_err err;
    int line = 0;

    r->file = file;
    r->name = sk_arena_strdup(&r->config->arena, file->name);
    r->faults->file = file->name;
    if (file->len >= strlen(mark) && memcmp(file->text, mark, strlen(mark)) == 0)
        sk_faults_add(r->faults, 1, "", "begins with a byte order mark, write it as UTF-8 without one");
    else if (sk_json_parse(&r->config->arena, file->text, file->len, &root, &line, &err) != SK_OK)
        sk_faults_add(r->faults, line, "", "%s", err.text);
    else
        read_tree(r, root);
}

static bool exposes_keys(const struct reading *r)
{
    for (size_t i = 0; i < sk_array_len(keys); i++)
        if (keys[i].kind == SK_KIND_SECRETS && r->is_public[i] && strcmp(r->config->texts[i], "[]") != 0)
            return true;
    return false;
}

bool sk_config_read(struct sk_config *config, const struct sk_config_file *files, size_t count,
                    struct sk_faults *faults)
{
    struct reading reading = {.config = config, .faults = faults};
    const char *file = faults->file;
    int before = faults->count;

    *config = (struct sk_config){.exposes_keys = false};
    take_defaults(&reading);
    for (size_t i = 0; i < count; i++)
        read_file(&reading, &files[i]);
    faults->file = file;
    sk_config_check(config, config->given, faults);
    config->exposes_keys = exposes_keys(&reading);
    if (faults->count > before)
        sk_config_fini(config);
    return faults->count == before;
}

bool sk_config_parse(struct sk_config *config, const char *text, size_t len, struct sk_faults *faults)
{
    const struct sk_config_file file = {.name = faults->file, .text = text, .len = len};

    return sk_config_read(config, &file, 1, faults);
}
