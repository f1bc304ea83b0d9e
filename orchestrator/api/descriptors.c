#include "api/descriptors.h"

#include "base/own.h"

#include <string.h>

/* --- names ------------------------------------------------------------------------------ */

/* Things that have names. Theirs is field 1 in all but a file, where it is the path. */
enum kind { FILE_KIND, MESSAGE, ENUM, SERVICE, LEAF };

#define FILE_NAME       1
#define FILE_PACKAGE    2
#define FILE_DEPENDENCY 3
#define SET_FILE        1
#define NAME            1
#define ENUM_VALUE      2

static const struct member {
    enum kind parent;
    uint32_t id;
    enum kind kind;
} members[] = {
    {FILE_KIND, 4, MESSAGE}, {FILE_KIND, 5, ENUM},  {FILE_KIND, 6, SERVICE}, {FILE_KIND, 7, LEAF},
    {MESSAGE, 2, LEAF},      {MESSAGE, 3, MESSAGE}, {MESSAGE, 4, ENUM},      {MESSAGE, 6, LEAF},
    {MESSAGE, 8, LEAF},      {SERVICE, 2, LEAF},
};

static const struct member *member_of(enum kind parent, uint32_t id)
{
    for (size_t i = 0; i < sk_array_len(members); i++) {
        if (members[i].parent == parent && members[i].id == id)
            return &members[i];
    }
    return NULL;
}

/* Constants stand beside their enum, not in it. */
static bool has_constant(struct sk_packed in, const char *name)
{
    struct sk_packed_field field;

    while (sk_packed_next(&in, &field)) {
        if (field.id == ENUM_VALUE && sk_packed_equals(sk_packed_get(field.bytes, NAME), name))
            return true;
    }
    return false;
}

/* What is left of `symbol` below `name`; NULL if it is not below it. */
static const char *below(struct sk_packed name, const char *symbol)
{
    bool is_prefix = name.len && strncmp(symbol, (const char *)name.data, name.len) == 0;

    return is_prefix && symbol[name.len] == '.' ? symbol + name.len + 1 : NULL;
}

static bool has_member(struct sk_packed in, enum kind kind, const char *symbol);

static bool is_named(struct sk_packed in, enum kind kind, const char *symbol)
{
    struct sk_packed name = sk_packed_get(in, NAME);
    const char *rest = below(name, symbol);

    return sk_packed_equals(name, symbol) || (kind == ENUM && has_constant(in, symbol)) ||
           (rest && has_member(in, kind, rest));
}

/* As deep as the symbol has dots. */
static bool has_member(struct sk_packed in, enum kind kind, const char *symbol)
{
    struct sk_packed_field field;

    while (sk_packed_next(&in, &field)) {
        const struct member *member = member_of(kind, field.id);
        if (member && is_named(field.bytes, member->kind, symbol))
            return true;
    }
    return false;
}

static bool defines(struct sk_packed file, const char *symbol)
{
    struct sk_packed package = sk_packed_get(file, FILE_PACKAGE);
    const char *rest = package.len ? below(package, symbol) : symbol;

    return rest && *rest && has_member(file, FILE_KIND, rest);
}

static bool is_file(struct sk_packed file, const char *name)
{
    return sk_packed_equals(sk_packed_get(file, FILE_NAME), name);
}

static bool find(struct sk_packed set, bool (*fits)(struct sk_packed file, const char *name),
                 const char *name, struct sk_packed *out_file)
{
    struct sk_packed_field field;

    while (sk_packed_next(&set, &field)) {
        if (field.id != SET_FILE || !fits(field.bytes, name))
            continue;
        *out_file = field.bytes;
        return true;
    }
    return false;
}

bool sk_descriptor_find_file(struct sk_packed set, const char *name, struct sk_packed *out_file)
{
    return find(set, is_file, name, out_file);
}

bool sk_descriptor_find_symbol(struct sk_packed set, const char *symbol, struct sk_packed *out_file)
{
    return find(set, defines, symbol, out_file);
}

/* --- imports ------------------------------------------------------------------------------ */

static bool is_among(const struct sk_packed *files, size_t count, struct sk_packed file)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i].data == file.data)
            return true;
    }
    return false;
}

static bool find_span(struct sk_packed set, struct sk_packed name, struct sk_packed *out_file)
{
    char text[256];

    if (name.len >= sizeof(text))
        return false;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    return sk_descriptor_find_file(set, text, out_file);
}

size_t sk_descriptor_closure(struct sk_packed set, struct sk_packed file,
                             struct sk_packed out[SK_DESCRIPTOR_FILES_MAX])
{
    size_t count = 0;

    out[count++] = file;
    for (size_t i = 0; i < count; i++) {
        struct sk_packed in = out[i];
        struct sk_packed found;
        struct sk_packed_field field;
        while (count < SK_DESCRIPTOR_FILES_MAX && sk_packed_next(&in, &field)) {
            if (field.id == FILE_DEPENDENCY && find_span(set, field.bytes, &found) &&
                !is_among(out, count, found))
                out[count++] = found;
        }
    }
    return count;
}

/* --- the daemon's own ------------------------------------------------------------------------ */

static const uint8_t own[] = {
#include <reflection.inc>
};

struct sk_packed sk_descriptors(void)
{
    return (struct sk_packed){own, sizeof(own)};
}
