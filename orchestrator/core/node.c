#include "core/activity.h"
#include "core/answer.h"
#include "core/create.h"
#include "core/exec_impl.h"
#include "core/file_impl.h"
#include "core/lifetime.h"
#include "core/patience.h"
#include "core/recover.h"
#include "core/remove.h"
#include "core/session_impl.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* --- birth and death ------------------------------------------------------- */

static void read_boot_id(char out[40])
{
    SK_AUTO_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, 36) : -1;

    out[len > 0 ? len : 0] = '\0';
}

static void set_away(struct sk_node *node, bool away)
{
    node->outages += (unsigned)(away && !node->away);
    node->away = away;
    sk_log(node->log, away ? SK_WARN : SK_INFO, away ? "node.unavailable" : "node.available");
    if (away)
        return;
    sk_patience_end_all(node);
    sk_gc_retry(&node->gc);
}

static void on_runtime_event(void *arg, const struct sk_runtime_event *event)
{
    struct sk_node *node = arg;
    struct sk_sandbox *s = event->id ? sk_node_find_any(node, event->id) : NULL;

    if (event->kind == SK_RUNTIME_AWAY || event->kind == SK_RUNTIME_BACK)
        set_away(node, event->kind == SK_RUNTIME_AWAY);
    else if (s && event->kind == SK_RUNTIME_OOM)
        sk_main_oom(s);
    else if (event->kind == SK_RUNTIME_RESYNC ||
             (s && event->kind == SK_RUNTIME_EXIT && s->state <= SK_STATE_RUNNING))
        sk_gc_look(&node->gc);
}

static void ignore_event(void *arg, const struct sk_runtime_event *event)
{
    (void)arg;
    (void)event;
}

struct sk_node *sk_node_new(struct sk_loop *loop, const struct sk_log *log,
                            const struct sk_node_config *config, const struct sk_node_drivers *drivers,
                            struct sk_store *store)
{
    struct sk_node *node = sk_alloc(sizeof(*node));

    node->loop = loop;
    node->log = log;
    node->config = *config;
    node->runtime = drivers->runtime;
    node->image_driver = drivers->images;
    node->agent = drivers->agent;
    node->network = drivers->network;
    node->names = drivers->names;
    node->edge = drivers->edge;
    node->store = store;
    sk_map_init(&node->by_id);
    sk_map_init(&node->by_request);
    sk_list_init(&node->sandboxes);
    sk_list_init(&node->live);
    sk_map_init(&node->addresses);
    sk_ports_init(&node->ports, config->network.first_port, config->network.last_port);
    sk_map_init(&node->session_by_id);
    sk_map_init(&node->session_by_request);
    sk_list_init(&node->sessions);
    sk_list_init(&node->unclosed);
    sk_list_init(&node->unsaved);
    sk_list_init(&node->answers);
    sk_list_init(&node->patient);
    read_boot_id(node->boot_id);
    sk_gc_init(&node->gc, node);
    node->images = sk_images_open(node, &config->images);
    node->runtime->ops->listen(node->runtime, on_runtime_event, node);
    sk_network_listen(node);
    return node;
}

void sk_node_free(struct sk_node *node)
{
    if (!node)
        return;
    assert(node->busy == 0);
    node->runtime->ops->listen(node->runtime, ignore_event, NULL);
    sk_network_deafen(node);
    sk_list_each(&node->sandboxes, link) sk_node_withdraw(node, sk_list_entry(link, struct sk_sandbox, link));
    sk_list_each(&node->sessions, link) sk_session_withdraw(sk_list_entry(link, struct sk_session, link));
    sk_loop_undefer(&node->stop_task);
    sk_gc_fini(&node->gc);
    sk_images_free(node->images);
    sk_map_fini(&node->by_id);
    sk_map_fini(&node->by_request);
    sk_map_fini(&node->addresses);
    sk_map_fini(&node->session_by_id);
    sk_map_fini(&node->session_by_request);
    free(node);
}

bool sk_node_is_available(const struct sk_node *node)
{
    return !node->away;
}

const struct sk_node_config *sk_node_config(const struct sk_node *node)
{
    return &node->config;
}

struct sk_loop *sk_node_loop(const struct sk_node *node)
{
    return node->loop;
}

struct sk_images *sk_node_images(const struct sk_node *node)
{
    return node->images;
}

/* --- indexes --------------------------------------------------------------- */

static bool comes_before(const struct sk_sandbox *a, const struct sk_sandbox *b)
{
    if (a->record->created.ns != b->record->created.ns)
        return a->record->created.ns < b->record->created.ns;
    return strcmp(a->record->id, b->record->id) < 0;
}

static void insert_live(struct sk_node *node, struct sk_sandbox *s)
{
    struct sk_list *at = node->live.prev;

    while (at != &node->live && comes_before(s, sk_list_entry(at, struct sk_sandbox, live)))
        at = at->prev;
    sk_list_prepend(at, &s->live);
}

void sk_node_insert(struct sk_node *node, struct sk_sandbox *s)
{
    struct sk_list *at = node->sandboxes.prev;

    while (at != &node->sandboxes && comes_before(s, sk_list_entry(at, struct sk_sandbox, link)))
        at = at->prev;
    sk_list_prepend(at, &s->link); /* right behind `at` */
    if (!sk_state_is_final(s->record->state))
        insert_live(node, s);
    sk_map_add(&node->by_id, &s->by_id, s->record->id);
    if (s->record->request_id[0] && !sk_map_find(&node->by_request, s->record->request_id))
        sk_map_add(&node->by_request, &s->by_request, s->record->request_id);
    if (s->record->created.ns > node->last_created.ns)
        node->last_created = s->record->created;
}

void sk_node_withdraw(struct sk_node *node, struct sk_sandbox *s)
{
    sk_session_leave(s);
    sk_list_remove(&s->link);
    sk_list_remove(&s->live);
    sk_map_remove(&node->by_id, &s->by_id);
    sk_map_remove(&node->by_request, &s->by_request);
    sk_sandbox_unref(s);
}

struct sk_sandbox *sk_node_find_any(struct sk_node *node, const char *id)
{
    struct sk_map_node *found = sk_map_find(&node->by_id, id);
    return found ? sk_map_entry(found, struct sk_sandbox, by_id) : NULL;
}

bool sk_node_marks(const struct sk_node *node, const char *id)
{
    size_t len = strlen(node->config.node_id);
    return sk_id_is_valid(id) && strncmp(id, node->config.node_id, len) == 0 && id[len] == '-';
}

struct sk_sandbox *sk_node_find(struct sk_node *node, const char *id)
{
    struct sk_sandbox *s = sk_node_find_any(node, id);
    return s && s->durable ? s : NULL;
}

void sk_node_see(struct sk_node *node, const struct sk_runtime_list *list)
{
    node->looks++;
    for (size_t i = 0; i < list->len; i++) {
        struct sk_sandbox *s = sk_node_find_any(node, list->items[i].id);
        if (!s || !list->items[i].task_running)
            continue;
        s->seen = node->looks;
        s->seen_pid = list->items[i].pid;
    }
}

struct sk_instant sk_node_instant(const struct sk_node *node, const char *boot_id, struct sk_instant at,
                                  struct sk_wall wall)
{
    if (wall.ns == 0 || (boot_id && boot_id[0] && strcmp(boot_id, node->boot_id) == 0))
        return at;
    int64_t left = wall.ns - sk_loop_wall(node->loop).ns;
    return sk_instant_add(sk_loop_now(node->loop), SK_NS(left));
}

/* --- create ---------------------------------------------------------------- */

void sk_node_stopping_err(struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, "the node is stopping");
    (void)sk_err_reason(err, "RUNNER_UNAVAILABLE");
}

static void away_err(struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, "the sandbox runtime of this node does not answer: try again soon");
    (void)sk_err_reason(err, SK_REASON_BACKEND);
}

static struct sk_sandbox *find_request(struct sk_node *node, const char *request_id)
{
    struct sk_map_node *found = request_id[0] ? sk_map_find(&node->by_request, request_id) : NULL;
    return found ? sk_map_entry(found, struct sk_sandbox, by_request) : NULL;
}

static void create_again(struct sk_node *node, struct sk_sandbox *original, const struct sk_record *record,
                         struct sk_sandbox **out_sandbox, struct sk_done *done)
{
    struct sk_err err = {0};

    if (memcmp(original->record->request_hash, record->request_hash, sizeof(record->request_hash)) == 0) {
        sk_answer_create(original, false, out_sandbox, done);
        return;
    }
    (void)sk_fail(&err, SK_INVALID_ARGUMENT, "request id %.64s was used for another request",
                  record->request_id);
    (void)snprintf(err.field, sizeof(err.field), "request_id");
    sk_done_later(node->loop, done, &err);
}

struct sk_wall sk_node_next_created(struct sk_node *node)
{
    int64_t now = sk_loop_wall(node->loop).ns;
    return (struct sk_wall){now > node->last_created.ns ? now : node->last_created.ns + 1};
}

static struct sk_sandbox *admit(struct sk_node *node, struct sk_session *session, struct sk_record *record)
{
    record->state = record->start_on_first_use ? SK_STATE_PENDING : SK_STATE_CREATING;
    record->created = sk_node_next_created(node);
    struct sk_sandbox *s = sk_sandbox_new(node, record);
    sk_node_insert(node, s);
    s->network.has_ports = record->spec.network != NULL;
    if (session)
        sk_session_join(session, s);
    return s;
}

static enum sk_code assign_ports(struct sk_node *node, struct sk_record *record, struct sk_err *err)
{
    return record->spec.network ? sk_ports_assign(&node->ports, record->spec.network, err) : SK_OK;
}

static enum sk_code find_session(struct sk_node *node, const struct sk_record *record,
                                 struct sk_session **out_session, struct sk_err *err)
{
    if (!record->session_id[0])
        return SK_OK;
    *out_session = sk_session_find(node, record->session_id);
    if (*out_session)
        return sk_session_admit(*out_session, err);
    sk_session_not_found(err, record->session_id);
    return SK_NOT_FOUND;
}

void sk_node_create(struct sk_node *node, struct sk_record *record, struct sk_sandbox **out_sandbox,
                    struct sk_done *done)
{
    struct sk_sandbox *original = find_request(node, record->request_id);
    struct sk_session *session = NULL;
    struct sk_err err = {0};

    if (node->stopping) {
        sk_node_stopping_err(&err);
        sk_done_later(node->loop, done, &err);
    } else if (original) {
        create_again(node, original, record, out_sandbox, done);
    } else if (node->away) {
        away_err(&err);
        sk_done_later(node->loop, done, &err);
    } else if (find_session(node, record, &session, &err) != SK_OK ||
               assign_ports(node, record, &err) != SK_OK) {
        sk_done_later(node->loop, done, &err);
    } else {
        sk_answer_create(admit(node, session, record), true, out_sandbox, done);
        return;
    }
    sk_record_free(record);
}

/* --- delete ---------------------------------------------------------------- */

static struct sk_duration clamp(struct sk_duration grace, struct sk_duration most)
{
    return grace.ns < 0 ? SK_NS(0) : grace.ns > most.ns ? most : grace;
}

void sk_node_delete(struct sk_node *node, struct sk_sandbox *s, struct sk_duration grace,
                    struct sk_done *done)
{
    struct sk_err err = {0};

    if (s->record->deleted && sk_state_is_final(s->state)) {
        (void)sk_fail(&err, SK_NOT_FOUND, "sandbox %s was deleted", s->record->id);
        (void)sk_err_reason(&err, "SANDBOX_NOT_FOUND");
        sk_done_later(node->loop, done, &err);
        return;
    }
    if (node->stopping) {
        sk_node_stopping_err(&err);
        sk_done_later(node->loop, done, &err);
        return;
    }
    s->record->deleted = true;
    sk_sandbox_end(s, clamp(grace, node->config.max_grace), "deleted by request");
    sk_answer_delete(s, done);
}

/* --- stop ------------------------------------------------------------------ */

static void let_go(struct sk_sandbox *s)
{
    sk_main_fini(s);
    sk_lifetime_end(s);
    sk_timer_stop(s->node->loop, &s->stamp);
    sk_sandbox_close_guest(s, false);
}

static void stopped(struct sk_task *task)
{
    struct sk_node *node = sk_container_of(task, struct sk_node, stop_task);
    struct sk_done *done = node->stop_done;

    if (node->busy > 0)
        return; /* something more has begun: its end comes back here */
    node->stop_done = NULL;
    sk_list_each(&node->sandboxes, link) let_go(sk_list_entry(link, struct sk_sandbox, link));
    sk_done_fire(done, NULL);
}

static void check_stopped(struct sk_node *node)
{
    if (node->stop_done && node->busy == 0)
        sk_loop_defer(node->loop, &node->stop_task, stopped);
}

void sk_node_hold(struct sk_node *node)
{
    node->busy++;
}

void sk_node_unhold(struct sk_node *node)
{
    assert(node->busy > 0);
    node->busy--;
    check_stopped(node);
}

static void stop_sandbox(struct sk_sandbox *s)
{
    struct sk_err why = {0};

    sk_node_stopping_err(&why);
    sk_create_cancel(s, &why);
    sk_removal_cancel(s);
    sk_adoption_cancel(s);
    sk_network_stop(s);
    sk_lifetime_end(s);
    sk_activity_end(s);
    sk_timer_stop(s->node->loop, &s->stamp);
    if (!s->create && !s->adoption) /* those two still need it, and have no execs */
        sk_sandbox_close_guest(s, false);
    sk_execs_stop(s);
    sk_files_stop(s);
}

void sk_node_stop(struct sk_node *node, struct sk_done *done)
{
    assert(!node->stopping);
    node->stopping = true;
    node->stop_done = done;
    sk_lifetime_stop_sweep(node);
    sk_gc_stop(&node->gc);
    sk_images_stop(node->images);
    sk_recover_stop(node);
    sk_answers_stop(node);
    sk_sessions_stop(node);
    sk_list_each(&node->sandboxes, link) stop_sandbox(sk_list_entry(link, struct sk_sandbox, link));
    check_stopped(node);
}
