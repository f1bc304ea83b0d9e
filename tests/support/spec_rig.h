/* spec_rig.h: a request for a sandbox that is in order, for tests that change a part of it, and what its
 * decoding gives. */
#ifndef SK_TEST_SPEC_RIG_H
#define SK_TEST_SPEC_RIG_H

#include "api/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#define GI (INT64_C(1024) * 1024 * 1024)

/* A request that is in order, and what came of it. */
struct fixture {
    struct sk_arena arena;
    struct sk_node_config node;
    SK_PB(Sandbox) * sandbox;
    SK_PB(SandboxSpec) * spec;
    SK_PB(Container) * container;
    struct sk_spec out;
    struct sk_check check;
};

static inline int spec_rig_init(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));
    f->node = (struct sk_node_config){.node_id = "n1",
                                      .default_lifetime_seconds = 3600,
                                      .default_cpu_millis = 1000,
                                      .default_memory_bytes = GI,
                                      .ceiling_cpu_millis = 8000,
                                      .ceiling_memory_bytes = 16 * GI,
                                      .network = {.has_names = true,
                                                  .address = "192.0.2.7",
                                                  .first_port = 20000,
                                                  .last_port = 20999,
                                                  .domain = "boxes.example.com",
                                                  .https_port = 443}};
    f->sandbox = SK_PB_NEW(&f->arena, sandbox);
    f->spec = f->sandbox->spec = SK_PB_NEW(&f->arena, sandbox_spec);
    f->container = SK_PB_NEW(&f->arena, container);
    f->container->name = "main";
    f->container->image = "python:3.11";
    f->spec->containers = sk_arena_memdup(&f->arena, &f->container, sizeof(f->container));
    f->spec->n_containers = 1;
    *state = f;
    return 0;
}

static inline int spec_rig_fini(void **state)
{
    struct fixture *f = *state;
    sk_arena_fini(&f->arena);
    free(f);
    return 0;
}

/* Decodes afresh; what is wrong lands in f->check, the verdict is returned. */
static inline enum sk_code decode(struct fixture *f, struct sk_err *err)
{
    f->check = (struct sk_check){.arena = &f->arena};
    f->out = (struct sk_spec){0};
    sk_spec_sort(f->sandbox);
    sk_spec_decode(f->sandbox, SK_FIELD(NULL, "sandbox"), &f->node, "key", &f->arena, &f->out, &f->check);
    return sk_check_result(&f->check, err);
}

static inline void assert_decodes(struct fixture *f)
{
    struct sk_err err = {0};
    enum sk_code code = decode(f, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, SK_OK);
    assert_non_null(f->out.echo);
}

/* One violation, of that field. */
static inline void assert_violates(struct fixture *f, const char *field)
{
    struct sk_err err = {0};
    assert_int_equal(decode(f, &err), SK_INVALID_ARGUMENT);
    assert_int_equal(f->check.count, 1);
    assert_string_equal(f->check.violations[0].field, field);
    assert_null(f->out.echo);
}

static inline void assert_refused(struct fixture *f, enum sk_code code, const char *reason, const char *field)
{
    struct sk_err err = {0};
    assert_int_equal(decode(f, &err), code);
    assert_int_equal(f->check.count, 0);
    assert_string_equal(err.reason, reason);
    assert_string_equal(err.field, field);
    assert_non_null(strstr(err.text, field));
    assert_null(f->out.echo);
}

static inline void *one(struct fixture *f, const void *item)
{
    return sk_arena_memdup(&f->arena, &item, sizeof(item));
}

static inline SK_PB(Resources) * resources(struct fixture *f, const char *cpu, const char *memory)
{
    SK_PB(Resources) *r = SK_PB_NEW(&f->arena, resources);
    r->cpu = (char *)cpu;
    r->memory = (char *)memory;
    return r;
}

static inline void require(struct fixture *f, SK_PB(Resources) * requests, SK_PB(Resources) * limits)
{
    f->container->resource_requirements = SK_PB_NEW(&f->arena, resource_requirements);
    f->container->resource_requirements->requests = requests;
    f->container->resource_requirements->limits = limits;
}

#define SPEC_TEST(name) cmocka_unit_test_setup_teardown(name, spec_rig_init, spec_rig_fini)

#endif
