#include "api/file_mounts.h"

#include <string.h>

#define PATH_LEN_MAX 1024
#define NAME_LEN_MAX 255

size_t sk_file_mounts_size(const SK_PB(Container) * container)
{
    size_t total = 0;
    for (size_t i = 0; i < container->n_files; i++)
        total += container->files[i]->content.len;
    return total;
}

static bool is_within(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && (!path[len] || path[len] == '/');
}

/* These are not the image's: what the kernel shows, and our own. */
static bool is_reserved(const char *path)
{
    static const char *const tops[] = {"/proc", "/sys", "/dev", "/.sandkeep"};
    for (size_t i = 0; i < sk_array_len(tops); i++) {
        if (is_within(path, tops[i]))
            return true;
    }
    return false;
}

/* Every component is a plain name. */
static bool is_canonical(const char *path)
{
    if (path[0] != '/' || !path[1])
        return false;
    while (*path == '/') {
        size_t len = strcspn(++path, "/");
        bool is_dots = path[0] == '.' && (len == 1 || (len == 2 && path[1] == '.'));
        if (!len || len > NAME_LEN_MAX || is_dots)
            return false;
        path += len;
    }
    return true;
}

static void check_path(const char *path, const struct sk_path *at, struct sk_check *check)
{
    if (!sk_check_length(check, at, path, PATH_LEN_MAX))
        return;
    if (!is_canonical(path))
        sk_check_violated(check, at, "must be an absolute path of plain names");
    else if (is_reserved(path))
        sk_check_violated(check, at, "must not lie in /proc, /sys, /dev or /.sandkeep");
}

/* --- no path twice, none below another ---------------------------------------- */

struct entry {
    const char *path;
    size_t number;
};

/* '/' before all else, so that what lies below a path follows it at once. */
static int by_path(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t i = 0;
    while (x->path[i] && x->path[i] == y->path[i])
        i++;
    int left = x->path[i] == '/' ? 1 : (unsigned char)x->path[i] * 2;
    int right = y->path[i] == '/' ? 1 : (unsigned char)y->path[i] * 2;
    if (left != right)
        return left < right ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static void check_overlaps(const SK_PB(Container) * in, const struct sk_path *path, struct sk_arena *arena,
                           struct sk_check *check)
{
    struct entry *entries = sk_arena_alloc(arena, in->n_files * sizeof(entries[0]));
    for (size_t i = 0; i < in->n_files; i++)
        entries[i] = (struct entry){in->files[i]->path, i};
    qsort(entries, in->n_files, sizeof(entries[0]), by_path);
    for (size_t i = 1; i < in->n_files; i++) {
        const char *above = entries[i - 1].path;
        const struct sk_path *at = SK_FIELD(SK_ITEM(path, "files", entries[i].number), "path");
        if (strcmp(entries[i].path, above) == 0)
            sk_check_violated(check, at, "is given twice");
        else if (above[0] && is_within(entries[i].path, above))
            sk_check_violated(check, at, "lies below another file");
    }
}

void sk_file_mounts_decode(const SK_PB(Container) * in, const struct sk_path *path, size_t most,
                           struct sk_arena *arena, struct sk_spec *out, struct sk_check *check)
{
    if (!in->n_files || !sk_check_count(check, SK_FIELD(path, "files"), in->n_files, most))
        return;
    out->files = sk_arena_alloc(arena, in->n_files * sizeof(out->files[0]));
    out->file_count = in->n_files;
    for (size_t i = 0; i < in->n_files; i++) {
        ProtobufCBinaryData *content = &in->files[i]->content;
        check_path(in->files[i]->path, SK_FIELD(SK_ITEM(path, "files", i), "path"), check);
        out->files[i].path = sk_arena_strdup(arena, in->files[i]->path);
        out->files[i].content = sk_arena_memdup(&out->contents, content->data, content->len);
        out->files[i].len = content->len;
        *content = (ProtobufCBinaryData){0};
    }
    check_overlaps(in, path, arena, check);
}
