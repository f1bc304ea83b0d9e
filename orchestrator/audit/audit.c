#include "audit/audit.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* Within this time more may come that one write takes along; nobody waits for it. */
#define GATHER SK_MSEC(20)
#define CROWD  (SK_RING_SIZE / 16) /* of bytes that wait: then nothing is gathered */
#define RETRY  SK_SEC(1)

struct sk_audit {
    struct sk_loop *loop;
    const struct sk_log *log;
    struct terms {
        struct sk_audit_limits limits;
        bool commands, reads, required;
    } terms; /* the loop's */
    struct sk_buf body;

    struct sk_audit_writer writer; /* the thread's, but for putting into its ring */
    pthread_t thread;
    pthread_mutex_t mutex; /* for the next four */
    pthread_cond_t changed;
    bool closing;
    bool has_news;
    struct sk_audit_limits news;

    struct terms opened_with; /* never changed */
    bool greeted;             /* the thread's: the chain knows of this daemon */
    atomic_bool sleeps;       /* the thread: it must be told */
    atomic_bool failing;
    _Atomic uint64_t lines;
    _Atomic double room;
    bool losing; /* the loop's: it was logged */

    struct sk_done *closed;
    struct sk_post gone;
};

/* --- on the loop -------------------------------------------------------------------- */

static void wake(struct sk_audit *audit)
{
    if (!atomic_load(&audit->sleeps))
        return;
    (void)pthread_mutex_lock(&audit->mutex);
    (void)pthread_cond_signal(&audit->changed);
    (void)pthread_mutex_unlock(&audit->mutex);
}

static void note_loss(struct sk_audit *audit, bool lost)
{
    if (lost && !audit->losing)
        sk_log(audit->log, SK_ERROR, "audit.losing",
               SK_STR("advice", "the disk does not take the audit: make room in state_dir"));
    audit->losing = lost;
}

static void put_body(struct sk_audit *audit)
{
    note_loss(audit, !sk_ring_put(&audit->writer.ring, audit->body.data, audit->body.len));
    wake(audit);
}

size_t sk_audit_write(struct sk_audit *audit, const struct sk_audit_event *event)
{
    struct sk_audit_event told = *event;
    if (!audit)
        return 0;
    if (!audit->terms.commands)
        told.command = NULL;
    sk_buf_clear(&audit->body);
    sk_audit_event_write(&told, sk_loop_wall(audit->loop), &audit->body);
    put_body(audit);
    return audit->body.len;
}

bool sk_audit_tells_reads(const struct sk_audit *audit)
{
    return audit && audit->terms.reads;
}

bool sk_audit_is_required(const struct sk_audit *audit)
{
    return audit && audit->terms.required;
}

void sk_audit_charge(struct sk_audit *audit, struct sk_audit_share *share, size_t bytes)
{
    if (!audit)
        return;
    uint64_t put = sk_ring_end(&audit->writer.ring);
    sk_audit_share_add(share, put - sk_ring_used(&audit->writer.ring), put, bytes);
}

bool sk_audit_has_share(const struct sk_audit *audit, struct sk_audit_share *share)
{
    if (!audit)
        return true;
    size_t used = sk_ring_used(&audit->writer.ring);
    uint64_t put = sk_ring_end(&audit->writer.ring);
    return sk_audit_share_waits(share, put - used, put) + used < SK_RING_SIZE / 2;
}

void sk_audit_miss(struct sk_audit *audit)
{
    if (!audit)
        return;
    sk_ring_lose(&audit->writer.ring);
    note_loss(audit, true);
    wake(audit);
}

/* Half of the ring is for ends. */
bool sk_audit_has_room(const struct sk_audit *audit)
{
    return !audit || sk_ring_used(&audit->writer.ring) < SK_RING_SIZE / 2;
}

bool sk_audit_lets_change(const struct sk_audit *audit, bool ends)
{
    if (!audit || !audit->terms.required)
        return true;
    if (ends)
        return sk_ring_used(&audit->writer.ring) < SK_RING_SIZE / 8 * 7;
    return !atomic_load(&audit->failing) && sk_audit_has_room(audit);
}

static struct terms terms_of(const struct sk_audit_options *options)
{
    struct terms terms = {options->limits, options->commands, options->reads, options->required};
    terms.limits.ring_folder = NULL;
    return terms;
}

static bool is_same(const struct terms *a, const struct terms *b)
{
    return a->limits.sync == b->limits.sync && a->limits.file_bytes == b->limits.file_bytes &&
           a->limits.files == b->limits.files && a->limits.keeps == b->limits.keeps &&
           a->limits.days == b->limits.days && a->commands == b->commands && a->reads == b->reads &&
           a->required == b->required;
}

static const char *yes_no(bool is_so)
{
    return is_so ? "true" : "false";
}

/* Appends members of a line. */
static void write_terms(const struct terms *t, struct sk_buf *out)
{
    static const char *const syncs[] = {
        [SK_AUDIT_SYNC_NEVER] = "never", [SK_AUDIT_SYNC_SECOND] = "second", [SK_AUDIT_SYNC_GROUP] = "group"};
    (void)!sk_buf_printf(out,
                         ",\"files\":%zu,\"file_bytes\":%" PRId64 ",\"days\":%" PRId64
                         ",\"full\":\"%s\",\"sync\":\"%s\""
                         ",\"required\":%s,\"commands\":%s,\"reads\":%s",
                         t->limits.files, t->limits.file_bytes, t->limits.days,
                         t->limits.keeps ? "refuse_changes" : "drop_oldest", syncs[t->limits.sync],
                         yes_no(t->required), yes_no(t->commands), yes_no(t->reads));
}

/* Between the lines that were made under the old terms and those under the new ones. */
static void tell_terms(struct sk_audit *audit)
{
    sk_buf_clear(&audit->body);
    sk_audit_event_write(&(struct sk_audit_event){.event = "audit.terms"}, sk_loop_wall(audit->loop),
                         &audit->body);
    write_terms(&audit->terms, &audit->body);
    put_body(audit);
}

void sk_audit_configure(struct sk_audit *audit, const struct sk_audit_options *options)
{
    const struct terms terms = terms_of(options);
    if (!audit || is_same(&audit->terms, &terms))
        return;
    audit->terms = terms;
    (void)pthread_mutex_lock(&audit->mutex);
    audit->news = terms.limits;
    audit->has_news = true;
    (void)pthread_mutex_unlock(&audit->mutex);
    tell_terms(audit);
}

struct sk_audit_stats sk_audit_stats(const struct sk_audit *audit)
{
    if (!audit)
        return (struct sk_audit_stats){.room = 1};
    return (struct sk_audit_stats){.lines = atomic_load(&audit->lines),
                                   .lost = sk_ring_lost(&audit->writer.ring),
                                   .failing = atomic_load(&audit->failing),
                                   .room = atomic_load(&audit->room)};
}

/* --- on the thread ------------------------------------------------------------------- */

/* Until there is something to do, or `most` is over; true: closing. */
static bool wait_for_work(struct sk_audit *audit, bool only_close, struct sk_duration most)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + most.ns;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    int late = 0;
    (void)pthread_mutex_lock(&audit->mutex);
    while (!audit->closing && !late) {
        atomic_store(&audit->sleeps, !only_close);
        if (!only_close && sk_audit_writer_has_more(&audit->writer))
            break;
        late = pthread_cond_timedwait(&audit->changed, &audit->mutex, &until);
    }
    atomic_store(&audit->sleeps, false);
    bool closing = audit->closing;
    (void)pthread_mutex_unlock(&audit->mutex);
    return closing;
}

static void note(struct sk_audit *audit, const struct sk_err *err)
{
    atomic_store(&audit->lines, audit->writer.written);
    atomic_store(&audit->room, sk_audit_writer_room(&audit->writer));
    bool was = atomic_exchange(&audit->failing, err != NULL);
    if (err && !was)
        sk_log_err(audit->log, SK_ERROR, "audit.failing", err);
    else if (!err && was)
        sk_log(audit->log, SK_WARN, "audit.works_again");
}

static void finish(struct sk_post *post)
{
    struct sk_audit *audit = sk_container_of(post, struct sk_audit, gone);
    struct sk_done *closed = audit->closed;
    (void)pthread_join(audit->thread, NULL);
    (void)pthread_cond_destroy(&audit->changed);
    (void)pthread_mutex_destroy(&audit->mutex);
    sk_audit_writer_close(&audit->writer);
    sk_buf_fini(&audit->body);
    free(audit);
    sk_done_fire(closed, NULL);
}

static enum sk_code greet(struct sk_audit *audit, struct sk_err *err)
{
    if (audit->greeted)
        return SK_OK;
    SK_CLEANUP(sk_buf_fini) struct sk_buf more;
    sk_buf_init(&more, SK_AUDIT_EVENT_MAX);
    (void)!sk_buf_printf(&more, ",\"version\":\"%s\",\"pid\":%d", SK_VERSION, (int)getpid());
    write_terms(&audit->opened_with, &more);
    SK_AUTO_FREE char *text = sk_buf_take_text(&more);
    enum sk_code code = sk_audit_writer_say(&audit->writer, "audit.opened", text, err);
    audit->greeted = code == SK_OK;
    return code;
}

static void take_news(struct sk_audit *audit)
{
    (void)pthread_mutex_lock(&audit->mutex);
    bool has_news = audit->has_news;
    const struct sk_audit_limits limits = audit->news;
    audit->has_news = false;
    (void)pthread_mutex_unlock(&audit->mutex);
    if (has_news)
        sk_audit_writer_limit(&audit->writer, &limits);
}

static enum sk_code step(struct sk_audit *audit, struct sk_err *err)
{
    take_news(audit);
    enum sk_code code = greet(audit, err);
    return code == SK_OK ? sk_audit_writer_step(&audit->writer, err) : code;
}

/* What the disk refuses now waits in the ring for the next daemon. */
static void end(struct sk_audit *audit)
{
    struct sk_err err;
    enum sk_code code = step(audit, &err); /* also where nothing waits but other limits */
    while (code == SK_OK && sk_audit_writer_has_more(&audit->writer))
        code = step(audit, &err);
    if (code == SK_OK)
        code = sk_audit_writer_say(&audit->writer, "audit.closed", "", &err);
    if (code == SK_OK)
        code = sk_audit_writer_sync(&audit->writer, &err);
    if (code != SK_OK)
        sk_log_err(audit->log, SK_ERROR, "audit.not_finished", &err);
}

static void *work(void *arg)
{
    struct sk_audit *audit = arg;
    struct sk_err err;
    bool closing = false;
    while (!closing) {
        closing = audit->greeted && wait_for_work(audit, false, SK_SEC(1));
        enum sk_code code = step(audit, &err);
        note(audit, code == SK_OK ? NULL : &err);
        if (code == SK_OK && sk_ring_used(&audit->writer.ring) > CROWD)
            continue;
        closing = closing || wait_for_work(audit, true, code == SK_OK ? GATHER : RETRY);
    }
    end(audit);
    sk_loop_post(audit->loop, &audit->gone, finish);
    return NULL;
}

/* --- open, close --------------------------------------------------------------------- */

/* Signals are the loop thread's business. */
static int start_thread(struct sk_audit *audit)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&audit->mutex, NULL);
    (void)pthread_cond_init(&audit->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int sys = pthread_create(&audit->thread, NULL, work, audit);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

static enum sk_code start(struct sk_audit *audit, struct sk_err *err)
{
    int sys = start_thread(audit);
    if (!sys)
        return SK_OK;
    sk_audit_writer_close(&audit->writer);
    return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, sys, "start the audit's thread");
}

enum sk_code sk_audit_open(const struct sk_audit_options *options, struct sk_audit **out_audit,
                           struct sk_err *err)
{
    struct sk_audit *audit = sk_alloc(sizeof(*audit));
    struct sk_err note = {0};
    audit->loop = options->loop;
    audit->log = options->log;
    audit->terms = audit->opened_with = terms_of(options);
    sk_buf_init(&audit->body, SK_AUDIT_EVENT_MAX);
    enum sk_code code = sk_audit_writer_open(&audit->writer, options->folder, &options->limits, &note, err);
    if (note.code)
        sk_log_err(options->log, SK_WARN, "audit.hampered", &note,
                   SK_STR("advice", "make room in state_dir: lines of the audit may get lost"));
    atomic_init(&audit->room, code == SK_OK ? sk_audit_writer_room(&audit->writer) : 0);
    if (code == SK_OK)
        code = start(audit, err);
    if (code != SK_OK) {
        sk_buf_fini(&audit->body);
        free(audit);
        return sk_err_wrap(err, "audit");
    }
    *out_audit = audit;
    return SK_OK;
}

void sk_audit_close(struct sk_audit *audit, struct sk_done *done)
{
    assert(!audit->closed);
    audit->closed = done;
    (void)pthread_mutex_lock(&audit->mutex);
    audit->closing = true;
    (void)pthread_cond_signal(&audit->changed);
    (void)pthread_mutex_unlock(&audit->mutex);
}
