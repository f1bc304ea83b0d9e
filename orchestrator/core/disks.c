#include "core/disks.h"

#include "core/node_impl.h"

#include <errno.h>
#include <sys/statvfs.h>

#define LOOK_EVERY SK_SEC(10)

static const struct sk_metric free_bytes = {
    .name = "disk_free_bytes",
    .kind = SK_GAUGE,
    .label = "disk",
    .help = "Room on the disks of state and of images, without what is kept for root."};
static const struct sk_metric total_bytes = {
    .name = "disk_total_bytes",
    .kind = SK_GAUGE,
    .label = "disk",
    .help = "How large these disks are; 0 as long as nobody has looked."};
static const char *const words[SK_DISKS] = {"state", "images"};

static void on_looked(struct sk_done *done, const struct sk_err *err)
{
    struct sk_disk_look *look = sk_container_of(done, struct sk_disk_look, done);

    look->busy = false;
    if (!err) {
        sk_series_set(look->free_bytes, (double)look->found.free_bytes);
        sk_series_set(look->total_bytes, (double)look->found.total_bytes);
    }
    sk_node_unhold(look->node);
}

/* On a thread of the pool. */
static void run_state(struct sk_work *work)
{
    struct sk_disk_look *look = sk_container_of(work, struct sk_disk_look, work);
    struct statvfs fs;

    if (statvfs(look->folder, &fs) != 0) {
        (void)sk_fail_sys(&work->err, SK_UNAVAILABLE, errno, "the disk of state cannot be looked at");
        return;
    }
    look->found.total_bytes = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    look->found.free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

static void start(struct sk_disk_look *look, enum sk_disk_of which)
{
    struct sk_node *node = look->node;
    const struct sk_instant now = sk_loop_now(node->loop);

    if (node->stopping || look->busy ||
        (sk_instant_is_set(look->at) && sk_instant_diff(now, look->at).ns < LOOK_EVERY.ns))
        return;
    sk_node_hold(node);
    look->busy = true;
    look->at = now;
    sk_done_init(&look->done, on_looked);
    if (which == SK_DISK_STATE)
        sk_work_start(node->loop, &look->work, run_state, &look->done);
    else
        node->image_driver->ops->disk(node->image_driver, &look->found, &look->done);
}

static void on_read(struct sk_metrics_reader *reader)
{
    struct sk_disks *disks = sk_container_of(reader, struct sk_disks, reader);

    for (size_t i = 0; i < SK_DISKS; i++)
        start(&disks->looks[i], (enum sk_disk_of)i);
}

void sk_disks_init(struct sk_disks *disks, struct sk_node *node)
{
    struct sk_metrics *metrics = node->config.metrics;

    *disks = (struct sk_disks){
        .metrics = metrics, .reader.fn = on_read, .log_dir = sk_strdup(node->config.log_dir)};
    for (size_t i = 0; i < SK_DISKS; i++)
        disks->looks[i] = (struct sk_disk_look){
            .node = node,
            .folder = disks->log_dir,
            .free_bytes = sk_metrics_series(metrics, &free_bytes, words[i], NULL),
            .total_bytes = sk_metrics_series(metrics, &total_bytes, words[i], NULL),
        };
    sk_metrics_add_reader(metrics, &disks->reader);
}

void sk_disks_fini(struct sk_disks *disks)
{
    sk_metrics_remove_reader(disks->metrics, &disks->reader);
    free(disks->log_dir);
}
