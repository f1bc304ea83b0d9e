#include "drivers/registry/tokens.h"

#include "drivers/registry/client.h"

#include <assert.h>

/* --- the question, which may outlive whoever had it asked ------------------------- */

struct run {
    struct sk_auth auth;
    struct sk_registry *registry;
    struct sk_flight *flight;
    struct sk_done *done; /* the flight's */
    struct sk_arena arena;
    struct sk_image_login login; /* in the arena; zeroed = nobody */
    char *grant_key;
};

static void run_free(struct run *run)
{
    sk_auth_stop(&run->auth);
    if (run->login.password)
        sk_image_login_wipe(&run->login);
    sk_arena_fini(&run->arena);
    free(run->grant_key);
    free(run);
}

static void tell_outcome(const struct run *run, const struct sk_outcome *outcome)
{
    sk_list_each(&run->flight->waiters, link)
    {
        sk_container_of(link, struct sk_token_waiter, waiter.link)->outcome = *outcome;
    }
}

static void end_run(struct sk_auth *auth, const struct sk_err *err, const struct sk_outcome *outcome)
{
    struct run *run = sk_container_of(auth, struct run, auth);
    struct sk_registry *registry = run->registry;
    struct sk_done *done = run->done;
    struct sk_err why = err ? *err : (struct sk_err){0}; /* it may lie in what goes now */

    tell_outcome(run, outcome);
    if (!err)
        sk_token_grants_put(&registry->grants, run->grant_key, auth->token.text,
                            sk_instant_add(sk_loop_now(registry->loop), auth->token.lasts));
    run_free(run);
    sk_done_fire(done, err ? &why : NULL);
}

static void cancel_run(struct sk_done *done)
{
    struct run *run = done->callee;
    struct sk_loop *loop = run->registry->loop;
    struct sk_err err;

    run_free(run);
    (void)!sk_fail(&err, SK_CANCELLED, "cancelled");
    sk_done_later(loop, done, &err);
}

static void start_run(void *arg, struct sk_flight *flight, struct sk_done *done)
{
    struct sk_token_waiter *waiter = arg;
    struct run *run = sk_alloc(sizeof(*run));
    struct sk_auth_ask ask = waiter->ask.auth;

    run->registry = waiter->registry;
    run->flight = flight;
    run->done = done;
    run->grant_key = sk_strdup(waiter->ask.grant_key);
    if (ask.login) {
        run->login = sk_image_login_copy(&run->arena, ask.login);
        ask.login = &run->login;
    }
    run->auth.over = end_run;
    done->callee = run;
    done->cancel = cancel_run;
    sk_auth_start(&run->auth, run->registry->http, &ask, &waiter->ask.server);
}

/* --- who waits ----------------------------------------------------------------------- */

static void forget_ask(struct sk_token_ask *ask)
{
    sk_url_fini(&ask->server);
    free(sk_take(ask->grant_key));
}

static void on_came(struct sk_done *came, const struct sk_err *err)
{
    struct sk_token_waiter *waiter = sk_container_of(came, struct sk_token_waiter, came);

    waiter->is_waiting = false;
    forget_ask(&waiter->ask);
    if (!waiter->has_left)
        waiter->over(waiter, err, &waiter->outcome);
}

void sk_token_wait(struct sk_token_waiter *waiter, struct sk_registry *registry,
                   struct sk_token_ask *ask_take)
{
    assert(!waiter->is_waiting && !waiter->has_left);
    const struct sk_auth_ask *auth = &ask_take->auth;
    SK_AUTO_FREE char *key = sk_printf("%s\n%s\n%d\n%s", ask_take->grant_key, ask_take->server.text,
                                       auth->internal, auth->ca_file ? auth->ca_file : "");

    waiter->registry = registry;
    waiter->ask = *ask_take;
    *ask_take = (struct sk_token_ask){0};
    waiter->outcome = (struct sk_outcome){0};
    waiter->is_waiting = true;
    sk_done_init(&waiter->came, on_came);
    sk_flights_join(&registry->tokens, key, &waiter->waiter, start_run, waiter, &waiter->came);
}

void sk_token_leave(struct sk_token_waiter *waiter)
{
    if (!waiter->is_waiting)
        return;
    waiter->has_left = true;
    sk_done_cancel(&waiter->came);
}
