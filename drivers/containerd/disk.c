/* disk.c: how much room there is where the snapshotter keeps its layers. The blobs lie beside them, unless
 * somebody took pains. */
#include "containerd/node.pb-c.h"
#include "drivers/containerd/errand.h"
#include "loop/work.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

struct disk {
    struct sk_work work;
    const char *path;
    struct sk_disk_room found;
};

static void ask_where(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__PluginsRequest request = CONTAINERD__PLUGINS_REQUEST__INIT;
    char *filter = sk_arena_printf(&errand->arena, "type==io.containerd.snapshotter.v1,id==\"%s\"",
                                   errand->content->client->snapshotter);

    request.filters = &filter;
    request.n_filters = 1;
    sk_errand_call(errand, SK_CTD_PLUGINS, 0, SK_NS(0), &request.base, done);
}

static const char *root_of(const Containerd__PluginsResponse *response)
{
    for (size_t i = 0; i < response->n_plugins; i++)
        for (size_t j = 0; j < response->plugins[i]->n_exports; j++)
            if (strcmp(response->plugins[i]->exports[j]->key, "root") == 0)
                return response->plugins[i]->exports[j]->value;
    return NULL;
}

/* On a thread of the pool. */
static void run_look(struct sk_work *work)
{
    struct disk *disk = sk_container_of(work, struct disk, work);
    struct statvfs fs;

    if (statvfs(disk->path, &fs) != 0) {
        (void)sk_fail_sys(&work->err, SK_UNIMPLEMENTED, errno,
                          "the disk that images lie on cannot be looked at");
        return;
    }
    disk->found.total_bytes = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    disk->found.free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

static void look(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    struct disk *disk = sk_arena_alloc(&errand->arena, sizeof(*disk));
    struct sk_err err = {0};

    errand->user = disk;
    disk->path = root_of((const Containerd__PluginsResponse *)errand->answer);
    if (disk->path) {
        sk_work_start(errand->content->client->loop, &disk->work, run_look, done);
        return;
    }
    (void)sk_fail(&err, SK_UNIMPLEMENTED, "containerd does not say where its layers lie");
    sk_errand_step_ends(errand, &err, done);
}

static void tell(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    const struct disk *disk = errand->user;

    *(struct sk_disk_room *)errand->out = disk->found;
    sk_errand_step_ends(errand, NULL, done);
}

void sk_ctd_disk(struct sk_content *base, struct sk_disk_room *out, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"ask", ask_where, NULL}, {"look", look, NULL}, {"tell", tell, NULL}, {0}};

    sk_errand_start(sk_errand_new(base, NULL, NULL, out), "disk", steps, done);
}
