#include "drivers/fake/image_impl.h"

#include <signal.h>

struct sk_fake_entry *sk_fake_entry_find(const struct sk_list *list, const char *name)
{
    sk_list_each(list, link)
    {
        struct sk_fake_entry *entry = sk_list_entry(link, struct sk_fake_entry, link);
        if (!strcmp(entry->image.name, name))
            return entry;
    }
    return NULL;
}

static void copy(struct sk_arena *arena, const struct sk_fake_image *from, struct sk_fake_image *out)
{
    *out = *from;
    out->name = sk_arena_strdup(arena, from->name);
    out->entrypoint = sk_strings_copy(arena, from->entrypoint);
    out->cmd = sk_strings_copy(arena, from->cmd);
    out->env = sk_strings_copy(arena, from->env);
    out->working_dir = sk_arena_strdup(arena, from->working_dir ? from->working_dir : "");
    out->user = sk_arena_strdup(arena, from->user ? from->user : "");
    out->stop_signal = from->stop_signal ? from->stop_signal : SIGTERM;
    out->username = sk_arena_strdup(arena, from->username);
    out->password = sk_arena_strdup(arena, from->password);
}

struct sk_fake_entry *sk_fake_entry_put(struct sk_list *list, const struct sk_fake_image *image)
{
    struct sk_fake_entry *entry = sk_alloc(sizeof(*entry));
    SK_AUTO_FREE char *text = sk_printf("%s %d", image->name, image->revision);

    copy(&entry->arena, image, &entry->image);
    sk_digest_of(text, strlen(text), entry->digest);
    sk_fake_entry_remove(sk_fake_entry_find(list, image->name));
    sk_list_append(list, &entry->link);
    return entry;
}

void sk_fake_entry_remove(struct sk_fake_entry *entry)
{
    if (!entry)
        return;
    sk_list_remove(&entry->link);
    sk_arena_fini(&entry->arena);
    free(entry);
}

struct sk_image *sk_fake_entry_describe(const struct sk_fake_entry *entry)
{
    const struct sk_fake_image *from = &entry->image;
    struct sk_image *image = sk_alloc(sizeof(*image));
    struct sk_arena *arena = &image->arena;
    char chain[SK_DIGEST_SIZE];

    sk_digest_of(entry->digest, strlen(entry->digest), chain);
    image->name = sk_arena_strdup(arena, from->name);
    image->digest = sk_arena_strdup(arena, entry->digest);
    image->snapshot_parent = sk_arena_strdup(arena, chain);
    image->entrypoint = (char **)sk_strings_copy(arena, from->entrypoint);
    image->cmd = (char **)sk_strings_copy(arena, from->cmd);
    image->env = (char **)sk_strings_copy(arena, from->env);
    image->working_dir = sk_arena_strdup(arena, from->working_dir);
    image->user = sk_arena_strdup(arena, from->user);
    image->stop_signal = from->stop_signal;
    image->puller = sk_arena_strdup(arena, entry->puller);
    return image;
}

void sk_fake_entry_row(const struct sk_fake_entry *entry, struct sk_arena *arena, struct sk_image_row *out)
{
    *out = (struct sk_image_row){
        .name = sk_arena_strdup(arena, entry->image.name),
        .digest = sk_arena_strdup(arena, entry->digest),
        .puller = sk_arena_strdup(arena, entry->puller),
        .created_s = entry->created_s,
        .used_s = entry->used_s,
        .bytes = entry->image.bytes,
    };
}
