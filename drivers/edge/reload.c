/* reload.c: a certificate that has changed, into the HAProxy that runs. */
#include "drivers/edge/driver.h"

#include <string.h>

#define LOOK SK_SEC(30)

static void on_look(struct sk_timer *timer)
{
    sk_haproxy_reload(sk_container_of(timer, struct sk_haproxy, look));
}

static void rest(struct sk_haproxy *edge)
{
    edge->reload = SK_CERTIFICATE_RESTS;
    edge->is_given = false;
    if (!edge->closed)
        sk_timer_start(edge->loop, &edge->look, sk_instant_add(sk_loop_now(edge->loop), LOOK), on_look);
}

static void on_looked(struct sk_done *done, const struct sk_err *err)
{
    struct sk_haproxy *edge = sk_container_of(done, struct sk_haproxy, looked);
    if (err)
        sk_log_err(edge->log, SK_WARN, "edge.certificate_unreadable", err);
    if (edge->closed || !edge->certificate.found)
        rest(edge);
    else
        edge->reload = SK_CERTIFICATE_READY;
    sk_haproxy_pump(edge);
    sk_haproxy_advance_close(edge);
}

void sk_haproxy_reload(struct sk_haproxy *edge)
{
    if (!edge->certificate.path || edge->reload != SK_CERTIFICATE_RESTS || edge->closed)
        return;
    sk_timer_stop(edge->loop, &edge->look);
    edge->reload = SK_CERTIFICATE_LOOKS;
    sk_done_init(&edge->looked, on_looked);
    sk_certificate_look(&edge->certificate, &edge->looked);
}

void sk_haproxy_watch_certificate(struct sk_haproxy *edge)
{
    sk_haproxy_reload(edge);
}

/* --- giving ---------------------------------------------------------------------------------- */

static void on_kept(struct sk_done *done, const struct sk_err *err)
{
    struct sk_haproxy *edge = sk_container_of(done, struct sk_haproxy, looked);
    if (err)
        sk_log_err(edge->log, SK_WARN, "edge.certificate_not_kept", err);
    rest(edge);
    sk_haproxy_advance_close(edge);
}

static void keep(struct sk_haproxy *edge)
{
    sk_log(edge->log, SK_INFO, "edge.certificate_changed", SK_STR("path", edge->certificate.path));
    edge->reload = SK_CERTIFICATE_KEEPS;
    sk_done_init(&edge->looked, on_kept);
    sk_certificate_keep(&edge->certificate, &edge->looked);
}

/* It stays as it was until the file changes again, or half a minute has passed: then it is said again. */
static void give_up(struct sk_haproxy *edge, const struct sk_err *err)
{
    sk_log_err(edge->log, SK_ERROR, "edge.certificate_refused", err);
    rest(edge);
}

static void on_given(struct sk_done *done, const struct sk_err *err)
{
    struct sk_haproxy *edge = sk_container_of(done, struct sk_haproxy, asked);
    const char *says = edge->is_given ? "Success!" : "ransaction ";
    struct sk_err fault;
    edge->is_asking = false;
    if (!err && !strstr((char *)edge->admin.answer.data, says)) {
        (void)sk_fail(&fault, SK_FAILED_PRECONDITION, "HAProxy says \"%.150s\"",
                      (char *)edge->admin.answer.data);
        err = &fault;
    }
    if (err)
        give_up(edge, err);
    else if (edge->is_given)
        keep(edge);
    else
        edge->is_given = true;
    sk_haproxy_pump(edge);
    sk_haproxy_advance_close(edge);
}

bool sk_haproxy_give_certificate(struct sk_haproxy *edge)
{
    if (edge->reload != SK_CERTIFICATE_READY)
        return false;
    enum sk_code code =
        edge->is_given
            ? sk_buf_printf(&edge->line, "commit ssl cert " SK_HAPROXY_CERTIFICATE "\n")
            : sk_buf_printf(&edge->line, "set ssl cert " SK_HAPROXY_CERTIFICATE " <<\n%s%s\n",
                            edge->certificate.found,
                            edge->certificate.found[strlen(edge->certificate.found) - 1] == '\n' ? "" : "\n");
    if (code != SK_OK)
        return false;
    sk_haproxy_ask(edge, on_given);
    return true;
}
