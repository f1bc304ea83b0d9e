/* transfer.c: containerd fetches and unpacks an image by itself.
 *
 * It cannot do so without recording a name, and a name must not be there
 * before it is known whose the image is and how large. So it records one of
 * ours, which list_images leaves out, and which goes when all has come; from
 * then on the lease keeps what came. */
#include "base/random.h"
#include "containerd/images.pb-c.h"
#include "containerd/transfer.pb-c.h"
#include "drivers/containerd/errand.h"
#include "drivers/containerd/talk.h"
#include "drivers/containerd/transfer_words.h"
#include "drivers/image.h"

#include <string.h>

#define TRANSFER_LIMIT SK_SEC(24 * 3600) /* the pull has its own */
#define UNDO_LIMIT     SK_SEC(60)
#define END_LIMIT      SK_SEC(3)
#define TYPE(name)     "containerd.types.transfer." name

struct transfer {
    struct sk_errand *errand; /* whose arena this lies in; its key is the reference */
    struct sk_ctd_transfer_name name;
    struct sk_ctd_talk progress, auth;
    struct sk_done inner; /* of the step that may need to be judged */
    struct sk_done *step;
    const char *architecture;
    char *registry, *username, *password; /* NULL: nobody's */
    struct sk_ctd_parts parts;
    struct sk_image_progress *told; /* the caller's */
    struct sk_transfer_result *out; /* the caller's */
};

static struct transfer *transfer_of(struct sk_op *op)
{
    return sk_errand_of(op)->user;
}

/* --- a step whose error containerd says in its own way ------------------------------ */

static void on_judged(struct sk_done *inner, const struct sk_err *err)
{
    struct transfer *t = sk_container_of(inner, struct transfer, inner);
    struct sk_err said = err ? *err : (struct sk_err){0};

    if (err)
        sk_ctd_transfer_judge(&said, &t->out->is_limited);
    sk_done_fire(sk_take(t->step), err ? &said : NULL);
}

static void cancel_judged(struct sk_done *step)
{
    struct transfer *t = step->callee;

    sk_done_cancel(&t->inner);
}

static struct sk_done *judged(struct transfer *t, struct sk_done *done)
{
    t->step = done;
    done->callee = t;
    done->cancel = cancel_judged;
    sk_done_init(&t->inner, on_judged);
    return &t->inner;
}

/* --- the name that containerd records ------------------------------------------------ */

static void note_name(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    sk_list_append(&t->errand->content->transfers, &t->name.link);
    sk_errand_step_ends(t->errand, NULL, done);
}

static void forget_name(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    sk_list_remove(&t->name.link);
    sk_errand_step_ends(t->errand, NULL, done);
}

static void remove_name(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    Containerd__DeleteImageRequest request = CONTAINERD__DELETE_IMAGE_REQUEST__INIT;

    request.name = t->name.name;
    sk_errand_call(t->errand, SK_CTD_IMAGE_DELETE, SK_FORGIVE(SK_NOT_FOUND), UNDO_LIMIT, &request.base, done);
}

static void nothing(struct sk_op *op, struct sk_done *done)
{
    sk_errand_step_ends(sk_errand_of(op), NULL, done);
}

/* --- what containerd says meanwhile ---------------------------------------------------- */

static void on_progress(struct sk_ctd_talk *talk, const Containerd__Any *word)
{
    struct transfer *t = sk_container_of(talk, struct transfer, progress);
    struct sk_image_progress *told = t->told;

    if (strcmp(word->type_url, TYPE("Progress")) != 0)
        return;
    Containerd__TransferProgress *said =
        containerd__transfer_progress__unpack(NULL, word->value.len, word->value.data);
    if (!said)
        return;
    sk_ctd_parts_note(&t->parts, said->name, said->progress, said->total);
    sk_ctd_parts_sum(&t->parts, &told->done_bytes, &told->total_bytes);
    if (told->total_bytes > 0)
        told->phase = told->done_bytes < told->total_bytes ? SK_IMAGE_DOWNLOADING : SK_IMAGE_UNPACKING;
    containerd__transfer_progress__free_unpacked(said, NULL);
}

/* It waits for an answer to whatever it asks. */
static void on_auth(struct sk_ctd_talk *talk, const Containerd__Any *word)
{
    struct transfer *t = sk_container_of(talk, struct transfer, auth);
    Containerd__AuthResponse answer = CONTAINERD__AUTH_RESPONSE__INIT;
    Containerd__AuthRequest *asked = NULL;

    if (strcmp(word->type_url, TYPE("AuthRequest")) == 0)
        asked = containerd__auth_request__unpack(NULL, word->value.len, word->value.data);
    if (asked && t->password && sk_ctd_is_login_host(t->registry, asked->host)) {
        answer.type = CONTAINERD__AUTH_TYPE__AUTH_TYPE_CREDENTIALS;
        answer.username = t->username;
        answer.secret = t->password;
    }
    if (asked)
        containerd__auth_request__free_unpacked(asked, NULL);
    sk_ctd_talk_say(talk, TYPE("AuthResponse"), &answer.base);
}

static void open_talk(struct transfer *t, struct sk_ctd_talk *talk, struct sk_done *done)
{
    sk_ctd_talk_open(talk, t->errand->content->client, t->errand->lease, judged(t, done));
}

static void open_progress(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    open_talk(t, &t->progress, done);
}

static void open_auth(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    if (t->password)
        open_talk(t, &t->auth, done);
    else
        sk_errand_step_ends(t->errand, NULL, done);
}

static void close_talks(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    sk_ctd_talk_close(&t->progress);
    sk_ctd_talk_close(&t->auth);
    if (t->password)
        explicit_bzero(t->password, strlen(t->password));
    t->password = NULL;
    sk_errand_step_ends(t->errand, NULL, done);
}

/* --- the transfer itself ------------------------------------------------------------------ */

static Containerd__Any source_of(const struct transfer *t)
{
    Containerd__TransferRegistry registry = CONTAINERD__TRANSFER_REGISTRY__INIT;
    Containerd__TransferResolver resolver = CONTAINERD__TRANSFER_RESOLVER__INIT;

    if (t->password)
        resolver.auth_stream = (char *)t->auth.id;
    registry.reference = (char *)t->errand->key;
    registry.resolver = &resolver;
    return sk_ctd_wrap(TYPE("OCIRegistry"), &registry.base);
}

/* Without the platform containerd would fetch all that an index names. */
static Containerd__Any destination_of(const struct transfer *t)
{
    Containerd__Platform platform = CONTAINERD__PLATFORM__INIT, *platforms[] = {&platform};
    Containerd__TransferUnpack unpack = CONTAINERD__TRANSFER_UNPACK__INIT, *unpacks[] = {&unpack};
    Containerd__TransferStore store = CONTAINERD__TRANSFER_STORE__INIT;

    platform.os = "linux";
    platform.architecture = (char *)t->architecture;
    unpack.platform = &platform;
    unpack.snapshotter = t->errand->content->client->snapshotter;
    store.name = (char *)t->name.name;
    store.platforms = platforms;
    store.n_platforms = 1;
    store.unpacks = unpacks;
    store.n_unpacks = 1;
    return sk_ctd_wrap(TYPE("ImageStore"), &store.base);
}

static void transfer(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    Containerd__TransferRequest request = CONTAINERD__TRANSFER_REQUEST__INIT;
    Containerd__TransferOptions options = CONTAINERD__TRANSFER_OPTIONS__INIT;
    Containerd__Any source = source_of(t), destination = destination_of(t);

    options.progress_stream = t->progress.id;
    request.source = &source;
    request.destination = &destination;
    request.options = &options;
    sk_errand_call(t->errand, SK_CTD_TRANSFER, 0, TRANSFER_LIMIT, &request.base, judged(t, done));
    free(source.value.data);
    free(destination.value.data);
}

/* A transfer that was given up goes on for a moment, and may still record the name. */
static void await_end(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);

    sk_ctd_talk_await(&t->progress, t->errand->content->client->loop, END_LIMIT, done);
}

static void look(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    Containerd__GetImageRequest request = CONTAINERD__GET_IMAGE_REQUEST__INIT;

    request.name = t->name.name;
    sk_errand_call(t->errand, SK_CTD_IMAGE_GET, 0, SK_NS(0), &request.base, done);
}

static void tell(struct sk_op *op, struct sk_done *done)
{
    struct transfer *t = transfer_of(op);
    const Containerd__Image *image = ((const Containerd__GetImageResponse *)t->errand->answer)->image;
    struct sk_err err;
    enum sk_code code = SK_OK;

    if (!image || !sk_ctd_take_target(image, &t->out->target))
        code = sk_fail(&err, SK_FAILED_PRECONDITION, "what containerd fetched has no valid digest");
    sk_errand_step_ends(t->errand, code == SK_OK ? NULL : &err, done);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void take_login(struct transfer *t, const struct sk_image_login *login)
{
    struct sk_arena *arena = &t->errand->arena;

    if (!login)
        return;
    t->registry = sk_arena_strdup(arena, login->registry);
    t->username = sk_arena_strdup(arena, login->username);
    t->password = sk_arena_strdup(arena, login->password);
}

static void name_it(struct transfer *t)
{
    uint64_t random;

    sk_random(&random, sizeof(random));
    (void)snprintf(t->name.name, sizeof(t->name.name), SK_CTD_OURS_TRANSFER "%016llx",
                   (unsigned long long)random);
}

void sk_ctd_transfer(struct sk_content *base, const struct sk_transfer_ask *ask,
                     struct sk_transfer_result *out, struct sk_done *done)
{
    static const struct sk_step steps[] = {
        {"name", note_name, forget_name},
        {"unname_later", nothing, remove_name},
        {"progress", open_progress, close_talks},
        {"auth", open_auth, NULL},
        {"transfer", transfer, await_end},
        {"close", close_talks, NULL},
        {"look", look, NULL},
        {"tell", tell, NULL},
        {"unname", remove_name, NULL},
        {"forget", forget_name, NULL},
        {0},
    };
    struct sk_errand *errand = sk_errand_new(base, ask->lease, ask->name, NULL);
    struct transfer *t = sk_arena_alloc(&errand->arena, sizeof(*t));

    *out = (struct sk_transfer_result){0};
    t->errand = errand;
    t->architecture = sk_arena_strdup(&errand->arena, ask->architecture);
    t->told = ask->progress;
    t->out = out;
    t->progress.on_word = on_progress;
    t->auth.on_word = on_auth;
    take_login(t, ask->login);
    name_it(t);
    errand->user = t;
    sk_errand_start(errand, "transfer", steps, done);
}
