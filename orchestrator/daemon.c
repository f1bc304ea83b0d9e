/* The daemon's life is one flow (loop/op.h): each step starts one thing, its
 * undo stops it, and the last one, "serve", ends when a signal cancels the
 * flow. So an orderly stop, a failed start and a signal half-way through the
 * start are the same walk back through one table. */
#include "daemon_impl.h"

#include "audit/audit.h"
#include "host.h"
#include "rpc/handed.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* A sandbox has up to five descriptors open here, a command in it up to three, and connections may take three
 * quarters of all: with fewer than this some hundreds of sandboxes get into each other's way. */
#define FILES_FEW 8192

struct sk_daemon *sk_daemon_of(struct sk_op *op)
{
    return sk_container_of(op, struct sk_daemon, life);
}

/* Ends a step that has done all it does already. */
void sk_daemon_answer(struct sk_daemon *d, struct sk_done *done, enum sk_code code, const struct sk_err *err)
{
    sk_done_later(d->loop, done, code == SK_OK ? NULL : err);
}

/* --- serving: the step that lasts ----------------------------------------------------------- */

static void serve_cancel(struct sk_done *done)
{
    sk_daemon_answer(done->callee, done, SK_OK, NULL);
}

static void serve_run(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    done->cancel = serve_cancel;
    done->callee = d;
    sk_log(&d->log, SK_INFO, "daemon.ready", SK_STR("node", d->node_id));
    sk_notify("READY=1");
    sk_watchdog_start(&d->watchdog, d->loop);
    d->is_serving = true;
}

static void serve_undo(struct sk_op *op, struct sk_done *done)
{
    struct sk_daemon *d = sk_daemon_of(op);

    d->is_serving = false;
    sk_reload_stop(d->reload);
    sk_daemon_answer(d, done, SK_OK, NULL);
}

/* clang-format off */
static const struct sk_step life[] = {
    {"places", sk_daemon_places_run, sk_daemon_places_undo},
    {"audit", sk_daemon_audit_run, sk_daemon_audit_undo},
    {"trace", sk_daemon_trace_run, sk_daemon_trace_undo},
    {"bridge", sk_daemon_bridge_run, sk_daemon_bridge_undo},
    {"peers", sk_daemon_peers_run, sk_daemon_peers_undo},
    {"store", sk_daemon_store_run, sk_daemon_store_undo},
    {"drivers", sk_daemon_backend_run, sk_daemon_backend_undo},
    {"supply", sk_daemon_supply_run, sk_daemon_supply_undo},
    {"network", sk_daemon_fabric_run, sk_daemon_fabric_undo},
    {"node", sk_daemon_node_run, sk_daemon_node_undo},
    {"keys", sk_daemon_keys_run, sk_daemon_keys_undo},
    {"certificates", sk_daemon_certificates_run, sk_daemon_certificates_undo},
    {"reload", sk_daemon_reload_run, sk_daemon_reload_undo},
    {"web", sk_daemon_web_run, sk_daemon_web_undo},
    {"recover", sk_daemon_recover_run, sk_daemon_recover_undo},
    {"api", sk_daemon_api_run, sk_daemon_api_undo},
    {"listeners", sk_daemon_listeners_run, sk_daemon_listeners_undo},
    {"serve", serve_run, serve_undo},
    {0},
};
/* clang-format on */

/* --- signals, and the frame around the flow ---------------------------------------------------- */

/* Before it serves, the daemon has nothing to reload: it reads what there is. */
static void reload_on_signal(struct sk_daemon *d)
{
    if (d->is_serving)
        sk_reload_start(d->reload, NULL, NULL);
    else
        sk_log(&d->log, SK_WARN, "daemon.no_reload",
               SK_STR("advice", "not serving yet, or no more: ask again"));
}

static void on_left(struct sk_leaving *leaving)
{
    sk_op_cancel(&sk_container_of(leaving, struct sk_daemon, leaving)->life, NULL);
}

/* What has not come as far as serving has nobody to wait for. */
static void stop(struct sk_daemon *d)
{
    if (strcmp(sk_op_step_name(&d->life), "serve") == 0)
        sk_leave(&d->leaving, d->loop, d->node, on_left);
    else
        sk_op_cancel(&d->life, NULL);
}

static void on_signal(void *arg, int signo)
{
    struct sk_daemon *d = arg;

    (void)sk_audit_write(d->audit, &(struct sk_audit_event){.event = "signalled", .name = strsignal(signo)});
    if (signo == SIGHUP) {
        reload_on_signal(d);
        return;
    }
    if (!d->signal)
        sk_log(&d->log, SK_INFO, "daemon.stopping", SK_STR("signal", strsignal(signo)));
    d->signal = signo;
    stop(d);
}

static void on_undo_error(struct sk_op *op, const struct sk_step *step, const struct sk_err *err)
{
    sk_log_err(&sk_daemon_of(op)->log, SK_ERROR, "daemon.stop_failed", err, SK_STR("step", step->name));
}

static void close_signals(struct sk_daemon *d)
{
    for (size_t i = 0; i < SK_SIG_COUNT; i++)
        sk_signal_close(sk_take(d->signals[i]));
}

static void on_over(struct sk_done *done, const struct sk_err *err)
{
    struct sk_daemon *d = sk_container_of(done, struct sk_daemon, over);

    if (!d->signal || err->code != SK_CANCELLED) {
        sk_log_err(&d->log, SK_ERROR, "daemon.failed", err);
        d->exit_code = EXIT_FAILURE;
    }
    sk_watchdog_stop(&d->watchdog);
    sk_lag_stop(&d->lag);
    close_signals(d);
    sk_loop_stop(d->loop);
}

static enum sk_code catch_signals(struct sk_daemon *d, struct sk_err *err)
{
    static const int numbers[SK_SIG_COUNT] = {
        [SK_SIG_TERM] = SIGTERM, [SK_SIG_INT] = SIGINT, [SK_SIG_HUP] = SIGHUP};
    enum sk_code code = SK_OK;

    for (size_t i = 0; code == SK_OK && i < SK_SIG_COUNT; i++)
        code = sk_signal_open(d->loop, numbers[i], on_signal, d, &d->signals[i], err);
    return code;
}

static void log_start(const struct sk_daemon *d, uint64_t files)
{
    sk_log(&d->log, SK_INFO, "daemon.starting", SK_STR("version", SK_VERSION), SK_INT("pid", getpid()),
           SK_STR("drivers", d->config->drivers), SK_STR("state_dir", d->config->state_dir));
    if (d->config->exposes_keys)
        sk_log(&d->log, SK_WARN, "daemon.keys_exposed",
               SK_STR("advice", "the configuration holds API keys and everyone may read it: chmod o-r"));
    if (files < FILES_FEW)
        sk_log(&d->log, SK_WARN, "daemon.few_files", SK_INT("files", (int64_t)files),
               SK_STR("advice", "many sandboxes need more open files: raise LimitNOFILE (ulimit -Hn)"));
}

static int run(struct sk_daemon *d)
{
    struct sk_err err;

    if (sk_loop_new(&d->loop, &err) != SK_OK || catch_signals(d, &err) != SK_OK) {
        sk_log_err(&d->log, SK_ERROR, "daemon.failed", &err);
        return EXIT_FAILURE;
    }
    sk_lag_start(&d->lag, d->loop, d->metrics);
    sk_done_init(&d->over, on_over);
    d->life.flow = "daemon";
    d->life.on_undo_error = on_undo_error;
    sk_op_start(&d->life, d->loop, &d->log, life, (struct sk_instant){0}, &d->over);
    sk_loop_run(d->loop);
    sk_loop_free(d->loop);
    sk_log(&d->log, SK_INFO, "daemon.stopped");
    return d->exit_code;
}

/* Where there is no journal, and for what it does not take, standard error is. */
static void log_to_journald(struct sk_daemon *d)
{
    struct sk_err err;

    if (strcmp(d->config->log_format, "journald") != 0)
        return;
    if (sk_journald_open(&d->journald, SK_JOURNALD_PATH, &err) == SK_OK)
        d->log.journald = &d->journald;
    else
        sk_log_err(&d->log, SK_WARN, "daemon.no_journal", &err);
}

int sk_daemon_run(const struct sk_config *config, const char *path)
{
    struct sk_daemon d = {.config = config, .config_path = path, .state_lock = -1, .run_lock = -1};
    enum sk_level level = SK_INFO;

    (void)!sk_level_parse(config->log_level, &level); /* the config has checked it */
    sk_log_init(&d.log, STDERR_FILENO, level);
    log_to_journald(&d);
    (void)umask(0077);
    uint64_t files = sk_host_raise_files();
    (void)sk_handed_settle();
    if (level > SK_DEBUG)
        sk_bridge_silence(); /* our lines are JSON, gRPC's are not */
    log_start(&d, files);
    d.metrics = sk_metrics_new();
    sk_process_metrics_init(&d.process, d.metrics);
    sk_chronicle_meters_init(&d.chronicle, d.metrics, &d.audit, &d.tracer);
    int exit_code = run(&d);
    sk_chronicle_meters_fini(&d.chronicle);
    sk_process_metrics_fini(&d.process);
    sk_metrics_free(d.metrics);
    return exit_code;
}
