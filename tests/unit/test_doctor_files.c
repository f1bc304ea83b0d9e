/* What the doctor says of the modes of files, and of certificates that end. */
#include "support/doctor_rig.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static void put_certificate(struct host *h, const char *path, long good_for_s)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    X509 *certificate = X509_new();
    SK_AUTO_FREE char *whole = sk_printf("%s%s", h->root, path);

    put(h, path, "", 0644);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), NOW_S - 864000));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), NOW_S + good_for_s));
    (void)X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, NULL) > 0);
    FILE *file = fopen(whole, "we");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

#define TLS "{" GUEST ", \"tls_certificate\": \"/etc/tls.pem\", \"tls_key\": \"/etc/tls.key\"}"

static void certificates_end(void **state)
{
    struct host *h = *state;

    put(h, "/etc/sandkeep/sandkeepd.json", TLS, 0600);
    put(h, "/etc/tls.key", "", 0600);
    put_certificate(h, "/etc/tls.pem", 60 * 86400);
    must_find(h, OK, "files", "tls_certificate", "60 more days");
    put_certificate(h, "/etc/tls.pem", 100L * 365 * 86400);
    must_find(h, OK, "files", "tls_certificate", "36500 more days");
    put_certificate(h, "/etc/tls.pem", 86400);
    must_find(h, WARNING, "files", "tls_certificate", "1 more day");
    put_certificate(h, "/etc/tls.pem", -86400 * 3);
    must_find(h, FAILURE, "files", "tls_certificate", "expired 3 days ago");
    put(h, "/etc/tls.pem", "none", 0644);
    must_find(h, FAILURE, "files", "tls_certificate", "no certificate");
}

static void modes_matter(void **state)
{
    struct host *h = *state;

    put(h, "/etc/sandkeep/sandkeepd.json", TLS, 0600);
    put_certificate(h, "/etc/tls.pem", 60 * 86400);
    must_find(h, FAILURE, "files", "tls_key", "there is no");
    put(h, "/etc/tls.key", "", 0640);
    must_find(h, WARNING, "files", "tls_key", "mode 0640");
    put(h, "/usr/local/bin/sandkeep-guest", "", 0644);
    must_find(h, FAILURE, "files", "guest_path", "mode 0644");
    SK_AUTO_FREE char *folder = sk_printf("%s/var/lib/sandkeep", h->root);
    assert_int_equal(chmod(folder, 0755), 0);
    must_find(h, WARNING, "files", "state_dir", "mode 0755");
    put(h, "/etc/sandkeep/sandkeepd.json", "{\"api_keys\": [\"0123456789abcdef0123456789abcdef\"]}", 0644);
    must_find(h, WARNING, "configuration", "api_keys", "everyone may read it");
}

static void the_key_that_peers_are_shown_is_looked_at_when_there_are_some(void **state)
{
    struct host *h = *state;

    put(h, "/etc/peer.key", "sk-0123456789ab", 0644);
    put(h, "/etc/sandkeep/sandkeepd.json", "{" GUEST ", \"peer_key_file\": \"/etc/peer.key\"}", 0600);
    look(h);
    assert_null(find(h, "files", "peer_key_file", ""));
    put(h, "/etc/sandkeep/sandkeepd.json",
        "{" GUEST ", \"peer_key_file\": \"/etc/peer.key\", \"peers\": {\"n2\": \"http://192.0.2.2:7463\"}}",
        0600);
    must_find(h, WARNING, "files", "peer_key_file", "mode 0644");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(certificates_end),
        CASE(modes_matter),
        CASE(the_key_that_peers_are_shown_is_looked_at_when_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
