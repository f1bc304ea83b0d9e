#include "support/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <string.h>

static const char *flavour_name(enum sk_sweep_verdict flavour)
{
    static const char *const names[] = {"well", "fail before", "fail after", "hang", "cancel"};
    return names[flavour];
}

static void remember(struct sk_sweep *sweep, const char *call)
{
    sweep->names = sk_realloc(sweep->names, (sweep->names_len + 1) * sizeof(char *));
    sweep->names[sweep->names_len++] = sk_strdup(call);
}

static void run_cancel(struct sk_task *task)
{
    struct sk_sweep *sweep = sk_container_of(task, struct sk_sweep, task);
    sweep->cancel(sweep->cancel_arg);
}

/* The flavour's effect on the call it was meant for. */
static enum sk_sweep_verdict strike(struct sk_sweep *sweep, const char *call)
{
    if (strcmp(call, sweep->target_name) != 0)
        fail_msg("call %zu is %s, was %s: the scenario is not repeatable", sweep->target, call,
                 sweep->target_name);
    sweep->hit = true;
    if (sweep->flavour != SK_SWEEP_CANCEL)
        return sweep->flavour;
    sk_loop_defer(sweep->loop, &sweep->task, run_cancel);
    return SK_SWEEP_OK;
}

enum sk_sweep_verdict sk_sweep_point(struct sk_sweep *sweep, const char *call)
{
    if (sweep->paused)
        return SK_SWEEP_OK;
    size_t number = sweep->calls++;
    if (sweep->flavour == SK_SWEEP_OK)
        remember(sweep, call);
    else if (number == sweep->target)
        return strike(sweep, call);
    return SK_SWEEP_OK;
}

int sk_sweep_hook(void *arg, const char *call)
{
    return (int)sk_sweep_point(arg, call);
}

void sk_sweep_on_cancel(struct sk_sweep *sweep, struct sk_loop *loop, void (*fn)(void *arg), void *arg)
{
    sweep->loop = loop;
    sweep->cancel = fn;
    sweep->cancel_arg = arg;
}

void sk_sweep_pause(struct sk_sweep *sweep, bool paused)
{
    sweep->paused = paused;
}

bool sk_sweep_is_clean(const struct sk_sweep *sweep)
{
    return sweep->flavour == SK_SWEEP_OK;
}

enum sk_sweep_verdict sk_sweep_flavour(const struct sk_sweep *sweep)
{
    return sweep->flavour;
}

static void run_once(const struct sk_sweep *first, size_t target, enum sk_sweep_verdict flavour,
                     void (*scenario)(struct sk_sweep *sweep, void *arg), void *arg)
{
    struct sk_sweep sweep = {.flavour = flavour, .target = target, .target_name = first->names[target]};
    print_message("[  SWEEP   ] %s at call %zu of %zu: %s\n", flavour_name(flavour), target + 1,
                  first->names_len, sweep.target_name);
    scenario(&sweep, arg);
    assert_true(sweep.hit);
    assert_false(sk_list_is_linked(&sweep.task.link));
}

void sk_sweep_run(void (*scenario)(struct sk_sweep *sweep, void *arg), void *arg)
{
    struct sk_sweep first = {.flavour = SK_SWEEP_OK};
    scenario(&first, arg);
    assert_true(first.names_len > 0);
    int last = first.cancel ? SK_SWEEP_CANCEL : SK_SWEEP_HANG;
    for (size_t target = 0; target < first.names_len; target++) {
        for (int flavour = SK_SWEEP_FAIL_BEFORE; flavour <= last; flavour++)
            run_once(&first, target, (enum sk_sweep_verdict)flavour, scenario, arg);
    }
    while (first.names_len > 0)
        free(first.names[--first.names_len]);
    free(first.names);
}
