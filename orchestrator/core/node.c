#include "core/activity.h"
#include "core/answer.h"
#include "core/create.h"
#include "core/drain_impl.h"
#include "core/exec_impl.h"
#include "core/file_impl.h"
#include "core/lifetime.h"
#include "core/patience.h"
#include "core/recover.h"
#include "core/remove.h"
#include "core/session_impl.h"

#include <assert.h>
#include <fcntl.h>
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
    sk_timeline_add(&node->timeline, sk_loop_wall(node->loop), "node", "", "the sandbox runtime %s",
                    away ? "does not answer" : "answers again");
    sk_node_set_health(node, SK_HEALTH_BACKEND, away);
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
    sk_gpus_init(&node->gpus, config->gpus, config->gpu_count);
    sk_node_resize(node, &config->capacity);
    sk_ports_init(&node->ports, config->network.first_port, config->network.last_port);
    sk_map_init(&node->session_by_id);
    sk_map_init(&node->session_by_request);
    sk_tenants_init(&node->tenants);
    sk_list_init(&node->sessions);
    sk_list_init(&node->unclosed);
    sk_list_init(&node->unsaved);
    sk_list_init(&node->answers);
    sk_list_init(&node->patient);
    read_boot_id(node->boot_id);
    sk_meters_init(&node->meters, node);
    sk_drain_init(node);
    sk_gc_init(&node->gc, node);
    sk_health_init(&node->health, node);
    sk_usage_init(&node->usage, node);
    sk_disks_init(&node->disks, node);
    node->began = sk_loop_wall(loop);
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
    sk_shutdown_free(node);
    sk_drain_fini(node);
    sk_gc_fini(&node->gc);
    sk_health_fini(&node->health);
    sk_disks_fini(&node->disks);
    sk_usage_fini(&node->usage);
    sk_images_free(node->images);
    sk_meters_fini(&node->meters);
    sk_timeline_fini(&node->timeline);
    sk_timeline_fini(&node->denials);
    sk_map_fini(&node->by_id);
    sk_map_fini(&node->by_request);
    sk_map_fini(&node->addresses);
    sk_map_fini(&node->session_by_id);
    sk_map_fini(&node->session_by_request);
    sk_tenants_fini(&node->tenants);
    free(node);
}

bool sk_node_is_available(const struct sk_node *node)
{
    return !node->away && !sk_drain_refuses(node, &(struct sk_err){0});
}

const struct sk_node_config *sk_node_config(const struct sk_node *node)
{
    return &node->config;
}

void sk_node_configure(struct sk_node *node, const struct sk_node_config *config)
{
    const struct sk_node_config *old = &node->config;
    struct sk_node_config next = *config;

    memcpy(next.node_id, old->node_id, sizeof(next.node_id));
    memcpy(next.log_dir, old->log_dir, sizeof(next.log_dir));
    memcpy(next.cpus, old->cpus, sizeof(next.cpus));
    next.cpu_count = old->cpu_count;
    next.network = old->network;
    next.gpus = old->gpus;
    next.gpu_count = old->gpu_count;
    next.audit = old->audit;
    next.tracer = old->tracer;
    next.metrics = old->metrics;
    next.secrets = old->secrets;
    sk_images_configure(node->images, &config->images);
    next.images = *sk_images_config(node->images);
    node->config = next;
    sk_node_resize(node, &next.capacity);
}

struct sk_loop *sk_node_loop(const struct sk_node *node)
{
    return node->loop;
}

void sk_node_count(const struct sk_node *node, size_t out_counts[SK_STATE_TERMINATED + 1])
{
    memset(out_counts, 0, (SK_STATE_TERMINATED + 1) * sizeof(out_counts[0]));
    sk_list_each(&node->sandboxes, link) out_counts[sk_list_entry(link, struct sk_sandbox, link)->state]++;
}

const struct sk_timeline *sk_node_timeline(const struct sk_node *node)
{
    return &node->timeline;
}

const struct sk_timeline *sk_node_denials(const struct sk_node *node)
{
    return &node->denials;
}

struct sk_images *sk_node_images(const struct sk_node *node)
{
    return node->images;
}

struct sk_wall sk_node_began(const struct sk_node *node)
{
    return node->began;
}

const struct sk_capacity *sk_node_capacity(const struct sk_node *node)
{
    return &node->capacity;
}

void sk_node_resize(struct sk_node *node, const struct sk_amount *total)
{
    node->capacity.total = *total;
    node->capacity.total.gpus = (int64_t)node->gpus.len;
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
    sk_drain_stop(node);
    sk_lifetime_stop_sweep(node);
    sk_gc_stop(&node->gc);
    sk_health_stop(&node->health);
    sk_images_stop(node->images);
    sk_recover_stop(node);
    sk_answers_stop(node);
    sk_sessions_stop(node);
    sk_list_each(&node->sandboxes, link) stop_sandbox(sk_list_entry(link, struct sk_sandbox, link));
    check_stopped(node);
}
