/* measure_use.c: what sandboxes use, a bounded number of them in each piece of work. */
#include "drivers/containerd/cgroup_use.h"
#include "drivers/containerd/runtime.h"
#include "loop/work.h"

#define AT_ONCE 32

struct measuring {
    struct sk_ctd_runtime *rt;
    struct sk_runtime_use *items; /* borrowed */
    size_t count, at;
    struct sk_work work;
    struct sk_done worked;
    struct sk_done *done;
};

/* On a thread of the pool. */
static void run(struct sk_work *work)
{
    struct measuring *m = sk_container_of(work, struct measuring, work);
    size_t end = m->count - m->at < AT_ONCE ? m->count : m->at + AT_ONCE;

    for (; m->at < end; m->at++)
        sk_cgroup_measure("/sys/fs/cgroup", m->rt->cgroup_parent, &m->items[m->at]);
}

static void on_worked(struct sk_done *worked, const struct sk_err *err)
{
    struct measuring *m = sk_container_of(worked, struct measuring, worked);
    struct sk_ctd_client *client = m->rt->client;
    struct sk_done *done = m->done;

    if (!err && m->at < m->count) {
        sk_done_init(&m->worked, on_worked);
        sk_work_start(client->loop, &m->work, run, &m->worked);
        return;
    }
    free(m);
    sk_ctd_let_go(client, done, err);
}

void sk_ctd_measure_use(struct sk_runtime *base, struct sk_runtime_use *items, size_t count,
                        struct sk_done *done)
{
    struct measuring *m = sk_alloc(sizeof(*m));

    m->rt = sk_ctd_runtime_of(base);
    m->items = items;
    m->count = count;
    m->done = done;
    sk_done_init(&m->worked, on_worked);
    sk_ctd_hold(m->rt->client);
    sk_work_start(m->rt->client->loop, &m->work, run, &m->worked);
}
