/* lease.c: what keeps an image together until its name is there. */
#include "containerd/leases.pb-c.h"
#include "drivers/containerd/errand.h"

#include <string.h>
#include <time.h>

/* containerd cannot prolong a lease, and making one anew loses what lies under it: so it lasts long enough
 * for a pull (image_pull_limit_s can be 20 hours), and what a killed daemon leaves is litter to the next one.
 */
#define EXPIRES_AFTER SK_SEC(24 * 3600)
#define RENEWED_AT    SK_SEC(2 * 3600) /* before the end */
#define HELD_FOR      SK_SEC(3600)

#define LABEL_EXPIRE "containerd.io/gc.expire"

/* --- which are ours -------------------------------------------------------------- */

static struct sk_ctd_lease *find_lease(const struct sk_ctd_content *content, const char *name)
{
    sk_list_each(&content->leases, link)
    {
        struct sk_ctd_lease *lease = sk_list_entry(link, struct sk_ctd_lease, link);
        if (strcmp(lease->name, name) == 0)
            return lease;
    }
    return NULL;
}

bool sk_ctd_lease_is_held(const struct sk_ctd_content *content, const char *name)
{
    const struct sk_ctd_lease *lease = find_lease(content, name);

    return lease && lease->until.ns > sk_loop_now(content->client->loop).ns;
}

static void note_lease(struct sk_ctd_content *content, const char *name)
{
    struct sk_ctd_lease *lease = find_lease(content, name);

    if (!lease) {
        lease = sk_alloc(sizeof(*lease));
        lease->name = sk_strdup(name);
        sk_list_append(&content->leases, &lease->link);
    }
    lease->until = sk_instant_add(sk_loop_now(content->client->loop), HELD_FOR);
}

void sk_ctd_lease_forget(struct sk_ctd_lease *lease)
{
    sk_list_remove(&lease->link);
    free(lease->name);
    free(lease);
}

static void forget_kept(struct sk_ctd_content *content, const char *name)
{
    sk_list_each(&content->writes, link)
    {
        struct sk_ctd_write *write = sk_list_entry(link, struct sk_ctd_write, link);
        if (!write->users && strcmp(write->lease, name) == 0)
            sk_ctd_write_forget(write);
    }
}

static void forget_lease(struct sk_ctd_content *content, const char *name)
{
    struct sk_ctd_lease *lease = find_lease(content, name);

    forget_kept(content, name);
    if (lease)
        sk_ctd_lease_forget(lease);
}

/* --- hold ------------------------------------------------------------------------- */

static void create(struct sk_errand *errand, struct sk_done *done)
{
    Containerd__Label expire = CONTAINERD__LABEL__INIT, *labels[] = {&expire};
    Containerd__CreateLeaseRequest request = CONTAINERD__CREATE_LEASE_REQUEST__INIT;
    time_t until = (time_t)((sk_loop_wall(errand->content->client->loop).ns + EXPIRES_AFTER.ns) / 1000000000);
    struct tm utc;
    char text[32];

    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&until, &utc));
    expire.key = LABEL_EXPIRE;
    expire.value = text;
    request.id = (char *)errand->key;
    request.labels = labels;
    request.n_labels = 1;
    sk_errand_call(errand, SK_CTD_LEASE_CREATE, SK_FORGIVE(SK_ALREADY_EXISTS), SK_NS(0), &request.base, done);
}

static void create_step(struct sk_op *op, struct sk_done *done)
{
    create(sk_errand_of(op), done);
}

/* errand->user is not NULL from here on when the lease that is there must be made anew. */
static void look_step(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__ListLeasesRequest request = CONTAINERD__LIST_LEASES_REQUEST__INIT;
    char *filter = sk_arena_printf(&errand->arena, "id==\"%s\"", errand->key);

    if (errand->said.code != SK_ALREADY_EXISTS) {
        sk_errand_step_ends(errand, NULL, done);
        return;
    }
    errand->user = errand;
    request.filters = &filter;
    request.n_filters = 1;
    sk_errand_call(errand, SK_CTD_LEASE_LIST, 0, SK_NS(0), &request.base, done);
}

static int64_t expires_s(const Containerd__Lease *lease)
{
    struct tm utc = {0};

    for (size_t i = 0; i < lease->n_labels; i++)
        if (strcmp(lease->labels[i]->key, LABEL_EXPIRE) == 0 &&
            strptime(lease->labels[i]->value, "%Y-%m-%dT%H:%M:%S", &utc))
            return (int64_t)timegm(&utc);
    return 0;
}

static bool lasts(const struct sk_errand *errand)
{
    const Containerd__ListLeasesResponse *found = (const Containerd__ListLeasesResponse *)errand->answer;
    int64_t needed_ns = sk_loop_wall(errand->content->client->loop).ns + RENEWED_AT.ns;

    return found->n_leases > 0 && expires_s(found->leases[0]) > needed_ns / 1000000000;
}

static void delete_step(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);
    Containerd__DeleteLeaseRequest request = CONTAINERD__DELETE_LEASE_REQUEST__INIT;

    if (!errand->user || lasts(errand)) {
        errand->user = NULL;
        sk_errand_step_ends(errand, NULL, done);
        return;
    }
    request.id = (char *)errand->key;
    sk_errand_call(errand, SK_CTD_LEASE_DELETE, SK_FORGIVE(SK_NOT_FOUND), SK_NS(0), &request.base, done);
}

static void again_step(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);

    if (errand->user)
        create(errand, done);
    else
        sk_errand_step_ends(errand, NULL, done);
}

static void note_step(struct sk_op *op, struct sk_done *done)
{
    struct sk_errand *errand = sk_errand_of(op);

    note_lease(errand->content, errand->key);
    sk_errand_step_ends(errand, NULL, done);
}

void sk_ctd_hold_lease(struct sk_content *base, const char *lease, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"create", create_step, NULL}, {"look", look_step, NULL}, {"delete", delete_step, NULL},
        {"again", again_step, NULL},   {"note", note_step, NULL}, {0},
    };

    sk_errand_start(sk_errand_new(base, NULL, lease, NULL), "hold", steps, done);
}

/* --- let go ------------------------------------------------------------------------ */

void sk_ctd_let_go_lease(struct sk_content *base, const char *lease, struct sk_done *done)
{
    struct sk_ctd_content *content = sk_ctd_content_of(base);
    Containerd__DeleteLeaseRequest request = CONTAINERD__DELETE_LEASE_REQUEST__INIT;

    forget_lease(content, lease);
    request.id = (char *)lease;
    request.sync = true;
    sk_ctd_call(content->client,
                &(struct sk_ctd_ask){.method = SK_CTD_LEASE_DELETE,
                                     .limit = SK_CTD_COLLECT_LIMIT,
                                     .forgive = SK_FORGIVE(SK_NOT_FOUND),
                                     .can_cancel = true},
                &request.base, done);
}
