#include "rpc/tls.h"

#include "base/own.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct sk_tls {
    pthread_mutex_t lock; /* over all below but asks_clients */
    unsigned refs;
    unsigned version; /* of the texts; from 1 */
    char *certificate, *key, *client_ca;
    bool asks_clients;
};

static void take_pem(struct sk_tls *tls, const struct sk_tls_pem *pem)
{
    free(tls->certificate);
    free(tls->key);
    free(tls->client_ca);
    tls->certificate = sk_strdup(pem->certificate);
    tls->key = sk_strdup(pem->key);
    tls->client_ca = pem->client_ca ? sk_strdup(pem->client_ca) : NULL;
    tls->version++;
}

struct sk_tls *sk_tls_new(bool asks_clients, const struct sk_tls_pem *pem)
{
    struct sk_tls *tls = sk_alloc(sizeof(*tls));

    (void)pthread_mutex_init(&tls->lock, NULL);
    tls->refs = 1;
    tls->asks_clients = asks_clients;
    take_pem(tls, pem);
    return tls;
}

struct sk_tls *sk_tls_ref(struct sk_tls *tls)
{
    (void)pthread_mutex_lock(&tls->lock);
    tls->refs++;
    (void)pthread_mutex_unlock(&tls->lock);
    return tls;
}

void sk_tls_unref(struct sk_tls *tls)
{
    bool is_last;

    if (!tls)
        return;
    (void)pthread_mutex_lock(&tls->lock);
    is_last = --tls->refs == 0;
    (void)pthread_mutex_unlock(&tls->lock);
    if (!is_last)
        return;
    (void)pthread_mutex_destroy(&tls->lock);
    free(tls->certificate);
    if (tls->key)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->key);
    free(tls->client_ca);
    free(tls);
}

void sk_tls_set(struct sk_tls *tls, const struct sk_tls_pem *pem)
{
    (void)pthread_mutex_lock(&tls->lock);
    take_pem(tls, pem);
    (void)pthread_mutex_unlock(&tls->lock);
}

/* On a thread of gRPC's, one at a time for each listener. */
static grpc_ssl_certificate_config_reload_status fetch(void *arg, grpc_ssl_server_certificate_config **out)
{
    struct sk_tls_view *view = arg;
    struct sk_tls *tls = view->tls;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;

    (void)pthread_mutex_lock(&tls->lock);
    if (view->seen != tls->version) {
        const grpc_ssl_pem_key_cert_pair pair = {tls->key, tls->certificate};
        view->seen = tls->version;
        /* gRPC 1.51 aborts when there are no authorities, though it asks no client for a certificate: then it
         * gets some that it does nothing with. */
        *out = grpc_ssl_server_certificate_config_create(tls->client_ca ? tls->client_ca : tls->certificate,
                                                         &pair, 1);
        status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
    }
    (void)pthread_mutex_unlock(&tls->lock);
    return status;
}

grpc_server_credentials *sk_tls_credentials(struct sk_tls *tls, struct sk_tls_view *view)
{
    grpc_ssl_client_certificate_request_type asks =
        tls->asks_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                          : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;

    *view = (struct sk_tls_view){.tls = sk_tls_ref(tls)};
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(asks, fetch, view));
}

void sk_tls_view_fini(struct sk_tls_view *view)
{
    sk_tls_unref(view->tls);
    view->tls = NULL;
}
