#include "store/store.h"

#include "store/database.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

struct sk_store {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct sk_database *db; /* the thread's once it runs (loading at start-up excepted) */
    pthread_t thread;

    pthread_mutex_t mutex; /* guards the three below; never held during I/O */
    pthread_cond_t changed;
    struct sk_write *first, **last;
    bool closing;

    struct sk_done *closed;
    struct sk_post gone;
    struct sk_series *commit_seconds, *writes, *failures; /* the loop's */
};

/* What one commit has decided, on its way back to the loop. */
struct group {
    struct sk_post post;
    struct sk_store *store;
    struct sk_write *first;
    struct sk_instant began, ended; /* of the commit */
};

static const struct sk_metric commit_seconds = {
    .name = "store_commit_duration_seconds",
    .help = "Commits of the store, each of all writes that waited; the disk is in it.",
    .kind = SK_HISTOGRAM,
};
static const struct sk_metric writes = {
    .name = "store_writes_total",
    .help = "Records written to the store or taken out of it.",
    .kind = SK_COUNTER,
};
static const struct sk_metric failures = {
    .name = "store_write_failures_total",
    .help = "Of these, what the store could not do.",
    .kind = SK_COUNTER,
};

/* --- on the loop ------------------------------------------------------------- */

static void write_free(struct sk_write *write)
{
    free(write->key);
    free(write->data);
    free(write);
}

/* Before anybody is answered, who might close the store. */
static void measure(const struct group *group)
{
    const struct sk_store *store = group->store;

    sk_series_observe_since(store->commit_seconds, group->began, group->ended);
    for (const struct sk_write *write = group->first; write; write = write->next) {
        sk_series_add(store->writes, 1);
        sk_series_add(store->failures, write->err.code == SK_OK ? 0 : 1);
    }
}

static void answer(struct sk_post *post)
{
    struct group *group = sk_container_of(post, struct group, post);
    struct sk_write *next;

    measure(group);
    for (struct sk_write *write = group->first; write; write = next) {
        next = write->next;
        if (write->done)
            sk_done_fire(write->done, write->err.code == SK_OK ? NULL : &write->err);
        write_free(write);
    }
    free(group);
}

static void enqueue(struct sk_store *store, struct sk_write *write)
{
    assert(!store->closed);
    (void)pthread_mutex_lock(&store->mutex);
    *store->last = write;
    store->last = &write->next;
    (void)pthread_cond_signal(&store->changed);
    (void)pthread_mutex_unlock(&store->mutex);
}

static struct sk_write *write_new(const char *kind, const char *key, struct sk_done *done)
{
    struct sk_write *write = sk_alloc(sizeof(*write));

    write->kind = kind;
    write->key = sk_strdup(key);
    write->done = done;
    return write;
}

void sk_store_put(struct sk_store *store, const char *kind, const char *key, const void *data, size_t len,
                  struct sk_done *done)
{
    struct sk_write *write = write_new(kind, key, done);

    write->data = sk_alloc(len + 1); /* never NULL, which means delete */
    if (len)
        memcpy(write->data, data, len);
    write->len = len;
    enqueue(store, write);
}

void sk_store_delete(struct sk_store *store, const char *kind, const char *key, struct sk_done *done)
{
    enqueue(store, write_new(kind, key, done));
}

/* --- on the thread ----------------------------------------------------------- */

/* Everything that waits, or NULL when the store is closing and nothing does. */
static struct sk_write *take_all(struct sk_store *store)
{
    struct sk_write *first;

    (void)pthread_mutex_lock(&store->mutex);
    while (!store->first && !store->closing)
        (void)pthread_cond_wait(&store->changed, &store->mutex);
    first = sk_take(store->first);
    store->last = &store->first;
    (void)pthread_mutex_unlock(&store->mutex);
    return first;
}

/* One transaction; when that fails each write for itself, so that one which
 * cannot be stored does not fail its neighbours. */
static void commit(struct sk_store *store, struct sk_write *first)
{
    if (sk_database_apply(store->db, first, NULL, &first->err) == SK_OK)
        return;
    if (!first->next)
        return;
    first->err = (struct sk_err){0};
    for (struct sk_write *write = first; write; write = write->next)
        (void)!sk_database_apply(store->db, write, write->next, &write->err);
}

/* Those whom nobody asked about would otherwise fail unseen. */
static void log_failures(const struct sk_store *store, const struct sk_write *first)
{
    for (const struct sk_write *write = first; write; write = write->next)
        if (write->err.code != SK_OK && !write->done)
            sk_log_err(store->log, SK_ERROR, "store.write_failed", &write->err, SK_STR("kind", write->kind),
                       SK_STR("key", write->key));
}

static void finish(struct sk_post *post)
{
    struct sk_store *store = sk_container_of(post, struct sk_store, gone);
    struct sk_done *closed = store->closed;

    (void)pthread_join(store->thread, NULL);
    (void)pthread_cond_destroy(&store->changed);
    (void)pthread_mutex_destroy(&store->mutex);
    free(store);
    sk_done_fire(closed, NULL);
}

static void *work(void *arg)
{
    struct sk_store *store = arg;
    struct sk_write *first;

    while ((first = take_all(store))) {
        struct group *group = sk_alloc(sizeof(*group));
        group->store = store;
        group->began = sk_clock_boot();
        commit(store, first);
        group->ended = sk_clock_boot();
        log_failures(store, first);
        group->first = first;
        sk_loop_post(store->loop, &group->post, answer);
    }
    sk_database_close(sk_take(store->db));
    sk_loop_post(store->loop, &store->gone, finish);
    return NULL;
}

/* --- open, load, close ------------------------------------------------------- */

/* Signals are the loop thread's business. */
static int start_thread(struct sk_store *store)
{
    sigset_t all, before;
    int sys;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    sys = pthread_create(&store->thread, NULL, work, store);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

enum sk_code sk_store_open(struct sk_loop *loop, const struct sk_log *log, const char *path,
                           struct sk_store **out_store, struct sk_err *err)
{
    SK_AUTO_FREE struct sk_store *store = sk_alloc(sizeof(*store));
    enum sk_code code = sk_database_open(path, &store->db, err);
    int sys;

    if (code != SK_OK)
        return code;
    store->loop = loop;
    store->log = log;
    store->last = &store->first;
    (void)pthread_mutex_init(&store->mutex, NULL);
    (void)pthread_cond_init(&store->changed, NULL);
    sys = start_thread(store);
    if (sys) {
        sk_database_close(store->db);
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, sys, "start the store's thread");
    }
    *out_store = sk_take(store);
    return SK_OK;
}

void sk_store_measure(struct sk_store *store, struct sk_metrics *metrics)
{
    store->commit_seconds = sk_metrics_series(metrics, &commit_seconds, NULL, NULL);
    store->writes = sk_metrics_series(metrics, &writes, NULL, NULL);
    store->failures = sk_metrics_series(metrics, &failures, NULL, NULL);
}

enum sk_code sk_store_load(struct sk_store *store, const char *kind,
                           void (*each)(void *arg, const char *key, const uint8_t *data, size_t len),
                           void *arg, struct sk_err *err)
{
    return sk_database_load(store->db, kind, each, arg, err);
}

void sk_store_close(struct sk_store *store, struct sk_done *done)
{
    assert(!store->closed);
    store->closed = done;
    (void)pthread_mutex_lock(&store->mutex);
    store->closing = true;
    (void)pthread_cond_signal(&store->changed);
    (void)pthread_mutex_unlock(&store->mutex);
}
