#include "peers.h"

#include "base/file.h"
#include "host.h"

#include <string.h>

#define KEY_MAX 4096

struct sk_peers_terms {
    char *key;   /* "" = none */
    char *roots; /* PEM; NULL = the system's */
};

/* Whether a header can carry it. */
static bool is_sendable(const char *key)
{
    for (; *key; key++)
        if (*key < ' ' || *key > '~')
            return false;
    return true;
}

/* The one line of the file; heap. */
static enum sk_code read_key(const char *path, char **out_key, struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    enum sk_code code = SK_OK;

    *out_key = NULL;
    if (*path)
        code = sk_file_load_private(path, KEY_MAX, &text, &len, err);
    else
        text = sk_strdup("");
    if (code != SK_OK)
        return code;
    text[strcspn(text, "\r\n")] = '\0';
    if (*path && !*text)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s has no key in its first line", path);
    if (!is_sendable(text))
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s has characters that cannot be sent in its first line",
                       path);
    *out_key = sk_take(text);
    return SK_OK;
}

/* Without peers neither file is looked at. */
struct sk_peers_terms *sk_peers_read(const struct sk_config *config, struct sk_faults *faults)
{
    struct sk_peers_terms *terms = sk_alloc(sizeof(*terms));
    int before = faults->count;
    struct sk_err err;

    if (!config->peers.len) {
        terms->key = sk_strdup("");
        return terms;
    }
    if (read_key(config->peer_key_file, &terms->key, &err) != SK_OK)
        sk_faults_at(faults, (struct sk_origin){config->peer_key_file, 0}, "peer_key_file", "%s", err.text);
    if (sk_host_read_pem(config->peer_ca, &terms->roots, &err) != SK_OK)
        sk_faults_at(faults, (struct sk_origin){config->peer_ca, 0}, "peer_ca", "%s", err.text);
    if (faults->count == before)
        return terms;
    sk_peers_terms_free(terms);
    return NULL;
}

void sk_peers_terms_free(struct sk_peers_terms *terms)
{
    if (!terms)
        return;
    if (terms->key)
        explicit_bzero(terms->key, strlen(terms->key));
    free(terms->key);
    free(terms->roots);
    free(terms);
}

static struct sk_fleet_options options_of(const struct sk_config *config, const struct sk_peers_terms *terms,
                                          struct sk_arena *arena)
{
    struct sk_fleet_peer *peers = sk_arena_alloc(arena, (config->peers.len + 1) * sizeof(*peers));

    for (size_t i = 0; i < config->peers.len; i++)
        peers[i] = (struct sk_fleet_peer){config->peers.items[i].id, config->peers.items[i].url};
    return (struct sk_fleet_options){
        .peers = peers,
        .peer_count = config->peers.len,
        .key = terms->key,
        .root_certificates = terms->roots,
    };
}

/* The first, as an error. */
static enum sk_code explain(const struct sk_faults *faults, struct sk_err *err)
{
    const char *text = (const char *)faults->text.data;

    return sk_fail(err, SK_FAILED_PRECONDITION, "%.*s", (int)strcspn(text, "\n"), text);
}

enum sk_code sk_peers_open(const struct sk_config *config, const char *node_id, struct sk_bridge *bridge,
                           const struct sk_log *log, struct sk_fleet **out_fleet, struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;

    *out_fleet = NULL;
    sk_faults_init(&faults, "");
    struct sk_peers_terms *terms = sk_peers_read(config, &faults);
    if (!terms)
        return explain(&faults, err);
    struct sk_fleet_options options = options_of(config, terms, &arena);
    options.node_id = node_id;
    enum sk_code code = sk_fleet_open(bridge, log, &options, out_fleet, err);
    sk_peers_terms_free(terms);
    return code;
}

void sk_peers_configure(struct sk_fleet *fleet, const struct sk_log *log, const struct sk_config *config,
                        struct sk_peers_terms *terms)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_fleet_options options = options_of(config, terms, &arena);
    struct sk_err err;

    if (sk_fleet_configure(fleet, &options, &err) != SK_OK) /* the reading has left nothing that could fail */
        sk_log_err(log, SK_ERROR, "fleet.not_changed", &err);
    sk_peers_terms_free(terms);
}
