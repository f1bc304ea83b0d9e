#include "reload.h"

#include "config/change.h"
#include "loop/work.h"
#include "notify.h"

#include <assert.h>
#include <string.h>

struct sk_reload {
    struct sk_loop *loop;
    struct sk_log *log;
    const char *path;
    const struct sk_reload_targets *targets;
    const struct sk_config *start; /* of the daemon's start: outlives all */
    struct sk_config *now;         /* in force; NULL = that one */

    struct sk_list waits;   /* struct sk_reload_wait: for the run under way */
    struct sk_list waiting; /* for the next one */
    bool wanted;            /* there shall be a next one */
    bool busy, stopping;
    struct sk_done *closing;

    /* The run under way: the pool's until it is done. */
    struct sk_work work;
    struct sk_done done;
    struct sk_config *next;
    struct sk_faults faults;
    struct sk_reload_ready ready;
    struct sk_arena arena; /* of the report */
    struct sk_reload_report report;

    struct sk_series *success, *success_at;
};

static const struct sk_metric success_metric = {
    .name = "config_last_reload_success",
    .help = "Whether the last reload of the configuration was taken over (1) or refused (0).",
    .kind = SK_GAUGE,
};
static const struct sk_metric success_at_metric = {
    .name = "config_last_reload_success_timestamp_seconds",
    .help = "When a configuration was last taken over, the start's included.",
    .kind = SK_GAUGE,
};

static const struct sk_config *in_force(const struct sk_reload *r)
{
    return r->now ? r->now : r->start;
}

static void config_free(struct sk_config *config)
{
    if (config)
        sk_config_fini(config);
    free(config);
}

/* --- what is told ------------------------------------------------------------------------ */

static void count_result(struct sk_reload *r, bool succeeded)
{
    sk_series_set(r->success, succeeded ? 1 : 0);
    if (succeeded)
        sk_series_set(r->success_at, (double)sk_loop_wall(r->loop).ns / 1e9);
}

/* The keys of which that becomes; NULL-terminated. */
static const char **keys_that(struct sk_reload *r, enum sk_change change)
{
    size_t count, len = 0;
    const struct sk_key *keys = sk_config_keys(&count);
    const char **names = sk_arena_alloc(&r->arena, (count + 1) * sizeof(names[0]));

    for (size_t i = 0; i < count; i++)
        if (sk_config_change(in_force(r), r->next, i) == change)
            names[len++] = keys[i].name;
    return names;
}

static const char **lines_of(struct sk_arena *arena, const struct sk_faults *faults)
{
    const char **lines = sk_arena_alloc(arena, ((size_t)faults->count + 1) * sizeof(lines[0]));
    const char *text = sk_arena_strndup(arena, (const char *)faults->text.data, faults->text.len);
    size_t count = 0;

    /* Faults that had no room are counted, and have no line. */
    for (; *text && count < (size_t)faults->count; text += *text != '\0') {
        size_t len = strcspn(text, "\n");
        lines[count++] = sk_arena_strndup(arena, text, len);
        text += len;
    }
    return lines;
}

static void log_report(const struct sk_reload *r)
{
    for (const char *const *line = r->report.faults; *line; line++)
        sk_log(r->log, SK_ERROR, "config.fault", SK_STR("what", *line));
    for (const char *const *key = r->report.changed; *key; key++)
        sk_log(r->log, SK_INFO, "config.changed", SK_STR("key", *key));
    for (const char *const *key = r->report.waiting; *key; key++)
        sk_log(r->log, SK_WARN, "config.needs_restart", SK_STR("key", *key));
}

/* --- a run ------------------------------------------------------------------------------- */

/* On a thread of the pool. What is in force does not change meanwhile. */
static void read_all(struct sk_work *work)
{
    struct sk_reload *r = sk_container_of(work, struct sk_reload, work);
    const struct sk_config *now = in_force(r);

    if (sk_config_load(r->next, r->path, &r->faults, &work->err) != SK_OK)
        return;
    r->report.changed = keys_that(r, SK_CHANGE_TAKEN);
    r->report.waiting = keys_that(r, SK_CHANGE_WAITS);
    if (sk_config_hold(r->next, now, &r->faults))
        sk_reload_prepare(&r->ready, r->next, &r->faults);
    if (r->faults.count)
        (void)sk_fail(&work->err, SK_INVALID_ARGUMENT, "%s has %d fault%s", r->path, r->faults.count,
                      r->faults.count == 1 ? "" : "s");
}

static void take_over(struct sk_reload *r)
{
    struct sk_config *old = r->now;

    sk_reload_apply(&r->ready, r->targets, r->next);
    r->now = sk_take(r->next);
    config_free(old);
    sk_log(r->log, SK_INFO, "config.reloaded", SK_STR("path", r->path));
}

/* Of a file that cannot be read at all there is one fault: that. */
static void refuse(struct sk_reload *r, const struct sk_err *why)
{
    static const char *const none[] = {NULL};

    if (!r->faults.count)
        sk_faults_at(&r->faults, (struct sk_origin){NULL, 0}, "", "%s", why->text);
    sk_reload_drop(&r->ready);
    r->report = (struct sk_reload_report){none, none, lines_of(&r->arena, &r->faults)};
    sk_log_err(r->log, SK_ERROR, "config.refused", why, SK_STR("advice", "what was in force stays"));
}

static void answer(struct sk_reload *r, const struct sk_err *err)
{
    struct sk_list waits;

    sk_list_init(&waits);
    sk_list_move_all(&waits, &r->waits);
    for (struct sk_list *link; (link = sk_list_pop(&waits));) {
        struct sk_reload_wait *wait = sk_list_entry(link, struct sk_reload_wait, link);
        wait->report = r->report;
        sk_done_fire(wait->done, err);
    }
}

static void run_fini(struct sk_reload *r)
{
    config_free(sk_take(r->next));
    sk_faults_fini(&r->faults);
    sk_arena_fini(&r->arena);
    r->report = (struct sk_reload_report){NULL};
}

static void stopping_err(struct sk_err *err)
{
    *err = (struct sk_err){0};
    (void)sk_fail(err, SK_UNAVAILABLE, "the daemon is stopping");
    (void)sk_err_reason(err, "RUNNER_UNAVAILABLE");
}

static void begin(struct sk_reload *r);

static void free_now(struct sk_reload *r)
{
    struct sk_done *done = r->closing;

    config_free(r->now);
    free(r);
    sk_done_fire(done, NULL);
}

static void settle(struct sk_reload *r, const struct sk_err *err)
{
    if (!r->stopping) {
        log_report(r);
        count_result(r, err == NULL);
        sk_notify("READY=1");
    }
    answer(r, err);
    run_fini(r);
    r->busy = false;
    if (r->closing)
        free_now(r);
    else if (r->wanted)
        begin(r);
}

static void on_read(struct sk_done *done, const struct sk_err *err)
{
    struct sk_reload *r = sk_container_of(done, struct sk_reload, done);
    static const char *const none[] = {NULL};
    struct sk_err why;

    if (r->stopping) {
        sk_reload_drop(&r->ready);
        stopping_err(&why);
        settle(r, &why);
        return;
    }
    if (err) {
        why = *err;
        refuse(r, &why);
        why.code = SK_INVALID_ARGUMENT;
        settle(r, &why);
        return;
    }
    take_over(r);
    r->report.faults = none;
    settle(r, NULL);
}

static void begin(struct sk_reload *r)
{
    sk_notify_reloading();
    r->wanted = false;
    r->busy = true;
    sk_list_move_all(&r->waits, &r->waiting);
    r->next = sk_alloc(sizeof(*r->next));
    r->ready = (struct sk_reload_ready){{NULL}};
    sk_faults_init(&r->faults, r->path);
    sk_done_init(&r->done, on_read);
    sk_work_start(r->loop, &r->work, read_all, &r->done);
}

void sk_reload_start(struct sk_reload *r, struct sk_reload_wait *wait, struct sk_done *done)
{
    struct sk_err err;

    if (r->stopping && wait) {
        stopping_err(&err);
        sk_done_later(r->loop, done, &err);
    }
    if (r->stopping)
        return;
    if (wait) {
        wait->done = done;
        sk_list_append(&r->waiting, &wait->link);
    }
    r->wanted = true;
    if (!r->busy)
        begin(r);
}

/* --- life ----------------------------------------------------------------------------------- */

struct sk_reload *sk_reload_new(struct sk_loop *loop, struct sk_log *log, const char *path,
                                const struct sk_config *config, const struct sk_reload_targets *targets,
                                struct sk_metrics *metrics)
{
    struct sk_reload *r = sk_alloc(sizeof(*r));

    r->loop = loop;
    r->log = log;
    r->path = path;
    r->start = config;
    r->targets = targets;
    sk_list_init(&r->waits);
    sk_list_init(&r->waiting);
    r->success = sk_metrics_series(metrics, &success_metric, NULL, NULL);
    r->success_at = sk_metrics_series(metrics, &success_at_metric, NULL, NULL);
    count_result(r, true);
    return r;
}

static void start_for(void *arg, struct sk_reload_wait *wait, struct sk_done *done)
{
    sk_reload_start(arg, wait, done);
}

struct sk_reloader sk_reload_base(struct sk_reload *r)
{
    return (struct sk_reloader){start_for, r};
}

void sk_reload_stop(struct sk_reload *r)
{
    struct sk_err err;

    r->stopping = true;
    r->wanted = false;
    stopping_err(&err);
    sk_list_each(&r->waiting, link)
    {
        struct sk_reload_wait *wait = sk_list_entry(link, struct sk_reload_wait, link);
        sk_list_remove(link);
        sk_done_later(r->loop, wait->done, &err);
    }
}

static void close_later(struct sk_done *later, const struct sk_err *err)
{
    (void)err;
    free_now(sk_container_of(later, struct sk_reload, done));
}

void sk_reload_close(struct sk_reload *r, struct sk_done *done)
{
    assert(r->stopping);
    r->closing = done;
    if (r->busy)
        return;
    sk_done_init(&r->done, close_later);
    sk_done_later(r->loop, &r->done, NULL);
}
