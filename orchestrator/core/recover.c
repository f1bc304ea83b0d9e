#include "core/recover.h"

#include "core/activity.h"
#include "core/create.h"
#include "core/drain_impl.h"
#include "core/lifetime.h"
#include "core/remove.h"
#include "core/session_impl.h"

#include <string.h>

/* While the runtime does not answer. */
#define RETRY_EVERY SK_SEC(1)

struct sk_recovery {
    struct sk_node *node;
    struct sk_done *done;
    struct sk_done listed;
    struct sk_runtime_list list;
    struct sk_timer retry;
    bool listing, stopped, told;
};

static void finish(struct sk_recovery *r, const struct sk_err *err)
{
    struct sk_node *node = r->node;
    struct sk_done *done = r->done;

    node->recovery = NULL;
    sk_timer_stop(node->loop, &r->retry);
    free(r->list.items);
    free(r);
    sk_done_later(node->loop, done, err);
    sk_drain_look(node);
    sk_node_unhold(node);
}

/* --- loading --------------------------------------------------------------- */

static void load_one(void *arg, const char *key, const uint8_t *data, size_t len)
{
    struct sk_recovery *r = arg;
    struct sk_node *node = r->node;
    struct sk_record *record = NULL;
    struct sk_err err = {0};

    if (sk_record_unpack(data, len, &record, &err) != SK_OK) {
        /* Its bytes stay in the store as evidence; what the drivers hold of it goes to gc. */
        sk_log_err(node->log, SK_ERROR, "recover.bad_record", &err, SK_STR("key", key));
        return;
    }
    if (strcmp(record->id, key) != 0 || sk_node_find_any(node, record->id)) {
        sk_log(node->log, SK_ERROR, "recover.misplaced_record", SK_STR("key", key));
        sk_record_free(record);
        return;
    }
    struct sk_sandbox *s = sk_sandbox_new(node, record);
    s->durable = true;
    sk_node_insert(node, s);
    sk_session_rejoin(s);
}

static enum sk_code load(struct sk_recovery *r, struct sk_err *err)
{
    struct sk_node *node = r->node;
    enum sk_code code = sk_sessions_load(node, err);

    if (code == SK_OK)
        code = sk_drain_load(node, err);
    if (code == SK_OK)
        code = sk_store_load(node->store, SK_KIND_SANDBOX, load_one, r, err);
    /* The oldest first, so that the search for ports goes on behind the newest. */
    sk_list_each(&node->sandboxes, link)
        sk_network_reclaim_ports(sk_list_entry(link, struct sk_sandbox, link));
    return code;
}

/* --- taking up ------------------------------------------------------------- */

static void take_up(struct sk_sandbox *s)
{
    bool alive = sk_sandbox_seen_alive(s) && s->seen_pid > 0;

    if (sk_state_is_final(s->state) && !alive)
        return;           /* leftovers are gc's */
    sk_sandbox_charge(s); /* what lives is admitted, whether or not it still fits */
    if (sk_state_is_final(s->state))
        return; /* the same, and until then they hold what they held */
    sk_lifetime_resume(s);
    sk_activity_begin(s);
    if (s->state == SK_STATE_TERMINATING)
        sk_sandbox_resume_end(s);
    if (s->state == SK_STATE_PENDING && s->record->start_on_first_use)
        return; /* it waits on */
    if (s->state <= SK_STATE_CREATING) {
        (void)sk_sandbox_move(s, SK_EV_BEGIN, NULL);
        sk_create_start(s, true);
    } else if (alive) {
        sk_network_restore(s);
        sk_adoption_start(s, s->seen_pid);
    } else if (s->state == SK_STATE_RUNNING) {
        sk_sandbox_break(s, "the sandbox's task ended while the daemon was away");
    } else {
        sk_removal_start(s);
    }
}

static void list(struct sk_recovery *r);

static void on_retry(struct sk_timer *timer)
{
    list(sk_container_of(timer, struct sk_recovery, retry));
}

static void stopped(struct sk_recovery *r)
{
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_CANCELLED, "the daemon is stopping");
    finish(r, &err);
}

static void on_listed(struct sk_done *done, const struct sk_err *err)
{
    struct sk_recovery *r = sk_container_of(done, struct sk_recovery, listed);
    struct sk_node *node = r->node;

    r->listing = false;
    if (r->stopped) {
        stopped(r);
        return;
    }
    if (err) {
        if (!r->told)
            sk_log_err(node->log, SK_WARN, "recover.list_failed", err);
        r->told = true;
        sk_timer_start(node->loop, &r->retry, sk_instant_add(sk_loop_now(node->loop), RETRY_EVERY), on_retry);
        return;
    }
    sk_node_see(node, &r->list);
    sk_list_each(&node->sandboxes, link) take_up(sk_list_entry(link, struct sk_sandbox, link));
    sk_sessions_take_up(node);
    sk_gc_start(&node->gc);
    sk_images_start(node->images);
    sk_lifetime_start_sweep(node);
    finish(r, NULL);
}

static void list(struct sk_recovery *r)
{
    r->listing = true;
    sk_done_init(&r->listed, on_listed);
    r->node->runtime->ops->list(r->node->runtime, &r->list, &r->listed);
}

void sk_node_recover(struct sk_node *node, struct sk_done *done)
{
    struct sk_recovery *r = sk_alloc(sizeof(*r));
    struct sk_err err = {0};

    r->node = node;
    r->done = done;
    node->recovery = r;
    sk_node_hold(node);
    if (load(r, &err) != SK_OK)
        finish(r, &err);
    else
        list(r);
}

void sk_recover_stop(struct sk_node *node)
{
    struct sk_recovery *r = node->recovery;

    if (!r)
        return;
    r->stopped = true;
    if (r->listing)
        sk_done_cancel(&r->listed);
    else
        stopped(r);
}
