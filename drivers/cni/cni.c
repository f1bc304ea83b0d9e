#include "drivers/cni/cni.h"

#include "base/file.h"
#include "base/own.h"
#include "drivers/cni/fence.h"
#include "drivers/cni/plugin.h"
#include "drivers/nftables/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

/* One attachment. */
struct joint {
    const struct sk_cni_options *options;
    struct sk_cni_list *list;
    char netns[160];
    char kept[300]; /* path of what the plugins said; there from before the first is asked */
    char *result;   /* of the last plugin that was asked; NULL = none */
};

static void joint_fini(struct joint *j)
{
    sk_cni_list_free(j->list);
    free(j->result);
}

static enum sk_code joint_init(struct joint *j, const struct sk_cni_options *options, struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len;
    mode_t mode;
    *j = (struct joint){.options = options};
    (void)snprintf(j->netns, sizeof(j->netns), "%s/net/uplink", options->run_dir);
    (void)snprintf(j->kept, sizeof(j->kept), "%s/cni.json", options->state_dir);
    SK_AUTO_FREE char *folder = sk_printf("%s/net", options->run_dir);
    enum sk_code code = sk_file_load(options->config, SK_CNI_TEXT_MAX, &text, &len, &mode, err);
    if (code == SK_OK)
        code = sk_cni_list_read(text, &j->list, err);
    if (code != SK_OK)
        return sk_err_wrap(err, "cni_config %s", options->config);
    return sk_namespace_prepare(folder, err);
}

/* --- the namespace --------------------------------------------------------------- */

struct making {
    const char *path;
    enum sk_code code;
    struct sk_err err;
};

static void *make(void *arg)
{
    struct making *making = arg;
    SK_AUTO_FD int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0)
        making->code = sk_fail_sys(&making->err, SK_INTERNAL, errno, "hold the network namespace");
    else
        making->code = sk_namespace_make(making->path, home, NULL, NULL, &making->err);
    return NULL;
}

/* By a thread of its own, since it is moved there and back. */
static enum sk_code make_namespace(const char *path, struct sk_err *err)
{
    struct making making = {.path = path};
    pthread_t thread;
    int sys = pthread_create(&thread, NULL, make, &making);
    if (sys)
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, sys, "start a thread");
    (void)pthread_join(thread, NULL);
    if (making.code != SK_OK && err)
        *err = making.err;
    return making.code;
}

/* --- what is kept ------------------------------------------------------------------ */

static enum sk_code keep(const struct joint *j, struct sk_err *err)
{
    const char *text = j->result ? j->result : "";
    return sk_file_replace(j->kept, text, strlen(text), 0600, err);
}

/* False: nothing was joined, as far as anybody knows. The result may be empty. */
static bool recall(struct joint *j)
{
    size_t len;
    mode_t mode;
    free(sk_take(j->result));
    return sk_file_load(j->kept, SK_CNI_TEXT_MAX, &j->result, &len, &mode, NULL) == SK_OK;
}

/* --- the plugins ------------------------------------------------------------------- */

static enum sk_code ask(struct joint *j, const char *command, size_t index, char **out_answer,
                        struct sk_err *err)
{
    SK_AUTO_FREE char *request = NULL;
    const char *before = j->result && j->result[0] ? j->result : NULL;
    enum sk_code code = sk_cni_list_request(j->list, index, before, &request, err);
    const struct sk_cni_call call = {.command = command,
                                     .id = j->options->id,
                                     .netns = j->netns,
                                     .plugins = j->options->plugins,
                                     .type = sk_cni_list_type(j->list, index),
                                     .request = request};
    return code == SK_OK ? sk_cni_run(&call, out_answer, err) : code;
}

static enum sk_code add(struct joint *j, struct sk_err *err)
{
    enum sk_code code = keep(j, err);
    for (size_t i = 0; code == SK_OK && i < sk_cni_list_count(j->list); i++) {
        char *answer = NULL;
        code = ask(j, "ADD", i, &answer, err);
        if (code != SK_OK)
            return code;
        free(j->result);
        j->result = answer;
    }
    return code == SK_OK ? keep(j, err) : code;
}

/* The last first; each is asked, whatever the others say. */
static enum sk_code take_away(struct joint *j, struct sk_err *err)
{
    enum sk_code code = SK_OK;
    for (size_t i = sk_cni_list_count(j->list); i > 0; i--) {
        SK_AUTO_FREE char *answer = NULL;
        struct sk_err one = {0};
        if (ask(j, "DEL", i - 1, &answer, &one) != SK_OK && code == SK_OK) {
            code = one.code;
            if (err)
                *err = one;
        }
    }
    if (code == SK_OK)
        code = sk_namespace_drop(j->netns, err);
    if (code == SK_OK)
        (void)unlink(j->kept);
    return code;
}

/* --- join and leave -------------------------------------------------------------------- */

static bool is_whole(struct joint *j, struct sk_cni_addresses *out)
{
    return recall(j) && sk_namespace_is_pinned(j->netns) && sk_cni_result_read(j->result, out, NULL) == SK_OK;
}

static enum sk_code join_anew(struct joint *j, struct sk_cni_addresses *out, struct sk_err *err)
{
    enum sk_code code = recall(j) || sk_namespace_is_pinned(j->netns) ? take_away(j, err) : SK_OK;
    free(sk_take(j->result));
    if (code == SK_OK)
        code = make_namespace(j->netns, err);
    if (code == SK_OK)
        code = add(j, err);
    if (code == SK_OK)
        code = sk_cni_result_read(j->result, out, err);
    return code;
}

static enum sk_code raise_fence(const struct joint *j, const struct sk_cni_addresses *from,
                                struct sk_err *err)
{
    const struct sk_cni_fence fence = {.name = j->options->fence,
                                       .from = from->items,
                                       .from_count = from->count,
                                       .gaps = j->options->gaps,
                                       .gap_count = j->options->gap_count};
    return sk_cni_fence_raise(&fence, err);
}

enum sk_code sk_cni_join(const struct sk_cni_options *options, struct sk_cni_place *out_place,
                         struct sk_err *err)
{
    struct joint j;
    struct sk_cni_addresses addresses = {0};
    enum sk_code code = joint_init(&j, options, err);
    if (code == SK_OK && !is_whole(&j, &addresses)) {
        code = join_anew(&j, &addresses, err);
        if (code != SK_OK)
            (void)!take_away(&j, NULL); /* what resists is taken away by the next start */
    }
    if (code == SK_OK)
        code = raise_fence(&j, &addresses, err);
    if (code == SK_OK) {
        *out_place = (struct sk_cni_place){.addresses = addresses};
        memcpy(out_place->netns, j.netns, sizeof(j.netns));
    }
    joint_fini(&j);
    return code;
}

enum sk_code sk_cni_leave(const struct sk_cni_options *options, struct sk_err *err)
{
    struct joint j;
    enum sk_code code = joint_init(&j, options, err);
    if (code == SK_OK && (recall(&j) || sk_namespace_is_pinned(j.netns)))
        code = take_away(&j, err);
    if (code == SK_OK)
        code = sk_cni_fence_drop(options->fence, err);
    joint_fini(&j);
    return code;
}
