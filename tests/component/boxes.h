/* boxes.h: sandboxes made and removed through the driver in one call each, for the component tests
 * of containerd. Include cmocka.h first. */
#ifndef SK_COMPONENT_BOXES_H
#define SK_COMPONENT_BOXES_H

#include "support/private_containerd.h"

struct made {
    char id[64];
    int pid;
    char *report;
};

static inline void call_on_box(struct private_containerd *p, const struct sk_box *box,
                               void (*call)(struct sk_runtime *, const struct sk_box *, struct sk_done *))
{
    struct sk_wait w;
    sk_wait_init(&w, p->loop);
    call(sk_containerd_runtime(p->driver), box, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
}

static inline void call_on_id(struct private_containerd *p, const char *id,
                              void (*call)(struct sk_runtime *, const char *, struct sk_done *))
{
    struct sk_wait w;
    sk_wait_init(&w, p->loop);
    call(sk_containerd_runtime(p->driver), id, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
}

static inline char *read_text(const char *path)
{
    char *text = sk_alloc(65536);
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, 65535, file) : 0;
    text[len] = '\0';
    if (file)
        fclose(file);
    return text;
}

/* Fills in what the test left open, and starts it. */
static inline void make(struct private_containerd *p, const char *id, struct sk_box box, struct made *out)
{
    struct sk_runtime *rt = sk_containerd_runtime(p->driver);
    struct sk_image *image = sk_test_image(p, SK_TEST_IMAGE);
    struct sk_wait w;
    assert_non_null(image);
    *out = (struct made){0};
    snprintf(out->id, sizeof(out->id), "%s", id);
    box.id = out->id;
    box.hostname = out->id;
    box.image_name = image->name;
    box.snapshot_parent = image->snapshot_parent;
    box.agent_dir = p->agent_dir;
    call_on_box(p, &box, rt->ops->prepare_rootfs);
    call_on_box(p, &box, rt->ops->create_container);
    sk_wait_init(&w, p->loop);
    rt->ops->create_task(rt, &box, &out->pid, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    call_on_id(p, out->id, rt->ops->start_task);
    SK_AUTO_FREE char *path = sk_test_await_report(out->pid);
    out->report = read_text(path);
    sk_image_free(image);
}

static inline void unmake(struct private_containerd *p, struct made *m)
{
    const struct sk_runtime_ops *ops = sk_containerd_runtime(p->driver)->ops;
    call_on_id(p, m->id, ops->delete_task);
    call_on_id(p, m->id, ops->delete_container);
    call_on_id(p, m->id, ops->remove_rootfs);
    free(m->report);
}

#endif
