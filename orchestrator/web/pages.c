#include "web/pages.h"

#include "base/hex.h"
#include "base/random.h"
#include "web/status_json.h"

#include <string.h>

#define METRICS_MAX ((size_t)8 << 20)
#define NONCE_SIZE  33
/* Where it stands in the page; as long as it is. */
#define NONCE_MARK "@NONCE@@@@@@@@@@@@@@@@@@@@@@@@@@"

static const char text_type[] = "text/plain; charset=utf-8";
/* https://prometheus.io/docs/instrumenting/exposition_formats/ */
static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";
static const char json_type[] = "application/json";
static const char html_type[] = "text/html; charset=utf-8";

/* Nothing may be loaded, run, framed or sent anywhere. */
static const char closed_policy[] =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const unsigned char status_html[] = {
#include <status_html.inc>
    0};

static struct sk_page_made say(int status, const char *text)
{
    struct sk_page_made made = {.status = status, .type = text_type, .body = sk_printf("%s\n", text)};

    made.len = strlen(made.body);
    return made;
}

static struct sk_page_made say_ready(const struct sk_web_options *options)
{
    const char *unready = options->unready(options->arg);

    return unready[0] ? say(503, unready) : say(200, "ready");
}

static struct sk_page_made write_metrics(const struct sk_web_options *options)
{
    struct sk_buf text;
    struct sk_page_made made = {.status = 200, .type = metrics_type};

    sk_buf_init(&text, METRICS_MAX);
    if (sk_metrics_write(options->metrics, &text) != SK_OK) {
        sk_buf_fini(&text);
        return say(500, "there are too many metrics");
    }
    made.len = text.len;
    made.body = sk_buf_take_text(&text);
    return made;
}

static struct sk_page_made write_status(const struct sk_web_options *options)
{
    struct sk_page_made made = {.status = 200, .type = json_type};

    made.body = sk_status_json(options->node, options->unready(options->arg), &made.len);
    return made;
}

/* What may run and style is what has this response's own number: nothing that came in by a name. */
static struct sk_page_made write_page(void)
{
    struct sk_page_made made = {.status = 200, .type = html_type};
    unsigned char random[(NONCE_SIZE - 1) / 2];
    char nonce[NONCE_SIZE];

    sk_random(random, sizeof(random));
    sk_hex_print(random, sizeof(random), nonce);
    made.body = sk_strdup((const char *)status_html);
    made.len = strlen(made.body);
    for (char *at = made.body; (at = strstr(at, NONCE_MARK));)
        memcpy(at, nonce, sizeof(nonce) - 1);
    (void)snprintf(made.policy, sizeof(made.policy),
                   "%s; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'", closed_policy,
                   nonce, nonce);
    return made;
}

static struct sk_page_made make(const struct sk_web_options *options, const struct sk_verdict *verdict)
{
    if (verdict->status != 200)
        return say(verdict->status, verdict->why);
    switch (verdict->page) {
    case SK_PAGE_HEALTH:
        return say(200, "alive");
    case SK_PAGE_READY:
        return say_ready(options);
    case SK_PAGE_METRICS:
        return write_metrics(options);
    case SK_PAGE_STATUS_JSON:
        return write_status(options);
    case SK_PAGE_STATUS:
    case SK_PAGE_NONE:
        break;
    }
    return write_page();
}

struct sk_page_made sk_page_make(const struct sk_web_options *options, const struct sk_verdict *verdict)
{
    struct sk_page_made made = make(options, verdict);

    if (!made.policy[0])
        (void)snprintf(made.policy, sizeof(made.policy), "%s", closed_policy);
    return made;
}
