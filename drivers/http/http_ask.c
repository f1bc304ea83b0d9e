#include "drivers/http/http_ask.h"

#include "drivers/http/url.h"

#include <assert.h>
#include <ctype.h>
#include <netdb.h>
#include <string.h>

#define BUFFER_BYTES (512L << 10)

/* --- the URL ------------------------------------------------------------------ */

/* "[::1]:443" -> "::1"; heap. */
static char *bare_host_of(const struct sk_url *url)
{
    size_t len = (size_t)(strrchr(url->authority, ':') - url->authority);
    bool is_ipv6 = *url->authority == '[';
    return is_ipv6 ? sk_strndup(url->authority + 1, len - 2) : sk_strndup(url->authority, len);
}

/* Behind a proxy no socket of ours goes to the host; one that is given as a number can be judged all the
 * same. */
static bool may_ask_proxy_for(struct sk_http_transfer *transfer, const struct sk_url *url)
{
    SK_AUTO_FREE char *host = bare_host_of(url);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return true;
    bool may = sk_transfer_may_reach(transfer, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return may;
}

/* The URL itself is never told: it may carry a signature. */
static enum sk_code check_url(struct sk_http_transfer *transfer, const char *text)
{
    SK_CLEANUP(sk_url_fini) struct sk_url url = {0};
    if (sk_url_parse(text, &url, &transfer->err) != SK_OK)
        return transfer->err.code;
    transfer->site = sk_strdup(url.host);
    if (*transfer->http->proxy && !may_ask_proxy_for(transfer, &url))
        transfer->err = transfer->refused;
    return transfer->err.code;
}

/* --- the header --------------------------------------------------------------- */

static enum sk_code check_text(struct sk_http_transfer *transfer, const char *what, const char *text)
{
    for (const char *at = text; at && *at; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7E)
            return sk_fail(&transfer->err, SK_INVALID_ARGUMENT, "the %s has bytes that no header may have",
                           what);
    }
    return SK_OK;
}

/* RFC 9110, 5.6.2: a token. */
static enum sk_code check_name(struct sk_http_transfer *transfer, const char *name)
{
    static const char also[] = "!#$%&'*+-.^_`|~";
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr(also, *at))
            return sk_fail(&transfer->err, SK_INVALID_ARGUMENT, "a header field has a name that is none");
    }
    return *name ? SK_OK : sk_fail(&transfer->err, SK_INVALID_ARGUMENT, "a header field has no name");
}

static void add_field(struct sk_http_transfer *transfer, const char *name, const char *value)
{
    SK_AUTO_FREE char *field = sk_printf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(transfer->fields, field);
    if (longer)
        transfer->fields = longer;
    else
        (void)sk_fail(&transfer->err, SK_RESOURCE_EXHAUSTED, "no memory for a request");
}

static enum sk_code make_fields(struct sk_http_transfer *transfer, const struct sk_http_request *request)
{
    if (check_text(transfer, "token", request->bearer) != SK_OK ||
        check_text(transfer, "accept list", request->accept) != SK_OK ||
        check_text(transfer, "content type", request->content_type) != SK_OK)
        return transfer->err.code;
    if (request->accept)
        add_field(transfer, "Accept", request->accept);
    if (request->body && request->content_type)
        add_field(transfer, "Content-Type", request->content_type);
    if (request->bearer) {
        SK_AUTO_FREE char *value = sk_printf("Bearer %s", request->bearer);
        add_field(transfer, "Authorization", value);
    }
    if (request->body)
        add_field(transfer, "Expect", ""); /* else curl waits for a 100 before it sends more than a little */
    return transfer->err.code;
}

static enum sk_code add_further(struct sk_http_transfer *transfer, const struct sk_http_request *request)
{
    for (size_t i = 0; i < request->field_count; i++) {
        const struct sk_http_field *field = &request->fields[i];
        if (check_name(transfer, field->name) != SK_OK ||
            check_text(transfer, "header", field->value) != SK_OK)
            return transfer->err.code;
        add_field(transfer, field->name, field->value);
    }
    return transfer->err.code;
}

/* --- curl's options ----------------------------------------------------------- */

/* One that this libcurl does not know would silently take a guard away. */
#define SET(transfer, option, value)                                                                         \
    do {                                                                                                     \
        CURLcode failed_ = curl_easy_setopt((transfer)->easy, option, value);                                \
        if (failed_)                                                                                         \
            (void)sk_fail(&(transfer)->err, SK_INTERNAL, "libcurl refuses " #option ": %s",                  \
                          curl_easy_strerror(failed_));                                                      \
    } while (0)

static void set_manners(struct sk_http_transfer *transfer)
{
    SET(transfer, CURLOPT_NOSIGNAL, 1L);
    SET(transfer, CURLOPT_QUICK_EXIT, 1L); /* else closing waits for the resolver's thread */
    SET(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    /* Blobs are large: streams that share one HTTP/2 connection share its window as well. */
    SET(transfer, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    SET(transfer, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(transfer, CURLOPT_HTTP_CONTENT_DECODING, 0L); /* digests are of the bytes as stored */
    SET(transfer, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(transfer, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
    SET(transfer, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(transfer, CURLOPT_USERAGENT, "sandkeep/" SK_VERSION);
    SET(transfer, CURLOPT_PROXY, transfer->http->proxy); /* "" too: else the environment's */
    SET(transfer, CURLOPT_NOPROXY, "");
}

/* With a CA file the system's do not count. */
static void set_trust(struct sk_http_transfer *transfer, const char *ca_file)
{
    SET(transfer, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(transfer, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(transfer, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!ca_file || !*ca_file)
        return;
    SET(transfer, CURLOPT_CAINFO, ca_file);
    SET(transfer, CURLOPT_CAPATH, NULL);
}

static void set_login(struct sk_http_transfer *transfer, const struct sk_http_request *request)
{
    if (!request->user || request->bearer)
        return;
    SET(transfer, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    SET(transfer, CURLOPT_USERNAME, request->user);
    SET(transfer, CURLOPT_PASSWORD, request->password ? request->password : "");
}

/* In this order: the size says how much is copied. */
static void set_body(struct sk_http_transfer *transfer, const struct sk_http_request *request)
{
    SET(transfer, CURLOPT_POST, 1L);
    SET(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    SET(transfer, CURLOPT_COPYPOSTFIELDS, request->body);
}

static void set_ask(struct sk_http_transfer *transfer, const struct sk_http_request *request)
{
    char range[32];
    SET(transfer, CURLOPT_URL, request->url);
    SET(transfer, CURLOPT_HTTPHEADER, transfer->fields);
    SET(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)sk_duration_ms(request->stall) + 1);
    if (request->from > 0) {
        (void)snprintf(range, sizeof(range), "%lld-", (long long)request->from);
        SET(transfer, CURLOPT_RANGE, range);
    }
    if (request->body)
        set_body(transfer, request);
    set_login(transfer, request);
}

void sk_http_ask(struct sk_http_transfer *transfer, const struct sk_http_request *request)
{
    assert(request->field_count <= SK_HTTP_FIELDS_MAX && !(request->body && request->from > 0));
    if (check_url(transfer, request->url) != SK_OK || make_fields(transfer, request) != SK_OK ||
        add_further(transfer, request) != SK_OK)
        return;
    set_manners(transfer);
    set_trust(transfer, request->ca_file);
    set_ask(transfer, request);
}
