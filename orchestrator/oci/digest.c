#include "oci/digest.h"

#include "base/hex.h"

#include <openssl/evp.h>
#include <string.h>

#define PREFIX "sha256:"

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool sk_digest_is_valid(const char *text)
{
    if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 || strlen(text) != SK_DIGEST_SIZE - 1)
        return false;
    for (const char *c = text + strlen(PREFIX); *c; c++)
        if (!is_hex(*c))
            return false;
    return true;
}

/* OpenSSL fails here only for lack of memory. */
static void insist(int ok)
{
    if (ok != 1)
        abort();
}

static void print_sum(const unsigned char *sum, unsigned len, char out_digest[SK_DIGEST_SIZE])
{
    memcpy(out_digest, PREFIX, sizeof(PREFIX));
    sk_hex_print(sum, len, out_digest + strlen(PREFIX));
}

void sk_digest_of(const void *data, size_t len, char out_digest[SK_DIGEST_SIZE])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned sum_len = 0;

    insist(EVP_Digest(data, len, sum, &sum_len, EVP_sha256(), NULL));
    print_sum(sum, sum_len, out_digest);
}

struct sk_digest {
    EVP_MD_CTX *context;
};

struct sk_digest *sk_digest_new(void)
{
    struct sk_digest *digest = sk_alloc(sizeof(*digest));

    digest->context = EVP_MD_CTX_new();
    insist(digest->context ? EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) : 0);
    return digest;
}

void sk_digest_add(struct sk_digest *digest, const void *data, size_t len)
{
    insist(EVP_DigestUpdate(digest->context, data, len));
}

void sk_digest_end(struct sk_digest *digest_take, char out_digest[SK_DIGEST_SIZE])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned sum_len = 0;

    insist(EVP_DigestFinal_ex(digest_take->context, sum, &sum_len));
    print_sum(sum, sum_len, out_digest);
    sk_digest_free(digest_take);
}

void sk_digest_free(struct sk_digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}
