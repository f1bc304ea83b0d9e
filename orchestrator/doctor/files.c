/* files.c: who may read what the daemon keeps to itself, and for how long its certificate is good. */
#include "doctor/host.h"

#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define FAMILY "files"

#define EXPIRES_DAYS 21

/* --- certificates ------------------------------------------------------------------ */

static void look_at_certificate(struct sk_doctor *d, const char *key, const char *path)
{
    SK_AUTO_FREE char *whole = sk_doctor_path(d, path);
    SK_AUTO_FILE FILE *file = fopen(whole, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    int days = 0;
    int seconds = 0;
    ASN1_TIME *now = ASN1_TIME_set(NULL, d->senses->now_s());

    if (!certificate || !now || !ASN1_TIME_diff(&days, &seconds, now, X509_get0_notAfter(certificate)))
        sk_finding_add(d->findings, d->is_root ? SK_VERDICT_FAILURE : SK_VERDICT_NOTE, FAMILY, key,
                       d->is_root ? "a PEM file with the chain is wanted" : "run this as root",
                       "%.200s: no certificate can be read", path);
    else if (days < 0 || seconds < 0)
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, key,
                       "renew it; the daemon takes it over by itself", "%.200s: expired %d days ago", path,
                       -days);
    else
        sk_finding_add(d->findings, days < EXPIRES_DAYS ? SK_VERDICT_WARNING : SK_VERDICT_OK, FAMILY, key,
                       days < EXPIRES_DAYS ? "renew it; the daemon takes it over by itself" : NULL,
                       "%.200s: good for %d more days", path, days);
    X509_free(certificate);
    ASN1_TIME_free(now);
}

/* --- modes -------------------------------------------------------------------------- */

static void look_at_secret(struct sk_doctor *d, const char *key, const char *path)
{
    struct stat stat;

    if (!*path)
        return;
    if (!sk_doctor_stat(d, path, &stat))
        sk_finding_add(d->findings, d->is_root ? SK_VERDICT_FAILURE : SK_VERDICT_NOTE, FAMILY, key,
                       d->is_root ? "put it there, or change the configuration" : "run this as root",
                       "there is no %.200s", path);
    else if (stat.st_mode & 077)
        sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, key, "chmod 0600, and chown root",
                       "%.200s has mode %04o: others may read or change it", path, stat.st_mode & 07777U);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, key, NULL, "%.200s is private", path);
}

static void look_at_folder(struct sk_doctor *d, const char *key, const char *path, mode_t most)
{
    struct stat stat;

    if (!sk_doctor_stat(d, path, &stat))
        sk_finding_add(d->findings, SK_VERDICT_NOTE, FAMILY, key, NULL,
                       "%.200s is not there yet; the daemon makes it", path);
    else if (stat.st_mode & 07777U & ~(unsigned)most)
        sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, key,
                       "chmod it; nothing else must have opened it", "%.200s has mode %04o, more than %04o",
                       path, stat.st_mode & 07777U, most);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, key, NULL, "%.200s", path);
}

static void look_at_guest(struct sk_doctor *d, const char *path)
{
    struct stat stat;

    if (!sk_doctor_stat(d, path, &stat))
        sk_finding_add(d->findings, SK_VERDICT_WARNING, FAMILY, "guest_path", "install sandkeep-guest",
                       "there is no %.200s", path);
    else if (!(stat.st_mode & 0111) || (stat.st_mode & 022))
        sk_finding_add(d->findings, SK_VERDICT_FAILURE, FAMILY, "guest_path", "chmod 0755",
                       "%.200s has mode %04o", path, stat.st_mode & 07777U);
    else
        sk_finding_add(d->findings, SK_VERDICT_OK, FAMILY, "guest_path", NULL, "%.200s", path);
}

void sk_doctor_files(struct sk_doctor *d)
{
    const struct sk_config *c = d->config;

    look_at_folder(d, "state_dir", c ? c->state_dir : "/var/lib/sandkeep", 0700);
    look_at_folder(d, "run_dir", c ? c->run_dir : "/run/sandkeep", 0711);
    if (!c)
        return;
    look_at_guest(d, c->guest_path);
    if (c->tls_certificate[0])
        look_at_certificate(d, "tls_certificate", c->tls_certificate);
    if (c->edge_certificate[0])
        look_at_certificate(d, "edge_certificate", c->edge_certificate);
    look_at_secret(d, "tls_key", c->tls_key);
    look_at_secret(d, "registry_logins", c->registry_logins);
    look_at_secret(d, "secret_stores", c->secret_stores);
    if (c->peers.len) /* without peers the daemon does not look at it */
        look_at_secret(d, "peer_key_file", c->peer_key_file);
}
