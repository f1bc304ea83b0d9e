/* GPUs: each one sandbox's at a time, by name, across restarts. */
#include "core/gpus.h"
#include "store/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const common_env[] = {"DRIVER=1", "PATH=/vendor", NULL};
static const char *const first_env[] = {"GPU=0", NULL};
static const char *const second_env[] = {"GPU=1", NULL};
static const struct sk_device_edits common = {.env = common_env};
static const struct sk_device devices[] = {
    {"a.b/c=0", "small", {.env = first_env}, &common},
    {"a.b/c=1", "large", {.env = second_env}, &common},
};

struct fixture {
    struct sk_arena arena;
    struct sk_gpus gpus;
};

static int setup(void **state)
{
    struct fixture *f = *state = sk_alloc(sizeof(*f));
    sk_gpus_init(&f->gpus, devices, sk_array_len(devices));
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sk_arena_fini(&f->arena);
    free(f);
    return 0;
}

static struct sk_spec spec_of(struct fixture *f, int64_t count, const char *type)
{
    return (struct sk_spec){
        .gpu_count = count, .gpu_type = type, .devices = sk_strings_copy(&f->arena, NULL)};
}

static void each_has_one_owner(void **state)
{
    struct fixture *f = *state;
    struct sk_spec one = spec_of(f, 1, ""), other = spec_of(f, 1, ""), third = spec_of(f, 1, "");
    struct sk_err err = {0};

    assert_int_equal(sk_gpus_assign(&f->gpus, &one, &f->arena, NULL), SK_OK);
    assert_int_equal(sk_gpus_assign(&f->gpus, &other, &f->arena, NULL), SK_OK);
    assert_string_equal(one.devices[0], "a.b/c=0");
    assert_string_equal(other.devices[0], "a.b/c=1");
    assert_int_equal(sk_gpus_assign(&f->gpus, &third, &f->arena, &err), SK_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "RUNNER_CAPACITY_EXHAUSTED");
    sk_gpus_release(&f->gpus, &one);
    assert_int_equal(sk_gpus_assign(&f->gpus, &third, &f->arena, NULL), SK_OK);
    assert_string_equal(third.devices[0], "a.b/c=0");
}

static void a_type_narrows_the_choice(void **state)
{
    struct fixture *f = *state;
    struct sk_spec large = spec_of(f, 1, "large"), two = spec_of(f, 2, "large");

    assert_int_equal(sk_gpus_assign(&f->gpus, &two, &f->arena, NULL), SK_RESOURCE_EXHAUSTED);
    assert_null(two.devices[0]);
    assert_int_equal(sk_gpus_assign(&f->gpus, &large, &f->arena, NULL), SK_OK);
    assert_string_equal(large.devices[0], "a.b/c=1");
}

static void what_is_claimed_is_taken(void **state)
{
    struct fixture *f = *state;
    const char *names[] = {"a.b/c=0", "gone/since=1", NULL};
    struct sk_spec old = {.gpu_count = 2, .gpu_type = "", .devices = names}, one = spec_of(f, 1, "small");
    const struct sk_device *const *found;
    struct sk_err err = {0};

    sk_gpus_claim(&f->gpus, &old);
    assert_int_equal(sk_gpus_assign(&f->gpus, &one, &f->arena, NULL), SK_RESOURCE_EXHAUSTED);
    assert_int_equal(sk_gpus_find(&f->gpus, &old, &f->arena, &found, &err), SK_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, "gone/since=1"));
    sk_gpus_release(&f->gpus, &old);
    assert_int_equal(sk_gpus_assign(&f->gpus, &one, &f->arena, NULL), SK_OK);
}

static void the_vendors_variables_come_last(void **state)
{
    struct fixture *f = *state;
    const char *const image[] = {"PATH=/bin", "HOME=/root", NULL};
    const struct sk_device *const given[] = {&devices[1], NULL};
    const char **env = sk_gpus_env(&f->arena, image, given);

    assert_string_equal(env[0], "PATH=/vendor");
    assert_string_equal(env[1], "HOME=/root");
    assert_string_equal(env[2], "DRIVER=1");
    assert_string_equal(env[3], "GPU=1");
    assert_null(env[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_has_one_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(a_type_narrows_the_choice, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_claimed_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(the_vendors_variables_come_last, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
