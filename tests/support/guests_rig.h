/* guests_rig.h: callers with keys that were made elsewhere, and the server that knows them. */
#ifndef SK_TESTS_GUESTS_RIG_H
#define SK_TESTS_GUESTS_RIG_H

#include "identity/guest_uses.h"

#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define ANN "0123456789abcdef0123456789abcdef01234567"
#define BOB "fedcba9876543210fedcba9876543210fedcba98"

/* A server that knows two people, answers when it is told to, and can be away. */
struct rig {
    struct sk_loop *loop;
    struct sk_verifier verifier;
    struct sk_guests *guests;
    int questions, cancelled;
    bool is_away, is_slow, knows_nobody, knows_all, blue_is_gone;
    bool is_mute; /* keeps all questions */
    struct sk_done *mutes[SK_GUESTS_ASKED_MAX + 1];
    size_t mute_count;
    int losses, opens;
    struct sk_guest_use *lost;
    struct sk_done *waiting; /* a question that is not answered yet */
    struct sk_verified *out;
    char key[64];
    struct sk_done closed;
    bool is_closed;
};

struct caller {
    struct sk_guest_ask ask;
    struct sk_done done;
    struct sk_err err; /* of the answer */
    int answers;
    bool at_once;
};

static inline void add(struct sk_verified *out, const char *entity)
{
    out->entities[out->count++] = sk_arena_strdup(&out->arena, entity);
}

static inline void reply(struct rig *r)
{
    struct sk_done *done = sk_take(r->waiting);
    struct sk_err err = {0};

    done->cancel = NULL;
    if (r->is_away) {
        (void)sk_fail(&err, SK_UNAVAILABLE, "away");
    } else if (r->knows_nobody) {
        (void)sk_fail(&err, SK_UNAUTHENTICATED, "nobody");
    } else if (strcmp(r->key, ANN) == 0) {
        add(r->out, "ann");
        add(r->out, "red");
        if (!r->blue_is_gone)
            add(r->out, "blue");
    } else if (r->knows_all) {
        add(r->out, "red");
    } else if (strcmp(r->key, BOB) == 0) {
        add(r->out, "bob");
    } else {
        (void)sk_fail(&err, SK_UNAUTHENTICATED, "nobody");
    }
    sk_done_later(r->loop, done, err.code ? &err : NULL);
}

static inline void cancel(struct sk_done *done)
{
    struct rig *r = done->callee;
    struct sk_err err = {0};

    r->cancelled++;
    r->waiting = NULL;
    (void)sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(r->loop, done, &err);
}

static inline void give_up(struct rig *r, struct sk_done *done)
{
    struct sk_err err = {0};

    (void)sk_fail(&err, SK_UNAVAILABLE, "no answer");
    sk_done_later(r->loop, done, &err);
}

static inline void verify(struct sk_verifier *verifier, const char *key, struct sk_verified *out,
                          struct sk_done *done)
{
    struct rig *r = sk_container_of(verifier, struct rig, verifier);

    r->questions++;
    if (r->is_mute) {
        r->mutes[r->mute_count++] = done;
        return;
    }
    assert_null(r->waiting);
    r->waiting = done;
    r->out = out;
    (void)snprintf(r->key, sizeof(r->key), "%s", key);
    done->callee = r;
    done->cancel = cancel;
    if (!r->is_slow)
        reply(r);
}

static inline void on_lost(void *arg, struct sk_guest_use *use)
{
    struct rig *r = arg;

    r->losses++;
    r->lost = use;
}

static inline void on_open(void *arg)
{
    ((struct rig *)arg)->opens++;
}

static const struct sk_verifier_ops ops = {.verify = verify};
static struct sk_entity rows[] = {{"blue", "team-blue"}, {"red", "team-red"}};

static inline int setup(void **state)
{
    struct rig *r = *state = sk_alloc(sizeof(*r));

    *r = (struct rig){.loop = sk_vloop_new(), .verifier = {&ops}};
    const struct sk_guests_options options = {
        .loop = r->loop,
        .verifier = &r->verifier,
        .terms = {.open = true, .entities = {rows, 2}, .grace = SK_SEC(3600)}};
    r->guests = sk_guests_new(&options);
    static const struct sk_guests_events events = {.on_open = on_open, .on_lost = on_lost};
    sk_guests_listen(r->guests, &events, r);
    return 0;
}

static inline void on_closed(struct sk_done *done, const struct sk_err *err)
{
    assert_null(err);
    sk_container_of(done, struct rig, closed)->is_closed = true;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    sk_done_init(&r->closed, on_closed);
    sk_guests_close(r->guests, &r->closed);
    sk_vloop_settle(r->loop);
    assert_true(r->is_closed);
    sk_loop_free(r->loop);
    free(r);
    return 0;
}

static inline void on_done(struct sk_done *done, const struct sk_err *err)
{
    struct caller *c = sk_container_of(done, struct caller, done);

    c->answers++;
    c->err = err ? *err : (struct sk_err){0};
}

static inline void call(struct rig *r, struct caller *c, const char *key, const char *entity)
{
    *c = (struct caller){0};
    sk_done_init(&c->done, on_done);
    c->at_once = sk_guests_ask(r->guests, &c->ask, key, entity, &c->done, &c->err);
    if (!r->is_slow)
        sk_vloop_settle(r->loop);
    assert_int_equal(c->answers, !c->at_once && !r->is_slow);
}

static inline void assert_in(const struct caller *c, const char *tenant)
{
    assert_int_equal(c->err.code, SK_OK);
    assert_string_equal(c->ask.guest.tenant, tenant);
    assert_int_equal(strlen(c->ask.guest.key_id), SK_KEY_ID_LEN);
}

/* A call that came with the key and goes on. */
static inline void hold(struct rig *r, struct sk_guest_use *use, const char *key, const char *entity)
{
    struct caller c;

    call(r, &c, key, entity);
    assert_int_equal(c.err.code, SK_OK);
    *use = (struct sk_guest_use){.watch = NULL};
    sk_guests_hold(r->guests, use, &c.ask);
}

static inline void wait_s(struct rig *r, int64_t seconds)
{
    sk_vloop_advance(r->loop, SK_SEC(seconds));
    sk_vloop_settle(r->loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
