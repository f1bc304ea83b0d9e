#include "cli/image_output.h"

#include "cli/json_put.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/table.h"

#include <string.h>

#define DIGEST_SHORT 12 /* digits */

/* --- JSON ------------------------------------------------------------------------ */

static void put_key_flag(yajl_gen gen, const char *key, bool flag)
{
    sk_json_put_text(gen, key);
    (void)yajl_gen_bool(gen, flag);
}

static void put_config(yajl_gen gen, const Sandkeep__V1__ImageConfig *config)
{
    sk_json_put_text(gen, "config");
    if (!config) {
        (void)yajl_gen_null(gen);
        return;
    }
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_texts(gen, "entrypoint", config->entrypoint, config->n_entrypoint);
    sk_json_put_key_texts(gen, "cmd", config->cmd, config->n_cmd);
    sk_json_put_key_texts(gen, "env", config->env, config->n_env);
    sk_json_put_key_text(gen, "working_dir", config->working_dir);
    sk_json_put_key_text(gen, "user", config->user);
    sk_json_put_key_number(gen, "stop_signal", config->stop_signal);
    (void)yajl_gen_map_close(gen);
}

static void put_fields(yajl_gen gen, const Sandkeep__V1__Image *image)
{
    sk_json_put_key_text(gen, "name", image->name);
    sk_json_put_key_text(gen, "digest", image->digest);
    sk_json_put_key_number(gen, "size_bytes", image->size_bytes);
    sk_json_put_key_moment(gen, "created", image->create_time);
    sk_json_put_key_moment(gen, "last_used", image->last_used_time);
    put_key_flag(gen, "in_use", image->in_use);
    put_key_flag(gen, "pinned", image->pinned);
    put_key_flag(gen, "private", image->private_);
}

static void put_one(yajl_gen gen, const void *what)
{
    const Sandkeep__V1__Image *image = what;

    (void)yajl_gen_map_open(gen);
    put_fields(gen, image);
    put_config(gen, image->config);
    (void)yajl_gen_map_close(gen);
}

struct list {
    Sandkeep__V1__Image *const *images;
    size_t count;
};

static void put_list(yajl_gen gen, const void *what)
{
    const struct list *list = what;

    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < list->count; i++) {
        (void)yajl_gen_map_open(gen);
        put_fields(gen, list->images[i]);
        (void)yajl_gen_map_close(gen);
    }
    (void)yajl_gen_array_close(gen);
}

/* --- table --------------------------------------------------------------------------- */

static const char *age(struct sk_table *table, const Google__Protobuf__Timestamp *at, int64_t now)
{
    char text[24];

    if (!at)
        return NULL;
    sk_age_print(sk_seconds_between(at->seconds, now), text, sizeof(text));
    return sk_arena_strdup(&table->arena, text);
}

static const char *digest(struct sk_table *table, const char *text)
{
    const char *digits = strchr(text, ':');
    return sk_arena_strndup(&table->arena, digits ? digits + 1 : text,
                            strnlen(digits ? digits + 1 : text, DIGEST_SHORT));
}

/* "in use, pinned" */
static const char *marks(struct sk_table *table, const Sandkeep__V1__Image *image)
{
    char *all[3];
    size_t count = 0;

    if (image->in_use)
        all[count++] = "in-use";
    if (image->pinned)
        all[count++] = "pinned";
    if (image->private_)
        all[count++] = "private";
    return sk_output_joined(&table->arena, all, count);
}

static void add_row(struct sk_table *table, const Sandkeep__V1__Image *image, int64_t now)
{
    char size[32];

    sk_bytes_print(image->size_bytes, size, sizeof(size));
    sk_table_add(table, image->name);
    sk_table_add(table, digest(table, image->digest));
    sk_table_add(table, size);
    sk_table_add(table, age(table, image->create_time, now));
    sk_table_add(table, age(table, image->last_used_time, now));
    sk_table_add(table, marks(table, image));
}

static enum sk_code print_table(const struct list *list, struct sk_buf *out)
{
    static const char *const titles[] = {"NAME", "DIGEST", "SIZE", "CREATED", "USED", "MARKS"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    for (size_t i = 0; i < sk_array_len(titles); i++)
        sk_table_add(&table, titles[i]);
    for (size_t i = 0; i < list->count; i++)
        add_row(&table, list->images[i], sk_clock_wall().ns / 1000000000);
    enum sk_code code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

int sk_image_output_list(Sandkeep__V1__Image *const *images, size_t count, bool json)
{
    const struct list list = {images, count};
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code = json ? sk_json_write(put_list, &list, &out, &err) : print_table(&list, &out);
    return sk_output_end(code, &out, &err);
}

int sk_image_output_one(const Sandkeep__V1__Image *image)
{
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code = sk_json_write(put_one, image, &out, &err);
    return sk_output_end(code, &out, &err);
}
