/* The server with a certificate: who trusts it is served, others are not. */
#include "rpc/tls.h"
#include "rpc_rig.h"

#include <unistd.h>

#define MAKE                                                                                                 \
    "cd '%s' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "          \
    "-subj /CN=sandkeep-test -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert 2>/dev/null"

struct pair {
    char dir[32];
    char *cert, *key; /* PEM */
};

static char *read_text(const char *dir, const char *name)
{
    char *path = sk_printf("%s/%s", dir, name);
    char *text = sk_alloc(8192);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, 8191, file) > 0);
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
    free(path);
    return text;
}

/* False when there is no openssl to make one. */
static bool pair_make(struct pair *pair)
{
    *pair = (struct pair){.dir = "/tmp/sk-tls-XXXXXX"};
    assert_non_null(mkdtemp(pair->dir));
    char *command = sk_printf(MAKE, pair->dir);
    int status = system(command);
    free(command);
    if (status == 0) {
        pair->cert = read_text(pair->dir, "cert");
        pair->key = read_text(pair->dir, "key");
    }
    assert_int_equal(rmdir(pair->dir), 0);
    return status == 0;
}

static void pair_fini(struct pair *pair)
{
    free(pair->cert);
    free(pair->key);
}

static struct sk_tls_pem pem_of(const struct pair *pair)
{
    return (struct sk_tls_pem){.certificate = pair->cert, .key = pair->key};
}

/* The rig, its server replaced by one that shows `tls`. */
static void setup(struct rig *rig, struct sk_tls *tls)
{
    const char *const addresses[] = {"127.0.0.1:0", NULL};
    const struct sk_server_options options = {
        .listen = addresses, .tls = tls, .on_call = rig_on_call, .arg = rig};
    struct sk_err err;

    rig_setup(rig, NULL);
    rig_close_server(rig);
    assert_int_equal(sk_server_new(rig->bridge, NULL, &options, &rig->server, &err), SK_OK);
}

static void connect_with(struct rig *rig, bool tls, const char *roots)
{
    char target[64];
    const struct sk_channel_options options = {.target = target, .tls = tls, .root_certificates = roots};
    struct sk_err err;

    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", sk_server_port(rig->server, 0));
    sk_channel_free(rig->channel);
    assert_int_equal(sk_channel_new(rig->bridge, &options, &rig->channel, &err), SK_OK);
}

static void test_trust(void **state)
{
    struct pair pair, other;
    struct rig rig;
    struct rig_unary unary;

    (void)state;
    if (!pair_make(&pair))
        skip();
    assert_true(pair_make(&other));
    struct sk_tls_pem pem = pem_of(&pair);
    struct sk_tls *tls = sk_tls_new(false, &pem);
    setup(&rig, tls);
    sk_tls_unref(tls); /* the server has a reference of its own */
    connect_with(&rig, true, pair.cert);
    rig_call(&rig, &unary, "/t/Echo", "secret");
    assert_int_equal(unary.err.code, SK_OK);
    assert_string_equal(rig_text(&unary), "secret");
    sk_arena_fini(&unary.arena);

    connect_with(&rig, true, other.cert);
    rig_call(&rig, &unary, "/t/Echo", "secret");
    assert_int_equal(unary.err.code, SK_UNAVAILABLE);

    connect_with(&rig, false, NULL);
    rig_call(&rig, &unary, "/t/Echo", "secret");
    assert_int_equal(unary.err.code, SK_UNAVAILABLE);
    rig_teardown(&rig);
    assert_int_equal(rig.received, 1);
    pair_fini(&pair);
    pair_fini(&other);
}

static void fails_to_call(struct rig *rig)
{
    struct rig_unary unary;

    rig_call(rig, &unary, "/t/Echo", "x");
    assert_int_equal(unary.err.code, SK_UNAVAILABLE);
}

static void calls(struct rig *rig)
{
    struct rig_unary unary;

    rig_call(rig, &unary, "/t/Echo", "x");
    assert_int_equal(unary.err.code, SK_OK);
    sk_arena_fini(&unary.arena);
}

/* Connections that are there live on; those that come later see the new certificate, of several changes the
 * last. */
static void test_a_change(void **state)
{
    struct pair pairs[3];
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < sk_array_len(pairs); i++)
        if (!pair_make(&pairs[i]))
            skip();
    struct sk_tls_pem pem = pem_of(&pairs[0]);
    struct sk_tls *tls = sk_tls_new(false, &pem);
    setup(&rig, tls);
    connect_with(&rig, true, pairs[0].cert);
    calls(&rig);
    for (size_t i = 1; i < sk_array_len(pairs); i++) {
        pem = pem_of(&pairs[i]);
        sk_tls_set(tls, &pem);
    }
    calls(&rig); /* on the same connection */
    connect_with(&rig, true, pairs[0].cert);
    fails_to_call(&rig);
    connect_with(&rig, true, pairs[1].cert);
    fails_to_call(&rig);
    connect_with(&rig, true, pairs[2].cert);
    calls(&rig);
    rig_teardown(&rig);
    sk_tls_unref(tls);
    for (size_t i = 0; i < sk_array_len(pairs); i++)
        pair_fini(&pairs[i]);
}

/* Whoever shows no certificate is not let in. */
static void test_clients_need_certificates(void **state)
{
    struct pair pair;
    struct rig rig;

    (void)state;
    if (!pair_make(&pair))
        skip();
    struct sk_tls_pem pem = pem_of(&pair);
    pem.client_ca = pair.cert;
    struct sk_tls *tls = sk_tls_new(true, &pem);
    setup(&rig, tls);
    connect_with(&rig, true, pair.cert);
    fails_to_call(&rig);
    assert_int_equal(rig.received, 0);
    rig_teardown(&rig);
    sk_tls_unref(tls);
    pair_fini(&pair);
}

static void test_a_broken_certificate(void **state)
{
    const char *const addresses[] = {"127.0.0.1:0", NULL};
    struct rig rig;
    struct sk_server *server = NULL;
    struct sk_err err;

    (void)state;
    rig_setup(&rig, NULL);
    const struct sk_tls_pem pem = {.certificate = "no PEM", .key = "no PEM"};
    struct sk_tls *tls = sk_tls_new(false, &pem);
    const struct sk_server_options options = {.listen = addresses, .tls = tls, .on_call = rig_on_call};
    assert_int_equal(sk_server_new(rig.bridge, NULL, &options, &server, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "certificate"));
    assert_null(server);
    sk_tls_unref(tls);
    rig_teardown(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_trust), cmocka_unit_test(test_a_change),
                                       cmocka_unit_test(test_clients_need_certificates),
                                       cmocka_unit_test(test_a_broken_certificate)};
    sk_bridge_silence();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
