#include "drivers/http/http.h"

#include "drivers/http/transfer.h"

#include <assert.h>
#include <string.h>

bool sk_http_is_inside(const struct sk_http *http)
{
    return http->multis[false].inside || http->multis[true].inside;
}

/* Connections that bulk leaves to the rest, where there are more: of all, and of one host's. */
enum { LEFT_OF_ALL = 2, LEFT_OF_HOST = 1 };

/* Active ones, bulk among them, and the same to one host. */
struct load {
    size_t all, bulk, own, own_bulk;
};

static struct load load_of(const struct sk_http *http, const char *site)
{
    struct load load = {0};
    sk_list_each(&http->active, link)
    {
        const struct sk_http_transfer *other = sk_list_entry(link, struct sk_http_transfer, link);
        bool own = strcmp(other->site, site) == 0;
        load.all++;
        load.own += own;
        load.bulk += other->bulk;
        load.own_bulk += own && other->bulk;
    }
    return load;
}

static size_t less(size_t of, size_t left)
{
    return of > left ? of - left : 1;
}

/* Half of what the others leave, so that there is nearly always room for one more host. */
static bool has_room(const struct sk_http *http, const struct sk_http_transfer *transfer)
{
    if (!transfer->site)
        return true; /* it only tells its error */
    struct load load = load_of(http, transfer->site);
    size_t share = (http->max_running - (load.all - load.own) + 1) / 2;
    if (load.own >= share)
        return false;
    return !transfer->bulk ||
           (load.own_bulk < less(share, LEFT_OF_HOST) && load.bulk < less(http->max_running, LEFT_OF_ALL));
}

static struct sk_http_transfer *find_next(const struct sk_http *http)
{
    sk_list_each(&http->waiting, link)
    {
        struct sk_http_transfer *transfer = sk_list_entry(link, struct sk_http_transfer, link);
        if (has_room(http, transfer))
            return transfer;
    }
    return NULL;
}

static void admit(struct sk_task *task)
{
    struct sk_http *http = sk_container_of(task, struct sk_http, admit);
    struct sk_http_transfer *next;
    while (http->running < http->max_running && (next = find_next(http))) {
        sk_list_remove(&next->link);
        sk_transfer_begin(next);
    }
}

void sk_http_admit_later(struct sk_http *http)
{
    if (!sk_list_is_empty(&http->waiting))
        sk_loop_defer(http->loop, &http->admit, admit);
}

static void on_return(void *arg)
{
    struct sk_http *http = arg;
    struct sk_list *link;
    while ((link = sk_list_pop(&http->doomed)))
        sk_transfer_free(sk_list_entry(link, struct sk_http_transfer, link));
}

static void on_done(void *arg, CURL *easy, CURLcode result)
{
    struct sk_http_transfer *transfer = NULL;
    (void)arg;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    sk_transfer_done(transfer, result);
}

static enum sk_code open_multis(struct sk_http *http, struct sk_err *err)
{
    enum sk_code code = SK_OK;
    for (size_t i = 0; i < sk_array_len(http->multis) && code == SK_OK; i++) {
        http->multis[i] =
            (struct sk_multi){.loop = http->loop, .on_return = on_return, .on_done = on_done, .arg = http};
        code = sk_multi_open(&http->multis[i], (long)http->max_running, err);
    }
    return code;
}

enum sk_code sk_http_new(const struct sk_http_options *options, struct sk_http **out_http, struct sk_err *err)
{
    assert(options->max_connections > 0 && options->max_connections < 100000);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return sk_fail(err, SK_INTERNAL, "libcurl does not start");
    struct sk_http *http = sk_alloc(sizeof(*http));
    http->loop = options->loop;
    http->log = options->log;
    http->proxy = sk_strdup(options->proxy ? options->proxy : "");
    http->max_running = options->max_connections;
    sk_list_init(&http->waiting);
    sk_list_init(&http->active);
    sk_list_init(&http->doomed);
    enum sk_code code = open_multis(http, err);
    if (code != SK_OK) {
        sk_http_free(http);
        return code;
    }
    *out_http = http;
    return SK_OK;
}

void sk_http_free(struct sk_http *http)
{
    if (!http)
        return;
    assert(http->alive == 0 && !sk_http_is_inside(http));
    sk_loop_undefer(&http->admit);
    for (size_t i = 0; i < sk_array_len(http->multis); i++)
        sk_multi_close(&http->multis[i]);
    free(http->proxy);
    free(http);
    curl_global_cleanup();
}

struct sk_loop *sk_http_loop(const struct sk_http *http)
{
    return http->loop;
}
