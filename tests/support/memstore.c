#include "support/memstore.h"

#include <assert.h>
#include <string.h>

struct row {
    struct sk_list link;
    const char *kind;
    char *key;
    uint8_t *data;
    size_t len;
};

struct change {
    struct sk_list link;
    struct sk_store *store;
    struct sk_task task;
    struct sk_timer timer;
    struct row row; /* data NULL = delete */
    int verdict;
    struct sk_done *done;
};

struct sk_store {
    struct sk_loop *loop;
    struct sk_list rows;
    struct sk_list changes;
    int (*hook)(void *arg, const char *call);
    void *arg;
    size_t puts;
};

struct sk_store *sk_memstore_new(struct sk_loop *loop)
{
    struct sk_store *store = sk_alloc(sizeof(*store));

    store->loop = loop;
    sk_list_init(&store->rows);
    sk_list_init(&store->changes);
    return store;
}

static void free_row(struct row *row)
{
    sk_list_remove(&row->link);
    free(row->key);
    free(row->data);
}

void sk_memstore_free(struct sk_store *store)
{
    assert(sk_list_is_empty(&store->changes));
    sk_list_each(&store->rows, link)
    {
        struct row *row = sk_list_entry(link, struct row, link);
        free_row(row);
        free(row);
    }
    free(store);
}

void sk_memstore_hook(struct sk_store *store, int (*hook)(void *arg, const char *call), void *arg)
{
    store->hook = hook;
    store->arg = arg;
}

/* Keys are ids, and those of one kind cannot be taken for another's. */
static struct row *find(const struct sk_store *store, const char *key)
{
    sk_list_each(&store->rows, link)
    {
        struct row *row = sk_list_entry(link, struct row, link);
        if (strcmp(row->key, key) == 0)
            return row;
    }
    return NULL;
}

const uint8_t *sk_memstore_get(const struct sk_store *store, const char *key, size_t *out_len)
{
    const struct row *row = find(store, key);

    if (row && out_len)
        *out_len = row->len;
    return row ? row->data : NULL;
}

size_t sk_memstore_count(const struct sk_store *store)
{
    size_t count = 0;

    sk_list_each(&store->rows, link) count++;
    return count;
}

size_t sk_memstore_puts(const struct sk_store *store)
{
    return store->puts;
}

static void apply(struct change *change)
{
    struct row *row = find(change->store, change->row.key);

    if (row && !change->row.data) {
        free_row(row);
        free(row);
    } else if (change->row.data) {
        if (!row) {
            row = sk_alloc(sizeof(*row));
            row->kind = change->row.kind;
            row->key = sk_strdup(change->row.key);
            sk_list_append(&change->store->rows, &row->link);
        }
        free(row->data);
        row->data = sk_take(change->row.data);
        row->len = change->row.len;
    }
}

static void finish(struct change *change)
{
    struct sk_done *done = change->done;
    struct sk_err err = {0};

    if (change->verdict != 1 && change->verdict != 4)
        apply(change);
    if (change->verdict != 0 && change->verdict != 3)
        (void)sk_fail(&err, SK_RESOURCE_EXHAUSTED, "the disk is full");
    sk_list_remove(&change->link);
    free_row(&change->row);
    free(change);
    if (done)
        sk_done_fire(done, err.code == SK_OK ? NULL : &err);
}

static void on_task(struct sk_task *task)
{
    finish(sk_container_of(task, struct change, task));
}

static void on_timer(struct sk_timer *timer)
{
    finish(sk_container_of(timer, struct change, timer));
}

static void begin(struct sk_store *store, const char *call, const char *kind, const char *key,
                  const void *data, size_t len, struct sk_done *done)
{
    struct change *change = sk_alloc(sizeof(*change));

    change->store = store;
    change->row.kind = kind;
    change->row.key = sk_strdup(key);
    change->row.data = data ? sk_memdup(data, len) : NULL;
    change->row.len = len;
    change->done = done;
    change->verdict = store->hook ? store->hook(store->arg, call) : 0;
    sk_list_append(&store->changes, &change->link);
    if (change->verdict >= 3)
        sk_timer_start(store->loop, &change->timer, sk_instant_add(sk_loop_now(store->loop), SK_SEC(5)),
                       on_timer);
    else
        sk_loop_defer(store->loop, &change->task, on_task);
}

void sk_store_put(struct sk_store *store, const char *kind, const char *key, const void *data, size_t len,
                  struct sk_done *done)
{
    store->puts++;
    begin(store, "store.put", kind, key, data, len, done);
}

void sk_store_delete(struct sk_store *store, const char *kind, const char *key, struct sk_done *done)
{
    begin(store, "store.delete", kind, key, NULL, 0, done);
}

enum sk_code sk_store_load(struct sk_store *store, const char *kind,
                           void (*each)(void *arg, const char *key, const uint8_t *data, size_t len),
                           void *arg, struct sk_err *err)
{
    (void)err;
    sk_list_each(&store->rows, link)
    {
        struct row *row = sk_list_entry(link, struct row, link);
        if (strcmp(row->kind, kind) == 0)
            each(arg, row->key, row->data, row->len);
    }
    return SK_OK;
}
