/* The daemon's life is one flow (loop/op.h): each step starts one thing, its
 * undo stops it, and the last one, "serve", ends when a signal cancels the
 * flow. So an orderly stop, a failed start and a signal half-way through the
 * start are the same walk back through one table. */
#include "daemon.h"

#include "api/api.h"
#include "backend.h"
#include "core/recover.h"
#include "fabric.h"
#include "host.h"
#include "loop/op.h"
#include "notify.h"
#include "place.h"
#include "rpc/server.h"
#include "supply.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_MODE    0700
#define ADDRESSES_MAX ((size_t)64 * 1024)
#define RUN_MODE      0711 /* others may pass, to what is theirs to read */

/* A sandbox has up to five descriptors open here, a command in it up to three, and connections may take three
 * quarters of all: with fewer than this some hundreds of sandboxes get into each other's way. */
#define FILES_FEW 8192

enum { SIG_TERM, SIG_INT, SIG_HUP, SIG_COUNT };

struct daemon {
    const struct sk_config *config;
    struct sk_log log;
    struct sk_loop *loop;
    struct sk_signal *signals[SIG_COUNT];
    struct sk_op life;
    struct sk_done over;
    int signal; /* that ended it; 0 = it broke */
    int exit_code;
    struct sk_watchdog watchdog;

    int state_lock, run_lock;
    char node_id[SK_NODE_MAX + 1];
    char login_salt[SK_SALT_SIZE];
    struct sk_bridge *bridge;
    struct sk_store *store;
    struct sk_backend *backend;
    struct sk_supply *supply;
    struct sk_fabric *fabric;
    struct sk_node *node;
    struct sk_api *api;
    struct sk_server *server;
};

static struct daemon *daemon_of(struct sk_op *op)
{
    return sk_container_of(op, struct daemon, life);
}

/* Ends a step that has done all it does already. */
static void answer(struct daemon *d, struct sk_done *done, enum sk_code code, const struct sk_err *err)
{
    sk_done_later(d->loop, done, code == SK_OK ? NULL : err);
}

/* --- directories, locks, the name ------------------------------------------------ */

static enum sk_code take_places(struct daemon *d, struct sk_err *err)
{
    const struct sk_config *c = d->config;
    SK_AUTO_FREE char *logs = sk_printf("%s/%s", c->state_dir, SK_LOG_FOLDER);
    enum sk_code code;

    if ((code = sk_place_make(c->state_dir, STATE_MODE, err)) != SK_OK ||
        (code = sk_place_make(c->run_dir, RUN_MODE, err)) != SK_OK ||
        (code = sk_place_lock(c->state_dir, &d->state_lock, err)) != SK_OK ||
        (code = sk_place_lock(c->run_dir, &d->run_lock, err)) != SK_OK ||
        (code = sk_place_make(logs, STATE_MODE, err)) != SK_OK ||
        (code = sk_place_login_salt(c->state_dir, d->login_salt, err)) != SK_OK)
        return code;
    sk_place_remove_address(c->run_dir); /* of one that was killed */
    return sk_place_node_id(c->state_dir, c->node_id, d->node_id, err);
}

static void places_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    struct sk_err err;
    enum sk_code code = take_places(d, &err);

    answer(d, done, code, &err);
}

static void places_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    sk_close_fd(&d->run_lock);
    sk_close_fd(&d->state_lock);
    answer(d, done, SK_OK, NULL);
}

/* --- gRPC ---------------------------------------------------------------------------- */

static void bridge_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_bridge_new(d->loop, &d->bridge, &err);

    answer(d, done, code, &err);
}

static void bridge_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    if (d->bridge)
        sk_bridge_close(sk_take(d->bridge), done);
    else
        answer(d, done, SK_OK, NULL);
}

/* --- the store ------------------------------------------------------------------------ */

static void store_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    SK_AUTO_FREE char *path = sk_printf("%s/sandkeep.db", d->config->state_dir);
    struct sk_err err;
    enum sk_code code = sk_store_open(d->loop, &d->log, path, &d->store, &err);

    answer(d, done, code, &err);
}

static void store_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    if (d->store)
        sk_store_close(sk_take(d->store), done);
    else
        answer(d, done, SK_OK, NULL);
}

/* --- what sandboxes run on ---------------------------------------------------------------- */

static void backend_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_backend_open(d->loop, &d->log, d->bridge, d->config, &d->backend, &err);

    answer(d, done, code, &err);
}

static void backend_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    if (d->backend)
        sk_backend_close(sk_take(d->backend), done);
    else
        answer(d, done, SK_OK, NULL);
}

/* --- where images come from --------------------------------------------------------------- */

static void supply_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    struct sk_err err;
    enum sk_code code =
        sk_supply_open(d->loop, &d->log, d->config, sk_backend_content(d->backend), &d->supply, &err);

    answer(d, done, code, &err);
}

static void supply_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    if (d->supply)
        sk_supply_close(sk_take(d->supply), done);
    else
        answer(d, done, SK_OK, NULL);
}

/* --- what their networks are made of -------------------------------------------------------- */

static void fabric_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    struct sk_err err;
    enum sk_code code = sk_fabric_open(d->loop, &d->log, d->config, &d->fabric, &err);

    answer(d, done, code, &err);
}

static void fabric_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    if (d->fabric)
        sk_fabric_close(sk_take(d->fabric), done);
    else
        answer(d, done, SK_OK, NULL);
}

/* --- the node -------------------------------------------------------------------------- */

static void node_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    struct sk_node_config config;
    struct sk_image_driver *fakes = sk_backend_fake_images(d->backend);

    sk_host_node_config(d->config, d->node_id, &config);
    config.images.login_salt = d->login_salt;
    config.secrets = sk_supply_secrets(d->supply);
    config.network = sk_fabric_config(d->fabric);
    const struct sk_node_drivers drivers = {
        .runtime = sk_backend_runtime(d->backend),
        .images = fakes ? fakes : sk_supply_images(d->supply),
        .agent = sk_backend_agent(d->backend),
        .network = sk_fabric_network(d->fabric),
        .names = sk_fabric_names(d->fabric),
        .edge = sk_fabric_edge(d->fabric),
    };
    d->node = sk_node_new(d->loop, &d->log, &config, &drivers, d->store);
    answer(d, done, SK_OK, NULL);
}

static void node_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    sk_node_free(sk_take(d->node));
    answer(d, done, SK_OK, NULL);
}

/* Recovery waits for containerd as long as it takes; a signal must not. */
static void recover_cancel(struct sk_done *done)
{
    sk_recover_stop(done->callee);
}

static void recover_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    sk_node_recover(d->node, done);
    done->cancel = recover_cancel;
    done->callee = d->node;
}

static void recover_undo(struct sk_op *op, struct sk_done *done)
{
    sk_node_stop(daemon_of(op)->node, done);
}

/* --- the server -------------------------------------------------------------------------- */

static void api_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    d->api = sk_api_new(d->node, &d->log, d->config->api_keys);
    answer(d, done, SK_OK, NULL);
}

static void api_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    sk_api_free(sk_take(d->api));
    answer(d, done, SK_OK, NULL);
}

/* One line of the address file; `port` stands in for the one asked for, which may be 0. */
static enum sk_code tell_listener(struct daemon *d, struct sk_buf *lines, const char *listen, int port)
{
    SK_AUTO_FREE char *address =
        port ? sk_printf("%.*s:%d", (int)(strrchr(listen, ':') - listen), listen, port) : sk_strdup(listen);

    sk_log(&d->log, SK_INFO, "daemon.listening", SK_STR("address", address));
    return sk_buf_printf(lines, "%s\n", address);
}

static enum sk_code tell_address(struct daemon *d, struct sk_err *err)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf lines;

    sk_buf_init(&lines, ADDRESSES_MAX);
    for (size_t i = 0; d->config->listen[i]; i++)
        if (tell_listener(d, &lines, d->config->listen[i], sk_server_port(d->server, i)) != SK_OK)
            return sk_fail(err, SK_OUT_OF_RANGE, "too many listeners");
    return sk_place_write_address(d->config->run_dir, (char *)lines.data, err);
}

static enum sk_code listen_now(struct daemon *d, struct sk_err *err)
{
    SK_AUTO_FREE char *certificate = NULL;
    SK_AUTO_FREE char *key = NULL;
    enum sk_code code;

    if ((code = sk_host_read_pem(d->config->tls_certificate, &certificate, err)) != SK_OK ||
        (code = sk_host_read_pem(d->config->tls_key, &key, err)) != SK_OK)
        return code;
    const struct sk_server_options options = {
        .listen = d->config->listen,
        .tls_certificate = certificate,
        .tls_key = key,
        .on_call = sk_api_on_call,
        .arg = d->api,
    };
    return sk_server_new(d->bridge, &d->log, &options, &d->server, err);
}

static void server_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);
    struct sk_err err;
    enum sk_code code = listen_now(d, &err);

    if (code == SK_OK)
        code = tell_address(d, &err);
    answer(d, done, code, &err);
}

static void server_undo(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    sk_place_remove_address(d->config->run_dir);
    if (d->server)
        sk_server_close(sk_take(d->server), done);
    else
        answer(d, done, SK_OK, NULL);
}

/* --- serving: the step that lasts ----------------------------------------------------------- */

static void serve_cancel(struct sk_done *done)
{
    answer(done->callee, done, SK_OK, NULL);
}

static void serve_run(struct sk_op *op, struct sk_done *done)
{
    struct daemon *d = daemon_of(op);

    done->cancel = serve_cancel;
    done->callee = d;
    sk_log(&d->log, SK_INFO, "daemon.ready", SK_STR("node", d->node_id));
    sk_notify("READY=1");
}

static void serve_undo(struct sk_op *op, struct sk_done *done)
{
    sk_notify("STOPPING=1");
    answer(daemon_of(op), done, SK_OK, NULL);
}

/* clang-format off */
static const struct sk_step life[] = {
    {"places", places_run, places_undo},
    {"bridge", bridge_run, bridge_undo},
    {"store", store_run, store_undo},
    {"drivers", backend_run, backend_undo},
    {"supply", supply_run, supply_undo},
    {"network", fabric_run, fabric_undo},
    {"node", node_run, node_undo},
    {"recover", recover_run, recover_undo},
    {"api", api_run, api_undo},
    {"server", server_run, server_undo},
    {"serve", serve_run, serve_undo},
    {0},
};
/* clang-format on */

/* --- signals, and the frame around the flow ---------------------------------------------------- */

static void on_signal(void *arg, int signo)
{
    struct daemon *d = arg;

    if (signo == SIGHUP) {
        sk_log(&d->log, SK_WARN, "daemon.no_reload", SK_STR("advice", "restart: sandboxes live on"));
        return;
    }
    if (!d->signal)
        sk_log(&d->log, SK_INFO, "daemon.stopping", SK_STR("signal", strsignal(signo)));
    d->signal = signo;
    sk_op_cancel(&d->life, NULL);
}

static void on_undo_error(struct sk_op *op, const struct sk_step *step, const struct sk_err *err)
{
    sk_log_err(&daemon_of(op)->log, SK_ERROR, "daemon.stop_failed", err, SK_STR("step", step->name));
}

static void close_signals(struct daemon *d)
{
    for (size_t i = 0; i < SIG_COUNT; i++)
        sk_signal_close(sk_take(d->signals[i]));
}

static void on_over(struct sk_done *done, const struct sk_err *err)
{
    struct daemon *d = sk_container_of(done, struct daemon, over);

    if (!d->signal || err->code != SK_CANCELLED) {
        sk_log_err(&d->log, SK_ERROR, "daemon.failed", err);
        d->exit_code = EXIT_FAILURE;
    }
    sk_watchdog_stop(&d->watchdog);
    close_signals(d);
    sk_loop_stop(d->loop);
}

static enum sk_code catch_signals(struct daemon *d, struct sk_err *err)
{
    static const int numbers[SIG_COUNT] = {[SIG_TERM] = SIGTERM, [SIG_INT] = SIGINT, [SIG_HUP] = SIGHUP};
    enum sk_code code = SK_OK;

    for (size_t i = 0; code == SK_OK && i < SIG_COUNT; i++)
        code = sk_signal_open(d->loop, numbers[i], on_signal, d, &d->signals[i], err);
    return code;
}

static void log_start(const struct daemon *d, uint64_t files)
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

static int run(struct daemon *d)
{
    struct sk_err err;

    if (sk_loop_new(&d->loop, &err) != SK_OK || catch_signals(d, &err) != SK_OK) {
        sk_log_err(&d->log, SK_ERROR, "daemon.failed", &err);
        return EXIT_FAILURE;
    }
    sk_watchdog_start(&d->watchdog, d->loop);
    sk_done_init(&d->over, on_over);
    d->life.flow = "daemon";
    d->life.on_undo_error = on_undo_error;
    sk_op_start(&d->life, d->loop, &d->log, life, (struct sk_instant){0}, &d->over);
    sk_loop_run(d->loop);
    sk_loop_free(d->loop);
    sk_log(&d->log, SK_INFO, "daemon.stopped");
    return d->exit_code;
}

int sk_daemon_run(const struct sk_config *config)
{
    struct daemon d = {.config = config, .state_lock = -1, .run_lock = -1};
    enum sk_level level = SK_INFO;

    (void)!sk_level_parse(config->log_level, &level); /* the config has checked it */
    sk_log_init(&d.log, STDERR_FILENO, level);
    (void)umask(0077);
    uint64_t files = sk_host_raise_files();
    if (level > SK_DEBUG)
        sk_bridge_silence(); /* our lines are JSON, gRPC's are not */
    log_start(&d, files);
    return run(&d);
}
