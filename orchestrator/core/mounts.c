#include "core/mounts.h"

#include "core/etc_files.h"

struct sk_mounts sk_mounts_make(struct sk_arena *arena, const struct sk_record *record,
                                const struct sk_network_place *place, const char *folder)
{
    const struct sk_spec *spec = &record->spec;
    struct sk_mounted_file ours[SK_ETC_FILES];
    size_t more = place ? sk_etc_files_make(arena, spec, record->id, place, ours) : 0;
    size_t count = spec->file_count + more;
    struct sk_guest_file *files = sk_arena_alloc(arena, (count + 1) * sizeof(files[0]));
    struct sk_bind *binds = sk_arena_alloc(arena, (count + 1) * sizeof(binds[0]));

    for (size_t i = 0; i < count; i++) {
        const struct sk_mounted_file *file =
            i < spec->file_count ? &spec->files[i] : &ours[i - spec->file_count];
        files[i] = (struct sk_guest_file){.data = file->content, .len = file->len};
        binds[i].source = sk_arena_printf(arena, "%s/files/%zu", folder, i);
        binds[i].target = file->path;
    }
    return (struct sk_mounts){files, binds, count};
}
