#include "drivers/images/facts.h"

#include "base/strings.h"

#include <inttypes.h>
#include <string.h>

void sk_facts_init(struct sk_facts *facts, const char *name, const char *architecture)
{
    *facts = (struct sk_facts){.architecture = architecture};
    (void)snprintf(facts->name, sizeof(facts->name), "%s", name);
}

void sk_facts_fini(struct sk_facts *facts)
{
    sk_arena_fini(&facts->arena);
}

/* Whether these are the bytes that were meant. */
static enum sk_code check(const struct sk_oci_descriptor *meant, const struct sk_buf *bytes,
                          struct sk_err *err)
{
    char digest[SK_DIGEST_SIZE];

    if (meant->size >= 0 && (uint64_t)meant->size != bytes->len)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s has %zu bytes and is said to have %" PRId64,
                       meant->digest, bytes->len, meant->size);
    sk_digest_of(bytes->data, bytes->len, digest);
    if (strcmp(digest, meant->digest) != 0)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s is damaged", meant->digest);
    return SK_OK;
}

static enum sk_code take(struct sk_facts *facts, const struct sk_oci_descriptor *meant,
                         const struct sk_buf *bytes, struct sk_err *err)
{
    enum sk_code code = check(meant, bytes, err);

    if (code == SK_OK)
        code =
            sk_manifest_parse(bytes->data, bytes->len, facts->architecture, &facts->arena, &facts->said, err);
    return code;
}

/* What the store is told is one of four words, whatever somebody said. */
static void settle_type(struct sk_facts *facts)
{
    static const char *const index[] = {"application/vnd.oci.image.index.v1+json",
                                        "application/vnd.docker.distribution.manifest.list.v2+json"};
    static const char *const manifest[] = {"application/vnd.oci.image.manifest.v1+json",
                                           "application/vnd.docker.distribution.manifest.v2+json"};
    const char *const *fitting = facts->said.is_index ? index : manifest;
    char *type = facts->target.media_type;

    if (strcmp(type, fitting[1]) != 0)
        (void)snprintf(type, sizeof(facts->target.media_type), "%s", fitting[0]);
}

enum sk_code sk_facts_take_target(struct sk_facts *facts, const struct sk_buf *bytes, struct sk_err *err)
{
    enum sk_code code = take(facts, &facts->target, bytes, err);

    if (code != SK_OK)
        return code;
    settle_type(facts);
    facts->target.size = (int64_t)bytes->len;
    facts->manifest = facts->said.is_index ? facts->said.next : facts->target;
    return SK_OK;
}

enum sk_code sk_facts_take_manifest(struct sk_facts *facts, const struct sk_buf *bytes, struct sk_err *err)
{
    enum sk_code code = take(facts, &facts->manifest, bytes, err);

    if (code == SK_OK && facts->said.is_index)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image is an index of indexes");
    return code;
}

/* A chain id is made of the one below it and a diff id. */
static void link_chains(struct sk_facts *facts)
{
    size_t count = facts->said.layer_count;

    facts->chains = sk_arena_alloc(&facts->arena, (count + 1) * sizeof(*facts->chains));
    for (size_t i = 0; i < count; i++) {
        char *both[] = {i ? facts->chains[i - 1] : facts->config.diff_ids[i],
                        i ? facts->config.diff_ids[i] : NULL, NULL};
        sk_chain_id(both, facts->chains[i]);
    }
}

enum sk_code sk_facts_take_config(struct sk_facts *facts, const struct sk_buf *bytes, struct sk_err *err)
{
    enum sk_code code = check(&facts->said.next, bytes, err);

    if (code == SK_OK)
        code = sk_image_config_parse(bytes->data, bytes->len, facts->architecture, &facts->arena,
                                     &facts->config, err);
    if (code != SK_OK)
        return code;
    size_t count = sk_strings_count((const char *const *)facts->config.diff_ids);
    if (count != facts->said.layer_count)
        return sk_fail(err, SK_FAILED_PRECONDITION, "the image's manifest has %zu layers and its config %zu",
                       facts->said.layer_count, count);
    link_chains(facts);
    return SK_OK;
}

bool sk_facts_has_index(const struct sk_facts *facts)
{
    return strcmp(facts->target.digest, facts->manifest.digest) != 0;
}

const char *sk_facts_chain(const struct sk_facts *facts, size_t count)
{
    return count ? facts->chains[count - 1] : "";
}

struct sk_image sk_facts_image(struct sk_facts *facts)
{
    return (struct sk_image){
        .name = facts->name,
        .digest = facts->manifest.digest,
        .snapshot_parent = (char *)sk_facts_chain(facts, facts->said.layer_count),
        .entrypoint = facts->config.entrypoint,
        .cmd = facts->config.cmd,
        .env = facts->config.env,
        .working_dir = facts->config.working_dir,
        .user = facts->config.user,
        .stop_signal = facts->config.stop_signal,
    };
}
