#include "supply.h"

#include "config/logins.h"
#include "config/secrets.h"
#include "drivers/images/images.h"
#include "drivers/registry/registry.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

struct sk_supply_terms {
    struct sk_logins logins;
    struct sk_secrets secrets;
    struct sk_faults warnings;
};

struct sk_supply {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_supply_terms *terms;
    struct sk_registry *registry;
    struct sk_images_driver *images;
    struct sk_done closed; /* the image driver is */
    struct sk_done *done;  /* of close */
};

/* --- files ---------------------------------------------------------------------------- */

/* What is wrong with a file, as far as one sentence goes. */
static enum sk_code explain(const struct sk_faults *faults, struct sk_err *err)
{
    const char *text = (const char *)faults->text.data;
    size_t len = strcspn(text, "\n");

    return sk_fail(err, SK_FAILED_PRECONDITION, "%.*s%s", (int)len, text,
                   faults->count > 1 ? " (and more)" : "");
}

static void tell_left_out(const struct sk_supply *s, const struct sk_faults *warnings)
{
    const char *text = (const char *)warnings->text.data;
    size_t left = warnings->text.len;

    while (left) {
        const char *end = memchr(text, '\n', left);
        size_t len = end ? (size_t)(end - text) : left;
        SK_AUTO_FREE char *line = sk_strndup(text, len);
        sk_log(s->log, SK_WARN, "daemon.login_left_out", SK_STR("what", line));
        len += end != NULL;
        text += len;
        left -= len;
    }
}

/* Faults in the text of a file have been added; that it cannot be read has not. */
static void add_fault(struct sk_faults *faults, const char *path, const struct sk_err *err)
{
    if (err->code != SK_INVALID_ARGUMENT)
        sk_faults_at(faults, (struct sk_origin){path, 0}, "", "%s", err->text);
}

static void read_files(struct sk_supply_terms *t, const struct sk_config *c, struct sk_faults *faults)
{
    const char *file = faults->file;
    struct sk_err err;

    faults->file = t->warnings.file = c->registry_logins;
    if (*c->registry_logins &&
        sk_logins_load(&t->logins, c->registry_logins, faults, &t->warnings, &err) != SK_OK)
        add_fault(faults, c->registry_logins, &err);
    faults->file = c->secret_stores;
    if (*c->secret_stores && sk_secrets_load(&t->secrets, c->secret_stores, faults, &err) != SK_OK)
        add_fault(faults, c->secret_stores, &err);
    faults->file = file;
}

static struct sk_registry_host *hosts_of(const struct sk_registry_settings *settings, struct sk_arena *arena);

struct sk_supply_terms *sk_supply_read(const struct sk_config *config, struct sk_faults *faults)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_supply_terms *t = sk_alloc(sizeof(*t));
    int before = faults->count;
    struct sk_err err;

    sk_faults_init(&t->warnings, "");
    read_files(t, config, faults);
    if (sk_registry_check_hosts(hosts_of(&config->registries, &arena), config->registries.len, &err) != SK_OK)
        sk_faults_at(faults, (struct sk_origin){NULL, 0}, "registries", "%s", err.text);
    if (faults->count == before)
        return t;
    sk_supply_terms_free(t);
    return NULL;
}

void sk_supply_terms_free(struct sk_supply_terms *terms)
{
    if (!terms)
        return;
    sk_logins_fini(&terms->logins);
    sk_secrets_fini(&terms->secrets);
    sk_faults_fini(&terms->warnings);
    free(terms);
}

static enum sk_code find_login(void *arg, const struct sk_login_source *source, const char *tenant,
                               struct sk_arena *arena, const char **out_username, const char **out_password,
                               struct sk_err *err)
{
    struct sk_supply *s = arg;
    const struct sk_secret_ask ask = {source->store, source->path, source->field, source->registry, tenant};
    struct sk_secret_login found;
    enum sk_code code = sk_secrets_find_login(&s->terms->secrets, &ask, arena, &found, err);

    if (code != SK_OK)
        return code;
    *out_username = found.username;
    *out_password = found.password;
    return SK_OK;
}

struct sk_secret_lookup sk_supply_secrets(struct sk_supply *supply)
{
    return (struct sk_secret_lookup){find_login, supply};
}

/* --- registries -------------------------------------------------------------------------- */

static struct sk_registry_host *hosts_of(const struct sk_registry_settings *settings, struct sk_arena *arena)
{
    struct sk_registry_host *hosts = sk_arena_alloc(arena, (settings->len + 1) * sizeof(hosts[0]));

    for (size_t i = 0; i < settings->len; i++)
        hosts[i] = (struct sk_registry_host){
            .name = settings->items[i].name,
            .mirrors = settings->items[i].mirrors,
            .plain_http = settings->items[i].plain_http,
            .ca_file = settings->items[i].ca,
            .trusted_hosts = settings->items[i].trusted_hosts,
        };
    return hosts;
}

static struct sk_image_login *logins_of(const struct sk_logins *logins, struct sk_arena *arena)
{
    struct sk_image_login *out = sk_arena_alloc(arena, (logins->len + 1) * sizeof(out[0]));

    for (size_t i = 0; i < logins->len; i++)
        out[i] = (struct sk_image_login){logins->items[i].registry, logins->items[i].username,
                                         logins->items[i].password};
    return out;
}

static enum sk_code open_registry(struct sk_supply *s, const struct sk_config *c, struct sk_err *err)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    const struct sk_registry_options options = {
        .loop = s->loop,
        .log = s->log,
        .hosts = hosts_of(&c->registries, &arena),
        .host_count = c->registries.len,
        .logins = logins_of(&s->terms->logins, &arena),
        .login_count = s->terms->logins.len,
        .proxy = c->registry_proxy,
        .max_connections = (unsigned)c->registry_connections,
    };

    return sk_registry_new(&options, &s->registry, err);
}

static enum sk_code open_images(struct sk_supply *s, const struct sk_config *c, struct sk_content *content,
                                struct sk_err *err)
{
    struct utsname host;
    enum sk_code code = open_registry(s, c, err);

    if (code != SK_OK)
        return code;
    if (uname(&host))
        return sk_fail_sys(err, SK_INTERNAL, errno, "cannot learn what this machine is");
    const struct sk_images_options options = {
        .loop = s->loop,
        .log = s->log,
        .content = content,
        .registry = s->registry,
        .machine = host.machine,
        .layers_at_once = (unsigned)c->image_layers_at_once,
        .transfer = c->containerd_transfer,
    };
    if (c->containerd_transfer && !c->image_allow[0])
        sk_log(s->log, SK_WARN, "daemon.transfer_unjudged",
               SK_STR("what",
                      "containerd fetches from whatever host an image is named after: give image_allow"));
    s->images = sk_images_driver_new(&options);
    return SK_OK;
}

struct sk_image_driver *sk_supply_images(const struct sk_supply *supply)
{
    return supply->images ? sk_images_driver_base(supply->images) : NULL;
}

/* --- life ----------------------------------------------------------------------------------- */

static void supply_free(struct sk_supply *s)
{
    sk_registry_free(s->registry);
    sk_supply_terms_free(s->terms);
    free(s);
}

enum sk_code sk_supply_open(struct sk_loop *loop, const struct sk_log *log, const struct sk_config *config,
                            struct sk_content *content, struct sk_supply **out_supply, struct sk_err *err)
{
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;
    struct sk_supply *s = sk_alloc(sizeof(*s));
    enum sk_code code = SK_OK;

    sk_faults_init(&faults, "the configuration");
    s->loop = loop;
    s->log = log;
    s->terms = sk_supply_read(config, &faults);
    if (!s->terms)
        code = explain(&faults, err);
    else
        tell_left_out(s, &s->terms->warnings);
    if (code == SK_OK && content)
        code = open_images(s, config, content, err);
    if (code == SK_OK)
        *out_supply = s;
    else
        supply_free(s);
    return code;
}

void sk_supply_configure(struct sk_supply *s, const struct sk_config *config, struct sk_supply_terms *terms)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};

    sk_supply_terms_free(s->terms);
    s->terms = terms;
    tell_left_out(s, &terms->warnings);
    if (s->registry)
        sk_registry_configure(s->registry, hosts_of(&config->registries, &arena), config->registries.len,
                              logins_of(&terms->logins, &arena), terms->logins.len);
}

static void on_closed(struct sk_done *closed, const struct sk_err *err)
{
    struct sk_supply *s = sk_container_of(closed, struct sk_supply, closed);
    struct sk_done *done = s->done;

    supply_free(s);
    sk_done_fire(done, err);
}

void sk_supply_close(struct sk_supply *s, struct sk_done *done)
{
    s->done = done;
    sk_done_init(&s->closed, on_closed);
    if (s->images)
        sk_images_driver_close(sk_take(s->images), &s->closed);
    else
        sk_done_later(s->loop, &s->closed, NULL);
}
