#include "api/image_encode.h"
#include "api/encode.h"
#include "base/strings.h"

static Google__Protobuf__Timestamp *encode_seconds(struct sk_arena *arena, int64_t seconds)
{
    if (seconds <= 0)
        return NULL;
    Google__Protobuf__Timestamp *out = sk_pb_new(arena, &google__protobuf__timestamp__descriptor);
    out->seconds = seconds;
    return out;
}

static size_t encode_strings(struct sk_arena *arena, char *const *list, char ***out)
{
    *out = (char **)sk_strings_copy(arena, (const char *const *)list);
    return sk_strings_count((const char *const *)list);
}

static SK_OWN_PB(ImageConfig) * encode_config(struct sk_arena *arena, const struct sk_image *image)
{
    SK_OWN_PB(ImageConfig) *out = SK_OWN_PB_NEW(arena, image_config);
    out->n_entrypoint = encode_strings(arena, image->entrypoint, &out->entrypoint);
    out->n_cmd = encode_strings(arena, image->cmd, &out->cmd);
    out->n_env = encode_strings(arena, image->env, &out->env);
    out->working_dir = sk_arena_strdup(arena, image->working_dir);
    out->user = sk_arena_strdup(arena, image->user);
    out->stop_signal = image->stop_signal;
    return out;
}

SK_OWN_PB(Image) * sk_encode_image(struct sk_arena *arena, const struct sk_images *images,
                                   const struct sk_image_row *row, const struct sk_image *image)
{
    SK_OWN_PB(Image) *out = SK_OWN_PB_NEW(arena, image);
    out->name = sk_arena_strdup(arena, row->name);
    out->digest = sk_arena_strdup(arena, row->digest);
    out->size_bytes = row->bytes;
    out->create_time = encode_seconds(arena, row->created_s);
    out->last_used_time = encode_seconds(arena, row->used_s);
    out->in_use = sk_images_in_use(images, row->name);
    out->pinned = sk_image_patterns_find(sk_images_config(images)->pinned, row->name) != NULL;
    out->private_ = row->puller[0] != '\0';
    if (image)
        out->config = encode_config(arena, image);
    return out;
}

static SK_OWN_PB(PullPhase) phase_of(const struct sk_image_progress *progress)
{
    switch (progress->phase) {
    case SK_IMAGE_WAITING:
        break;
    case SK_IMAGE_DOWNLOADING:
        return SK_OWN_PBE(PULL_PHASE, PULL_PHASE_DOWNLOADING);
    case SK_IMAGE_UNPACKING:
        return SK_OWN_PBE(PULL_PHASE, PULL_PHASE_UNPACKING);
    case SK_IMAGE_DONE:
        return SK_OWN_PBE(PULL_PHASE, PULL_PHASE_DONE);
    }
    return SK_OWN_PBE(PULL_PHASE, PULL_PHASE_WAITING);
}

void sk_encode_progress(const struct sk_image_progress *progress, SK_OWN_PB(PullImageResponse) * out)
{
    static const struct sk_image_progress nothing = {.phase = SK_IMAGE_WAITING};
    if (!progress)
        progress = &nothing;
    sandkeep__v1__pull_image_response__init(out);
    out->phase = phase_of(progress);
    out->done_bytes = progress->done_bytes;
    out->total_bytes = progress->total_bytes;
    out->layers_done = (int32_t)progress->layers_done;
    out->layers = (int32_t)progress->layers;
}

bool sk_image_name_take(struct sk_call *call, const char *name, char out_name[SK_REFERENCE_MAX])
{
    struct sk_check check = {.arena = call->arena};
    struct sk_err err = {0};
    if (!sk_reference_normalise(name, out_name, &err))
        return true;
    sk_check_violated(&check, SK_FIELD(NULL, "name"), "%s", err.text);
    sk_call_fail_check(call, &check);
    return false;
}
