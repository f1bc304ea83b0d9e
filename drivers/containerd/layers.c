/* layers.c: layers that are unpacked: committed snapshots, each named by its chain id. */
#include "drivers/containerd/layers.h"
#include "containerd/leases.pb-c.h"
#include "containerd/snapshots.pb-c.h"

#include <string.h>

void sk_ctd_lease_snapshot(struct sk_errand *errand, const char *chain, struct sk_done *done)
{
    Containerd__LeaseResource resource = CONTAINERD__LEASE_RESOURCE__INIT;
    Containerd__AddLeaseResourceRequest request = CONTAINERD__ADD_LEASE_RESOURCE_REQUEST__INIT;

    resource.id = (char *)chain;
    resource.type = sk_arena_printf(&errand->arena, "snapshots/%s", errand->content->client->snapshotter);
    request.id = (char *)errand->lease;
    request.resource = &resource;
    sk_errand_call(errand, SK_CTD_LEASE_ADD, 0, SK_NS(0), &request.base, done);
}

static void ask_about(struct sk_errand *errand, enum sk_ctd_method method, const char *chain,
                      struct sk_done *done)
{
    Containerd__SnapshotKeyRequest request = CONTAINERD__SNAPSHOT_KEY_REQUEST__INIT;

    request.snapshotter = errand->content->client->snapshotter;
    request.key = (char *)chain;
    sk_errand_call(errand, method, SK_FORGIVE(SK_NOT_FOUND), SK_NS(0), &request.base, done);
}

/* --- find ---------------------------------------------------------------------- */

/* Before the look, so that what is found is not collected between the two. */
static void lease_it(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);

    if (errand->lease)
        sk_ctd_lease_snapshot(errand, errand->key, done);
    else
        sk_errand_step_ends(errand, NULL, done);
}

static void look(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);

    ask_about(errand, SK_CTD_SNAPSHOT_STAT, errand->key, done);
}

static void tell(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    const Containerd__StatSnapshotResponse *found = (const Containerd__StatSnapshotResponse *)errand->answer;

    *(bool *)errand->out = errand->said.code == SK_OK && found->info &&
                           found->info->kind == CONTAINERD__SNAPSHOT_KIND__SNAPSHOT_KIND_COMMITTED;
    sk_errand_step_ends(errand, NULL, done);
}

void sk_ctd_find_snapshot(struct sk_content *base, const char *lease, const char *chain, bool *out_found,
                          struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"lease", lease_it, NULL}, {"look", look, NULL}, {"tell", tell, NULL}, {0}};

    sk_errand_start(sk_errand_new(base, lease, chain, out_found), "find_snapshot", steps, done);
}

/* --- measure: from the top layer down -------------------------------------------- */

struct measure {
    struct sk_done asked;
    struct sk_done *done; /* of the step */
    struct sk_errand *errand;
    const char *at, *above; /* the layer looked at; the first one that is not */
    int64_t bytes;
    unsigned layers;
};

static void ask_usage(struct measure *m);

static void end_measure(struct measure *m, const struct sk_err *err)
{
    if (!err)
        *(int64_t *)m->errand->out = m->bytes;
    sk_done_fire(m->done, err);
}

static void on_parent(struct sk_done *asked, const struct sk_err *err)
{
    struct measure *m = sk_container_of(asked, struct measure, asked);
    const Containerd__StatSnapshotResponse *found =
        (const Containerd__StatSnapshotResponse *)m->errand->answer;
    bool is_there = !err && m->errand->said.code == SK_OK && found->info;

    m->at = is_there ? found->info->parent : "";
    if (err || !*m->at || strcmp(m->at, m->above) == 0 || ++m->layers > SK_OCI_LAYERS_MAX)
        end_measure(m, err);
    else
        ask_usage(m);
}

static void on_usage(struct sk_done *asked, const struct sk_err *err)
{
    struct measure *m = sk_container_of(asked, struct measure, asked);
    const Containerd__SnapshotUsage *usage = (const Containerd__SnapshotUsage *)m->errand->answer;

    if (err || m->errand->said.code != SK_OK) {
        end_measure(m, err);
        return;
    }
    m->bytes += usage->size > 0 ? usage->size : 0;
    sk_done_init(&m->asked, on_parent);
    ask_about(m->errand, SK_CTD_SNAPSHOT_STAT, m->at, &m->asked);
}

static void ask_usage(struct measure *m)
{
    sk_done_init(&m->asked, on_usage);
    ask_about(m->errand, SK_CTD_SNAPSHOT_USAGE, m->at, &m->asked);
}

static void cancel_measure(struct sk_done *done)
{
    struct measure *m = done->callee;

    sk_done_cancel(&m->asked);
}

static void measure_all(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    struct measure *m = sk_arena_alloc(&errand->arena, sizeof(*m));

    m->errand = errand;
    m->at = errand->key;
    m->above = errand->user;
    m->done = done;
    done->callee = m;
    done->cancel = cancel_measure;
    ask_usage(m);
}

void sk_ctd_measure(struct sk_content *base, const char *chain, const char *above, int64_t *out_bytes,
                    struct sk_done *done)
{
    static const struct sk_step steps[] = {{"measure", measure_all, NULL}, {0}};

    struct sk_errand *errand = sk_errand_new(base, NULL, chain, out_bytes);

    errand->user = sk_arena_strdup(&errand->arena, above);
    sk_errand_start(errand, "measure", steps, done);
}
