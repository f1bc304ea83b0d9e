/* litter.c: what containerd, its shims and the OCI runtime leave on the host: cgroups, state of the OCI
 * runtime, sockets of shims that were killed; and the shims that serve nobody, which strays.c ends. */
#include "base/tree.h"
#include "drivers/containerd/cgroups.h"
#include "drivers/containerd/runtime.h"
#include "drivers/containerd/shim_socket.h"
#include "loop/work.h"

#include <string.h>

#define KIND_CGROUP "cgroup"
#define KIND_STATE  "runtime state"
#define KIND_SOCKET "shim socket"

struct chore {
    struct sk_work work;
    struct sk_done worked;
    struct sk_done *done; /* the caller's */
    struct sk_ctd_runtime *rt;
    struct sk_litter_list *out_list;
    struct sk_litter litter;      /* to remove */
    struct sk_list shims;         /* copies of struct sk_shim_name */
    struct sk_litter_list absent; /* of these */
    bool strays;
};

/* --- on a thread of the pool -------------------------------------------------- */

static char *state_path(const struct chore *c, const char *id)
{
    return sk_printf(SK_RUNTIME_STATE_FOLDER "/%s%s%s", c->rt->client->namespace, *id ? "/" : "", id);
}

static char *socket_path(const struct chore *c, const char *name)
{
    return sk_shim_socket_path(c->rt->strays.socket, c->rt->client->namespace, name);
}

static void add_state(void *arg, const char *name)
{
    sk_litter_add(arg, KIND_STATE, name, false);
}

static void look_at_socket(struct chore *c, const char *name)
{
    SK_AUTO_FREE char *path = socket_path(c, name);
    enum sk_shim_socket is = sk_shim_socket_look(path);

    if (is == SK_SHIM_SOCKET_STALE)
        sk_litter_add(c->out_list, KIND_SOCKET, name, true);
    else if (is == SK_SHIM_SOCKET_ABSENT)
        sk_litter_add(&c->absent, KIND_SOCKET, name, true);
}

static void run_list(struct sk_work *work)
{
    struct chore *c = sk_container_of(work, struct chore, work);
    SK_AUTO_FREE char *states = state_path(c, "");

    sk_cgroups_list(c->rt->cgroup_parent, c->out_list);
    sk_tree_each_folder(states, add_state, c->out_list);
    sk_list_each(&c->shims, node) look_at_socket(c, sk_list_entry(node, struct sk_shim_name, link)->text);
    c->strays = sk_strays_exist(c->rt->client->namespace, c->rt->strays.socket);
}

static void run_remove(struct sk_work *work)
{
    struct chore *c = sk_container_of(work, struct chore, work);
    const char *name = c->litter.name;

    if (strcmp(c->litter.kind, KIND_CGROUP) == 0) {
        (void)!sk_cgroups_remove(c->rt->cgroup_parent, name, &work->err);
        return;
    }
    bool is_socket = strcmp(c->litter.kind, KIND_SOCKET) == 0;
    SK_AUTO_FREE char *path = is_socket ? socket_path(c, name) : state_path(c, name);
    if (!is_socket || sk_shim_socket_look(path) == SK_SHIM_SOCKET_STALE)
        (void)!sk_tree_remove(path, &work->err);
}

/* --- on the loop --------------------------------------------------------------- */

static void on_worked(struct sk_done *worked, const struct sk_err *err)
{
    struct chore *c = sk_container_of(worked, struct chore, worked);
    struct sk_ctd_client *client = c->rt->client;
    struct sk_done *done = c->done;

    for (size_t i = 0; i < c->absent.len; i++)
        sk_shims_forget(&c->rt->shims, c->absent.items[i].name);
    if (c->strays && !c->rt->strays.looks)
        sk_strays_again(&c->rt->strays);
    sk_list_each(&c->shims, node) free(sk_list_entry(node, struct sk_shim_name, link));
    free(c->absent.items);
    free(c);
    sk_ctd_let_go(client, done, err);
}

static struct chore *new_chore(struct sk_runtime *base, struct sk_done *done)
{
    struct chore *c = sk_alloc(sizeof(*c));

    c->rt = sk_ctd_runtime_of(base);
    c->done = done;
    sk_list_init(&c->shims);
    sk_done_init(&c->worked, on_worked);
    sk_ctd_hold(c->rt->client);
    return c;
}

void sk_ctd_list_litter(struct sk_runtime *base, struct sk_litter_list *out_list, struct sk_done *done)
{
    struct chore *c = new_chore(base, done);

    *out_list = (struct sk_litter_list){0};
    c->out_list = out_list;
    sk_list_each(&c->rt->shims.ended, node)
    {
        struct sk_shim_name *copy =
            sk_memdup(sk_list_entry(node, struct sk_shim_name, link), sizeof(struct sk_shim_name));
        sk_list_append(&c->shims, &copy->link);
    }
    sk_work_start(c->rt->client->loop, &c->work, run_list, &c->worked);
}

void sk_ctd_remove_litter(struct sk_runtime *base, const struct sk_litter *litter, struct sk_done *done)
{
    struct chore *c = new_chore(base, done);

    c->litter = *litter;
    sk_work_start(c->rt->client->loop, &c->work, run_remove, &c->worked);
}
