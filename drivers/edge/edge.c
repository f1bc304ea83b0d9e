#include "drivers/edge/edge.h"

#include "drivers/edge/denial.h"
#include "drivers/edge/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define QUESTION_MAX    ((size_t)1 << 16)
#define SAID_PER_SECOND 200

/* --- what HAProxy says ------------------------------------------------------------------------ */

static bool may_be_told(struct sk_haproxy *edge)
{
    struct sk_instant now = sk_loop_now(edge->loop);
    if (sk_instant_diff(now, edge->told_since).ns >= SK_SEC(1).ns) {
        if (edge->told > SAID_PER_SECOND)
            sk_log(edge->log, SK_WARN, "edge.untold", SK_INT("lines", edge->told - SAID_PER_SECOND));
        edge->told_since = now;
        edge->told = 0;
    }
    return ++edge->told <= SAID_PER_SECOND;
}

void sk_haproxy_said(void *arg, const char *line)
{
    struct sk_haproxy *edge = arg;
    struct sk_edge_denial denial;
    bool is_fault = strncmp(line, "[ALERT]", 7) == 0;
    if (is_fault && strstr(line, "runtime error: refused"))
        return; /* the gate's script, which can end a connection in no other way; it is told of as well */
    /* The first one says most: what follows is that there were errors. */
    if (is_fault && !*edge->fault)
        (void)snprintf(edge->fault, sizeof(edge->fault), "%.200s", line + 7 + strspn(line + 7, " "));
    if (!may_be_told(edge))
        return;
    if (!sk_denial_read(line, &denial))
        sk_log(edge->log, is_fault ? SK_WARN : SK_DEBUG, "edge.said", SK_STR("line", line));
    else if (edge->on_denied)
        edge->on_denied(edge->on_denied_arg, &denial);
}

/* --- opening ------------------------------------------------------------------------------------ */

static struct sk_haproxy *make(struct sk_loop *loop, const struct sk_log *log,
                               const struct sk_haproxy_options *options)
{
    struct sk_haproxy *edge = sk_alloc(sizeof(*edge));
    edge->base.ops = &sk_haproxy_ops;
    edge->loop = loop;
    edge->log = log;
    edge->options = *options;
    edge->options.program = sk_arena_strdup(&edge->arena, options->program);
    edge->options.run_dir = sk_arena_strdup(&edge->arena, options->run_dir);
    edge->options.user = sk_arena_strdup(&edge->arena, options->user);
    edge->options.netns = sk_arena_strdup(&edge->arena, options->netns);
    edge->options.listen = sk_arena_strdup(&edge->arena, options->listen);
    edge->options.domain = sk_arena_strdup(&edge->arena, options->domain);
    edge->options.certificate = sk_arena_strdup(&edge->arena, options->certificate);
    edge->process.pidfd = edge->voice.in = edge->voice.out = edge->admin.fd = -1;
    sk_haproxy_config_maps(options, edge->has);
    sk_buf_init(&edge->line, QUESTION_MAX);
    sk_maps_init(&edge->maps);
    sk_list_init(&edge->waiters);
    return edge;
}

static void unmake(struct sk_haproxy *edge)
{
    sk_timer_stop(edge->loop, &edge->timer);
    sk_timer_stop(edge->loop, &edge->look);
    sk_timer_stop(edge->loop, &edge->patience);
    sk_haproxy_meters_fini(&edge->meters);
    sk_program_forget(&edge->process);
    sk_voice_close(&edge->voice);
    sk_admin_fini(&edge->admin);
    sk_certificate_fini(&edge->certificate);
    sk_maps_fini(&edge->maps);
    sk_buf_fini(&edge->line);
    sk_arena_fini(&edge->arena);
    free(edge->entering);
    free(edge->entered);
    free(edge->program);
    free(edge->dir);
    free(edge);
}

enum sk_code sk_haproxy_open(struct sk_loop *loop, const struct sk_log *log,
                             const struct sk_haproxy_options *options, struct sk_haproxy **out_edge,
                             struct sk_err *err)
{
    struct sk_haproxy *edge = make(loop, log, options);
    enum sk_code code = sk_haproxy_start(edge, err);
    if (code == SK_OK)
        code = sk_haproxy_watch(edge, err);
    if (code == SK_OK)
        code = sk_voice_watch(&edge->voice, loop, err);
    if (code != SK_OK) {
        unmake(edge);
        return sk_err_wrap(err, "edge");
    }
    edge->state = SK_HAPROXY_UP;
    sk_haproxy_meters_init(&edge->meters, options->metrics);
    sk_haproxy_watch_certificate(edge);
    *out_edge = edge;
    return SK_OK;
}

struct sk_edge *sk_haproxy_base(struct sk_haproxy *edge)
{
    return &edge->base;
}

/* --- closing -------------------------------------------------------------------------------------- */

static void finish(struct sk_haproxy *edge)
{
    struct sk_done *closed = edge->closed;
    struct sk_loop *loop = edge->loop;
    unmake(edge);
    sk_done_later(loop, closed, NULL);
}

static void remove_file(const struct sk_haproxy *edge, const char *name)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", edge->dir, name);
    (void)unlink(path);
}

void sk_haproxy_ended(struct sk_haproxy *edge)
{
    remove_file(edge, "pid");
    remove_file(edge, SK_HAPROXY_SOCKET);
    finish(edge);
}

static bool is_busy(const struct sk_haproxy *edge)
{
    bool reloads = edge->reload == SK_CERTIFICATE_LOOKS || edge->reload == SK_CERTIFICATE_KEEPS;
    return edge->is_asking || reloads || !sk_list_is_empty(&edge->waiters);
}

static void on_settled(struct sk_timer *timer)
{
    struct sk_haproxy *edge = sk_container_of(timer, struct sk_haproxy, timer);
    if (is_busy(edge))
        return; /* whose end is another step */
    if (!edge->process.pid)
        sk_haproxy_ended(edge);
    else if (sk_maps_is_empty(&edge->maps))
        sk_haproxy_end(edge);
    else
        finish(edge);
}

void sk_haproxy_advance_close(struct sk_haproxy *edge)
{
    if (!edge->closed || edge->state == SK_HAPROXY_ENDING || is_busy(edge))
        return;
    sk_timer_stop(edge->loop, &edge->look);
    sk_timer_start(edge->loop, &edge->timer, sk_loop_now(edge->loop), on_settled);
}

void sk_haproxy_close(struct sk_haproxy *edge, struct sk_done *done)
{
    edge->closed = done;
    sk_haproxy_pump(edge);
    sk_haproxy_advance_close(edge);
}
