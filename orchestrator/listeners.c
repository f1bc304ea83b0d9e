#include "listeners.h"

#include "base/strings.h"
#include "config/address.h"
#include "place.h"
#include "rpc/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDRESSES_MAX ((size_t)64 * 1024)
/* A folder that only root may enter, where the socket stands until its mode is right. */
#define PORCH_FOLDER "porch"
#define PORCH_SOCKET PORCH_FOLDER "/s"

enum { ADMIN, NEAR, FAR, COUNT };

/* Listeners of one kind. */
struct entrance {
    struct sk_listeners *listeners;
    struct sk_door door;
    struct sk_server *server; /* NULL: not open */
    const char **listen;      /* an owned array of borrowed addresses; of ADMIN none */
    struct sk_done closed;
};

struct sk_listeners {
    struct sk_listeners_options options;
    struct entrance entrances[COUNT];
    size_t closing; /* servers */
    struct sk_done *done;
};

/* --- one server -------------------------------------------------------------------- */

static enum sk_code serve(struct entrance *e, const char *const *listen, struct sk_server_options *options,
                          struct sk_err *err)
{
    const struct sk_listeners_options *ours = &e->listeners->options;

    options->listen = listen;
    options->on_call = sk_api_on_call;
    options->arg = &e->door;
    return sk_server_new(ours->bridge, ours->log, options, &e->server, err);
}

static enum sk_code open_tcp(struct entrance *e, struct sk_err *err)
{
    struct sk_server_options options = {.tls = e->listeners->options.tls};

    return e->listen[0] ? serve(e, e->listen, &options, err) : SK_OK;
}

/* --- the admin socket ---------------------------------------------------------------- */

static void remove_socket(const struct sk_listeners *l)
{
    SK_AUTO_FREE char *path = sk_printf("%s/" SK_ADMIN_SOCKET, l->options.config->run_dir);

    (void)unlink(path);
}

static enum sk_code give(const char *from, const char *to, struct sk_err *err)
{
    if (chmod(from, 0600) || rename(from, to))
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "cannot put %s in place", to);
    return SK_OK;
}

/* gRPC makes the socket with a mode that others might use: nobody reaches it before that is changed. */
static enum sk_code open_admin(struct sk_listeners *l, struct sk_err *err)
{
    const char *run_dir = l->options.config->run_dir;
    SK_AUTO_FREE char *porch = sk_printf("%s/" PORCH_FOLDER, run_dir);
    SK_AUTO_FREE char *fresh = sk_printf("unix:%s/" PORCH_SOCKET, run_dir);
    SK_AUTO_FREE char *path = sk_printf("%s/" SK_ADMIN_SOCKET, run_dir);
    const char *const listen[] = {fresh, NULL};
    struct sk_server_options options = {0};
    enum sk_code code = sk_place_make(porch, 0700, err);

    if (code == SK_OK)
        code = serve(&l->entrances[ADMIN], listen, &options, err);
    if (code == SK_OK)
        code = give(fresh + strlen("unix:"), path, err);
    (void)rmdir(porch);
    return code;
}

/* --- where they are -------------------------------------------------------------------- */

/* One line; `port` stands in for the one asked for, which may be 0. */
static enum sk_code tell(const struct sk_listeners *l, const char *listen, int port, struct sk_buf *lines)
{
    SK_AUTO_FREE char *address =
        port ? sk_printf("%.*s:%d", (int)(strrchr(listen, ':') - listen), listen, port) : sk_strdup(listen);

    sk_log(l->options.log, SK_INFO, "daemon.listening", SK_STR("address", address));
    return sk_buf_printf(lines, "%s\n", address);
}

static enum sk_code tell_all(const struct sk_listeners *l, struct sk_err *err)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf lines;

    sk_buf_init(&lines, ADDRESSES_MAX);
    for (const struct entrance *e = &l->entrances[NEAR]; e < &l->entrances[COUNT]; e++)
        for (size_t i = 0; e->server && e->listen[i]; i++)
            if (tell(l, e->listen[i], sk_server_port(e->server, i), &lines) != SK_OK)
                return sk_fail(err, SK_OUT_OF_RANGE, "too many listeners");
    return sk_place_write_address(l->options.config->run_dir, lines.len ? (char *)lines.data : "", err);
}

/* --- all ------------------------------------------------------------------------------- */

/* The first key is there: others may come. */
static void open_far(void *arg)
{
    struct sk_listeners *l = arg;
    struct sk_err err;

    if (l->entrances[FAR].server)
        return;
    if (open_tcp(&l->entrances[FAR], &err) != SK_OK || tell_all(l, &err) != SK_OK)
        sk_log_err(l->options.log, SK_ERROR, "daemon.listen_failed", &err);
}

static void sort(struct sk_listeners *l)
{
    const char *const *all = l->options.config->listen;
    size_t count[COUNT] = {0}, most = sk_strings_count(all) + 1;

    for (int which = ADMIN; which < COUNT; which++) {
        struct entrance *e = &l->entrances[which];
        *e = (struct entrance){.listeners = l, .listen = sk_alloc(most * sizeof(char *))};
        e->door = (struct sk_door){.api = l->options.api, .is_admin = which == ADMIN, .is_far = which == FAR};
    }
    for (size_t i = 0; all[i]; i++) {
        int which = sk_address_is_loopback(all[i]) ? NEAR : FAR;
        l->entrances[which].listen[count[which]++] = all[i];
    }
}

static enum sk_code open_all(struct sk_listeners *l, struct sk_err *err)
{
    enum sk_code code = open_admin(l, err);

    if (code == SK_OK)
        code = open_tcp(&l->entrances[NEAR], err);
    if (code == SK_OK && sk_api_needs_keys(l->options.api))
        code = open_tcp(&l->entrances[FAR], err);
    else if (code == SK_OK && l->entrances[FAR].listen[0])
        sk_log(l->options.log, SK_WARN, "daemon.not_listening",
               SK_STR("address", l->entrances[FAR].listen[0]),
               SK_STR("why", "there is no key yet: make one with `sandkeep key create`"));
    return code == SK_OK ? tell_all(l, err) : code;
}

static void listeners_free(struct sk_listeners *l)
{
    for (struct entrance *e = l->entrances; e < &l->entrances[COUNT]; e++)
        free(e->listen);
    free(l);
}

static void on_closed(struct sk_done *closed, const struct sk_err *err)
{
    struct sk_listeners *l = sk_container_of(closed, struct entrance, closed)->listeners;
    struct sk_done *done = l->done;

    (void)err;
    if (--l->closing)
        return;
    listeners_free(l);
    sk_done_fire(done, NULL);
}

void sk_listeners_close(struct sk_listeners *l, struct sk_done *done)
{
    l->done = done;
    sk_api_on_first_key(l->options.api, NULL, NULL);
    sk_place_remove_address(l->options.config->run_dir);
    remove_socket(l);
    for (const struct entrance *e = l->entrances; e < &l->entrances[COUNT]; e++)
        l->closing += e->server != NULL;
    if (!l->closing) {
        sk_done_later(l->options.loop, done, NULL);
        listeners_free(l);
        return;
    }
    for (struct entrance *e = l->entrances; e < &l->entrances[COUNT]; e++) {
        sk_done_init(&e->closed, on_closed);
        if (e->server)
            sk_server_close(sk_take(e->server), &e->closed);
    }
}

enum sk_code sk_listeners_open(const struct sk_listeners_options *options,
                               struct sk_listeners **out_listeners, struct sk_err *err)
{
    struct sk_listeners *l = sk_alloc(sizeof(*l));

    l->options = *options;
    sort(l);
    *out_listeners = l;
    sk_api_on_first_key(options->api, open_far, l);
    return open_all(l, err);
}
