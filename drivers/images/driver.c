#include "drivers/images/lease.h"

#include "oci/image_config.h"

#include <assert.h>

static void op_remove(struct sk_image_driver *base, const char *name, struct sk_done *done)
{
    struct sk_content *content = sk_images_driver_of(base)->content;
    content->ops->remove_image(content, name, done);
}

static void op_touch(struct sk_image_driver *base, const char *name, int64_t now_s, struct sk_done *done)
{
    struct sk_content *content = sk_images_driver_of(base)->content;
    content->ops->touch_image(content, name, now_s, done);
}

static void op_disk(struct sk_image_driver *base, struct sk_disk_room *out, struct sk_done *done)
{
    struct sk_content *content = sk_images_driver_of(base)->content;
    content->ops->disk(content, out, done);
}

static void op_list_litter(struct sk_image_driver *base, struct sk_litter_list *out, struct sk_done *done)
{
    struct sk_content *content = sk_images_driver_of(base)->content;
    content->ops->list_litter(content, out, done);
}

static void op_remove_litter(struct sk_image_driver *base, const struct sk_litter *litter,
                             struct sk_done *done)
{
    struct sk_content *content = sk_images_driver_of(base)->content;
    content->ops->remove_litter(content, litter, done);
}

static const struct sk_image_ops ops = {
    .find = sk_images_find,
    .pull = sk_images_pull_image,
    .list = sk_images_list,
    .inspect = sk_images_inspect,
    .remove = op_remove,
    .touch = op_touch,
    .disk = op_disk,
    .import_open = sk_images_import_open,
    .import_blob = sk_images_import_blob,
    .import_write = sk_images_import_write,
    .import_commit = sk_images_import_commit,
    .import_finish = sk_images_import_finish,
    .import_close = sk_images_import_close,
    .list_litter = op_list_litter,
    .remove_litter = op_remove_litter,
};

struct sk_images_driver *sk_images_driver_new(const struct sk_images_options *options)
{
    struct sk_images_driver *driver = sk_alloc(sizeof(*driver));

    driver->base.ops = &ops;
    driver->loop = options->loop;
    driver->log = options->log;
    driver->content = options->content;
    driver->registry = options->registry;
    driver->architecture = sk_strdup(sk_architecture_of(options->machine));
    driver->layers_at_once = options->layers_at_once ? options->layers_at_once : 1;
    driver->transfer = options->transfer;
    assert(!options->transfer || options->content->ops->transfer);
    sk_image_cache_init(&driver->cache);
    sk_flights_init(&driver->blobs, driver->loop);
    sk_flights_init(&driver->unpacks, driver->loop);
    sk_map_init(&driver->aheads);
    sk_map_init(&driver->leases);
    sk_list_init(&driver->owed);
    return driver;
}

struct sk_image_driver *sk_images_driver_base(struct sk_images_driver *driver)
{
    return &driver->base;
}

static void release(struct sk_images_driver *driver)
{
    sk_flights_fini(&driver->blobs);
    sk_flights_fini(&driver->unpacks);
    sk_map_fini(&driver->aheads);
    sk_map_fini(&driver->leases);
    sk_image_cache_fini(&driver->cache);
    free(driver->architecture);
    free(driver);
}

void sk_images_driver_hold(struct sk_images_driver *driver)
{
    driver->under_way++;
}

void sk_images_driver_leave(struct sk_images_driver *driver)
{
    struct sk_done *closing = driver->closing;

    assert(driver->under_way > 0);
    if (--driver->under_way > 0 || !closing)
        return;
    release(driver);
    sk_done_fire(closing, NULL);
}

void sk_images_driver_close(struct sk_images_driver *driver_take, struct sk_done *done)
{
    assert(!driver_take->closing);
    sk_leases_give_up(driver_take);
    if (driver_take->under_way > 0) {
        driver_take->closing = done;
        return;
    }
    struct sk_loop *loop = driver_take->loop;
    release(driver_take);
    sk_done_later(loop, done, NULL);
}
