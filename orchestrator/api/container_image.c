#include "api/container_image.h"

#include "oci/reference.h"

#include <string.h>

#define IMAGE_LEN_MAX  1024
#define SOURCE_LEN_MAX 1024

/* --- the image ---------------------------------------------------------------- */

/* Whether its name is one; *out is only then filled in. */
static bool decode_image(const char *image, const struct sk_path *path, const struct sk_images_config *policy,
                         struct sk_reference *out, struct sk_check *check)
{
    char name[SK_REFERENCE_MAX];
    struct sk_err err = {0};

    if (!sk_check_length(check, path, image, IMAGE_LEN_MAX))
        return false;
    if (sk_reference_parse(image, out, &err) != SK_OK || sk_reference_normalise(image, name, &err) != SK_OK) {
        sk_check_violated(check, path, "%s", err.text);
        return false;
    }
    if (sk_image_policy_check(policy->allow, policy->deny, name, &err) != SK_OK)
        sk_check_refused(check, path, err.code, err.reason, "%s", err.text);
    return true;
}

/* --- the login ------------------------------------------------------------------ */

/* A login goes to the image's registry and nowhere else. */
static void check_registry(const char *registry, const struct sk_path *path,
                           const struct sk_reference *reference, struct sk_check *check)
{
    if (!registry[0] || !strcmp(registry, reference->registry) ||
        (sk_registry_is_docker_hub(registry) && sk_registry_is_docker_hub(reference->registry)))
        return;
    sk_check_violated(check, path, "is not the image's registry, which is %.128s", reference->registry);
}

static void check_text(const char *text, const struct sk_path *path, bool is_needed, struct sk_check *check)
{
    if (is_needed && !text[0])
        sk_check_violated(check, path, "must not be empty");
    (void)sk_check_length(check, path, text, SOURCE_LEN_MAX);
}

static void check_secret(const struct sk_login_source *source, const struct sk_path *path,
                         const struct sk_node_config *node, const char *tenant, struct sk_check *check)
{
    SK_CLEANUP(sk_pull_login_fini) struct sk_pull_login login = {0};
    struct sk_err err = {0};

    if (sk_pull_login_find(&node->secrets, source, tenant, &login, &err) == SK_OK)
        return;
    bool is_store = err.reason && !strcmp(err.reason, SK_REASON_SECRET_STORE);
    sk_check_refused(check, is_store ? SK_FIELD(path, "store_name") : path, err.code, err.reason, "%s",
                     err.text);
}

static void decode_login(const SK_PB(ImagePullCredentials) * in, const struct sk_path *path,
                         const struct sk_reference *reference, const struct sk_node_config *node,
                         const char *tenant, struct sk_arena *arena, struct sk_spec *out,
                         struct sk_check *check)
{
    const struct sk_path *at = SK_FIELD(path, "credentials");
    const SK_PB(SecretSource) *source = in->credentials;
    size_t found = check->count;

    check_registry(in->registry, SK_FIELD(path, "registry"), reference, check);
    if (!source) {
        sk_check_violated(check, at, "is required");
        return;
    }
    check_text(source->store_name, SK_FIELD(at, "store_name"), true, check);
    check_text(source->path, SK_FIELD(at, "path"), true, check);
    check_text(source->field, SK_FIELD(at, "field"), false, check);
    if (check->count != found)
        return;
    out->login = (struct sk_login_source){
        .registry = sk_arena_strdup(arena, reference->registry),
        .store = sk_arena_strdup(arena, source->store_name),
        .path = sk_arena_strdup(arena, source->path),
        .field = sk_arena_strdup(arena, source->field),
    };
    check_secret(&out->login, at, node, tenant, check);
}

void sk_container_image_decode(const SK_PB(Container) * in, const struct sk_path *path,
                               const struct sk_node_config *node, const char *tenant, struct sk_arena *arena,
                               struct sk_spec *out, struct sk_check *check)
{
    struct sk_reference reference = {0};
    bool is_image = decode_image(in->image, SK_FIELD(path, "image"), &node->images, &reference, check);

    out->image = sk_arena_strdup(arena, in->image);
    out->login = (struct sk_login_source){"", "", "", ""};
    if (in->image_pull_credentials && is_image)
        decode_login(in->image_pull_credentials, SK_FIELD(path, "image_pull_credentials"), &reference, node,
                     tenant, arena, out, check);
}
