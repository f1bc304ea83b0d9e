#include "certificates.h"

#include "base/file.h"
#include "loop/work.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PEM_MAX    ((size_t)1024 * 1024)
#define LOOK_EVERY SK_SEC(2)

enum { CERTIFICATE, KEY, CLIENT_CA, FILES };

static const char *const key_names[FILES] = {"tls_certificate", "tls_key", "tls_client_ca"};

/* What a file looks like from outside. */
struct look {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec modified, changed;
};

struct looks {
    struct look items[FILES];
};

struct sk_certificate_set {
    char *texts[FILES]; /* NULL = none is wanted */
    struct looks looks; /* of the files, before they were read */
    int64_t expires_s;  /* of the certificate, by the wall clock */
};

struct sk_certificates {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_tls *tls; /* NULL: no TLS */
    struct sk_arena arena;
    struct sk_config paths; /* of the files, nothing else */
    struct sk_timer timer;
    struct sk_series *success, *expiry;
    void (*on_change)(void *arg, const struct sk_tls_pem *pem);
    void *arg;

    struct looks used; /* when what is in force was read, or refused */
    struct looks seen; /* the last time */

    /* The pool's while busy. */
    struct sk_work work;
    struct sk_done done;
    struct sk_arena work_arena;
    struct sk_config work_paths; /* a copy of the paths */
    struct looks now;
    struct sk_certificate_set *fresh;
    struct sk_faults faults;
    bool is_reading; /* else it only looks */
    bool busy;
    bool is_stale; /* the config has changed since the work began */
    struct sk_done *closing;
};

/* --- reading them -------------------------------------------------------------------------- */

static const char *path_of(const struct sk_config *c, int which)
{
    return which == CERTIFICATE ? c->tls_certificate : which == KEY ? c->tls_key : c->tls_client_ca;
}

static void fault(struct sk_faults *faults, const char *path, int which, const char *what)
{
    sk_faults_at(faults, (struct sk_origin){path, 0}, key_names[which], "%s", what);
}

static X509 *read_certificate(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return certificate;
}

static int refuse_passphrase(char *out, int size, int is_writing, void *arg)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)arg;
    return -1; /* asks nobody at the terminal */
}

static EVP_PKEY *read_key(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL) : NULL;

    BIO_free(bio);
    return key;
}

/* Every certificate of a chain or of a bundle; false when one cannot be read, or there is none. */
static bool is_chain(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    size_t count = 0, begun = 0;
    X509 *certificate;

    for (const char *at = text; (at = strstr(at, "-----BEGIN ")); at++)
        begun += strncmp(at, "-----BEGIN CERTIFICATE-----", 27) == 0;
    while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        X509_free(certificate);
        count++;
    }
    BIO_free(bio);
    return count > 0 && count == begun;
}

static int64_t expiry_of(const X509 *certificate)
{
    struct tm end;

    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) ? (int64_t)timegm(&end) : 0;
}

static void check_pair(struct sk_certificate_set *set, const struct sk_config *c, struct sk_faults *faults)
{
    X509 *certificate = read_certificate(set->texts[CERTIFICATE]);
    EVP_PKEY *key = read_key(set->texts[KEY]);

    if (!certificate || !is_chain(set->texts[CERTIFICATE]))
        fault(faults, c->tls_certificate, CERTIFICATE, "is not a chain of certificates in PEM");
    if (!key)
        fault(faults, c->tls_key, KEY, "is not a private key in PEM without a passphrase");
    if (certificate && key && X509_check_private_key(certificate, key) != 1)
        fault(faults, c->tls_key, KEY, "is not the key of tls_certificate");
    if (certificate)
        set->expires_s = expiry_of(certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static struct looks look_at(const struct sk_config *paths)
{
    struct looks looks;

    memset(&looks, 0, sizeof(looks)); /* compared by its bytes */
    for (int which = 0; which < FILES; which++) {
        struct look *look = &looks.items[which];
        struct stat st;
        if (!*path_of(paths, which) || stat(path_of(paths, which), &st))
            continue;
        look->dev = st.st_dev;
        look->ino = st.st_ino;
        look->size = st.st_size;
        look->modified = st.st_mtim;
        look->changed = st.st_ctim;
    }
    return looks;
}

static void load(struct sk_certificate_set *set, const struct sk_config *c, int which,
                 struct sk_faults *faults)
{
    const char *path = path_of(c, which);
    struct sk_err err;
    size_t len = 0;
    mode_t mode = 0;

    if (*path && sk_file_load(path, PEM_MAX, &set->texts[which], &len, &mode, &err) != SK_OK)
        fault(faults, path, which, err.text);
}

struct sk_certificate_set *sk_certificates_read(const struct sk_config *c, struct sk_faults *faults)
{
    struct sk_certificate_set *set;
    int before = faults->count;

    if (!*c->tls_certificate)
        return NULL;
    set = sk_alloc(sizeof(*set));
    set->looks = look_at(c);
    for (int which = 0; which < FILES; which++)
        load(set, c, which, faults);
    if (set->texts[CERTIFICATE] && set->texts[KEY])
        check_pair(set, c, faults);
    if (set->texts[CLIENT_CA] && !is_chain(set->texts[CLIENT_CA]))
        fault(faults, c->tls_client_ca, CLIENT_CA, "has no certificates in PEM, or broken ones");
    ERR_clear_error();
    if (faults->count == before)
        return set;
    sk_certificate_set_free(set);
    return NULL;
}

void sk_certificate_set_free(struct sk_certificate_set *set)
{
    if (!set)
        return;
    if (set->texts[KEY])
        explicit_bzero(set->texts[KEY], strlen(set->texts[KEY]));
    for (int which = 0; which < FILES; which++)
        free(set->texts[which]);
    free(set);
}

/* --- in force -------------------------------------------------------------------------------- */

static const struct sk_metric success_metric = {
    .name = "tls_last_reload_success",
    .help = "Whether the certificate files, when last read, could be used (1) or not (0).",
    .kind = SK_GAUGE,
};
static const struct sk_metric expiry_metric = {
    .name = "tls_certificate_expiry_timestamp_seconds",
    .help = "When the certificate in force ends.",
    .kind = SK_GAUGE,
};

/* Days are what people count certificates in. */
static void tell(struct sk_certificates *c, const struct sk_certificate_set *set, const char *event)
{
    int64_t left_s = set->expires_s - sk_loop_wall(c->loop).ns / 1000000000;

    sk_series_set(c->success, 1);
    sk_series_set(c->expiry, (double)set->expires_s);
    sk_log(c->log, left_s > 0 ? SK_INFO : SK_WARN, event, SK_STR("path", c->paths.tls_certificate),
           SK_INT("days_left", left_s / 86400), SK_BOOL("expired", left_s <= 0));
}

static struct sk_tls_pem pem_of(const struct sk_certificate_set *set)
{
    return (struct sk_tls_pem){set->texts[CERTIFICATE], set->texts[KEY], set->texts[CLIENT_CA]};
}

static void copy_paths(struct sk_arena *arena, const struct sk_config *from, struct sk_config *to)
{
    sk_arena_fini(arena);
    to->tls_certificate = sk_arena_strdup(arena, from->tls_certificate);
    to->tls_key = sk_arena_strdup(arena, from->tls_key);
    to->tls_client_ca = sk_arena_strdup(arena, from->tls_client_ca);
}

static void put_in_force(struct sk_certificates *c, const struct sk_certificate_set *set)
{
    const struct sk_tls_pem pem = pem_of(set);

    c->used = set->looks;
    if (c->tls)
        sk_tls_set(c->tls, &pem);
    else
        c->tls = sk_tls_new(pem.client_ca != NULL, &pem);
    if (c->on_change)
        c->on_change(c->arg, &pem);
}

static bool are_same(const struct looks *a, const struct looks *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

void sk_certificates_listen(struct sk_certificates *c, void (*fn)(void *arg, const struct sk_tls_pem *pem),
                            void *arg)
{
    c->on_change = fn;
    c->arg = arg;
}

/* --- watching the files ------------------------------------------------------------------------ */

static void on_timer(struct sk_timer *timer);

static void look_again(struct sk_certificates *c)
{
    sk_timer_start(c->loop, &c->timer, sk_instant_add(sk_loop_now(c->loop), LOOK_EVERY), on_timer);
}

/* On a thread of the pool. Looks before it reads: what changes in between is seen the next time. */
static void look_or_read(struct sk_work *work)
{
    struct sk_certificates *c = sk_container_of(work, struct sk_certificates, work);

    c->now = look_at(&c->work_paths);
    if (c->is_reading)
        c->fresh = sk_certificates_read(&c->work_paths, &c->faults);
}

static void free_now(struct sk_certificates *c)
{
    struct sk_done *done = c->closing;

    sk_tls_unref(c->tls);
    sk_arena_fini(&c->work_arena);
    sk_arena_fini(&c->arena);
    free(c);
    sk_done_fire(done, NULL);
}

static void keep_old(struct sk_certificates *c)
{
    const char *text = (const char *)c->faults.text.data;
    SK_AUTO_FREE char *first = sk_strndup(text, strcspn(text, "\n"));

    sk_series_set(c->success, 0);
    sk_log(c->log, SK_ERROR, "tls.kept_old", SK_STR("why", first), SK_INT("faults", c->faults.count));
}

static void take_read(struct sk_certificates *c)
{
    c->used = c->now; /* what was refused is not read again before it changes */
    if (c->fresh) {
        put_in_force(c, c->fresh);
        tell(c, c->fresh, "tls.renewed");
    } else {
        keep_old(c);
    }
}

static void begin(struct sk_certificates *c, bool is_reading);

static void on_worked(struct sk_done *done, const struct sk_err *err)
{
    struct sk_certificates *c = sk_container_of(done, struct sk_certificates, done);
    bool was_reading = c->is_reading, is_usable = !c->closing && !c->is_stale;

    (void)err;
    c->busy = false;
    if (was_reading && is_usable)
        take_read(c);
    sk_certificate_set_free(sk_take(c->fresh));
    sk_faults_fini(&c->faults);
    if (c->closing) {
        free_now(c);
        return;
    }
    bool has_settled = is_usable && are_same(&c->now, &c->seen) && !are_same(&c->now, &c->used);
    c->seen = c->now;
    if (!was_reading && has_settled)
        begin(c, true);
    else
        look_again(c);
}

static void begin(struct sk_certificates *c, bool is_reading)
{
    c->is_reading = is_reading;
    c->is_stale = false;
    c->busy = true;
    copy_paths(&c->work_arena, &c->paths, &c->work_paths);
    sk_faults_init(&c->faults, c->work_paths.tls_certificate);
    sk_done_init(&c->done, on_worked);
    sk_work_start(c->loop, &c->work, look_or_read, &c->done);
}

static void on_timer(struct sk_timer *timer)
{
    begin(sk_container_of(timer, struct sk_certificates, timer), false);
}

/* --- life ----------------------------------------------------------------------------------------- */

static enum sk_code open_tls(struct sk_certificates *c, const struct sk_config *config, struct sk_err *err)
{
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;

    sk_faults_init(&faults, "");
    copy_paths(&c->arena, config, &c->paths);
    struct sk_certificate_set *set = sk_certificates_read(config, &faults);
    if (!set)
        return sk_fail(err, SK_FAILED_PRECONDITION, "%.*s",
                       (int)strcspn((const char *)faults.text.data, "\n"), (const char *)faults.text.data);
    put_in_force(c, set);
    tell(c, set, "tls.loaded");
    sk_certificate_set_free(set);
    look_again(c);
    return SK_OK;
}

enum sk_code sk_certificates_open(struct sk_loop *loop, const struct sk_log *log, struct sk_metrics *metrics,
                                  const struct sk_config *config, struct sk_certificates **out_certificates,
                                  struct sk_err *err)
{
    struct sk_certificates *c = sk_alloc(sizeof(*c));
    enum sk_code code = SK_OK;

    c->loop = loop;
    c->log = log;
    if (*config->tls_certificate) {
        c->success = sk_metrics_series(metrics, &success_metric, NULL, NULL);
        c->expiry = sk_metrics_series(metrics, &expiry_metric, NULL, NULL);
        code = open_tls(c, config, err);
    }
    if (code == SK_OK) {
        *out_certificates = c;
        return SK_OK;
    }
    sk_arena_fini(&c->arena);
    free(c);
    return code;
}

struct sk_tls *sk_certificates_tls(const struct sk_certificates *c)
{
    return c->tls;
}

void sk_certificates_configure(struct sk_certificates *c, const struct sk_config *config,
                               struct sk_certificate_set *set)
{
    if (c->tls && set) {
        copy_paths(&c->arena, config, &c->paths);
        put_in_force(c, set);
        c->is_stale = true; /* whatever the pool is reading */
        tell(c, set, "tls.renewed");
    }
    sk_certificate_set_free(set);
}

void sk_certificates_close(struct sk_certificates *c, struct sk_done *done)
{
    c->closing = done;
    sk_timer_stop(c->loop, &c->timer);
    if (c->busy)
        return;
    sk_done_init(&c->done, on_worked);
    sk_done_later(c->loop, &c->done, NULL);
}
