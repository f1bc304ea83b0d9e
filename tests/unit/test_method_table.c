#include "api/methods.h"
#include "base/own.h"
#include "sandkeep/image.pb-c.h"
#include "sandkeep/session.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#define SANDBOX_SERVICE "/coreweave.sandbox.v1.SandboxService/"

static void path_of(const ProtobufCServiceDescriptor *service, unsigned method, char out[256])
{
    (void)snprintf(out, 256, "/%s/%s", service->name, service->methods[method].name);
}

static void every_method_of_every_service_is_found(void **state)
{
    (void)state;
    size_t methods = 0;
    for (size_t i = 0; sk_method_service(i); i++) {
        const ProtobufCServiceDescriptor *service = sk_method_service(i);
        for (unsigned m = 0; m < service->n_methods; m++, methods++) {
            char path[256];
            struct sk_method found = {0};
            path_of(service, m, path);
            assert_true(sk_method_find(path, &found));
            assert_ptr_equal(found.service, service);
            assert_string_equal(found.type->name, service->methods[m].name);
            assert_false(found.unary && found.stream);
        }
    }
    assert_int_equal(methods, 18 + 5 + 2 + 5 + 6 + 12 + 2 + 7 + 5 + 3 + 4 + 3 + 2);
}

static void the_implemented_ones_have_a_handler(void **state)
{
    (void)state;
    const char *const unary[] = {"CreateSandbox", "GetSandbox",     "ListSandboxes",
                                 "DeleteSandbox", "PurgeSandboxes", "Exec"};
    struct sk_method found = {0};
    for (size_t i = 0; i < sk_array_len(unary); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), SANDBOX_SERVICE "%s", unary[i]);
        assert_true(sk_method_find(path, &found));
        assert_non_null(found.unary);
        assert_true(found.needs_key);
    }
    assert_true(sk_method_find(SANDBOX_SERVICE "StreamExec", &found));
    assert_non_null(found.stream);
    assert_true(sk_method_find("/grpc.health.v1.Health/Check", &found));
    assert_non_null(found.unary);
    assert_false(found.needs_key);
}

static void all_of_sessions_is_implemented(void **state)
{
    (void)state;
    const ProtobufCServiceDescriptor *service = &sandkeep__v1__session_service__descriptor;
    for (unsigned m = 0; m < service->n_methods; m++) {
        char path[256];
        struct sk_method found = {0};
        path_of(service, m, path);
        assert_true(sk_method_find(path, &found));
        bool is_stream = strcmp(found.type->name, "KeepAlive") == 0;
        assert_true(is_stream ? !!found.stream : !!found.unary);
        assert_true(found.needs_key);
    }
}

static void all_of_images_is_implemented(void **state)
{
    (void)state;
    const ProtobufCServiceDescriptor *service = &sandkeep__v1__image_service__descriptor;
    for (unsigned m = 0; m < service->n_methods; m++) {
        char path[256];
        struct sk_method found = {0};
        path_of(service, m, path);
        assert_true(sk_method_find(path, &found));
        bool is_stream =
            strcmp(found.type->name, "PullImage") == 0 || strcmp(found.type->name, "ImportImage") == 0;
        assert_true(is_stream ? !!found.stream : !!found.unary);
        assert_true(found.needs_key);
    }
}

static void networks_can_be_looked_at_and_set(void **state)
{
    (void)state;
    struct sk_method found = {0};
    assert_true(sk_method_find("/sandkeep.v1.NetworkService/GetNetwork", &found));
    assert_true(found.unary && found.needs_key);
    assert_true(sk_method_find("/sandkeep.v1.NetworkService/SetNetwork", &found));
    assert_true(found.unary && found.needs_key && !found.is_bulky);
}

#define DATA_PLANE "/coreweave.sandbox.v1.SandboxDataPlaneService/"

/* The direct way to a sandbox leads to the same handlers. */
static void the_data_plane_is_the_same(void **state)
{
    (void)state;
    const char *const names[] = {"Exec", "StreamExec", "ReadFile", "WriteFile"};
    for (size_t i = 0; i < sk_array_len(names); i++) {
        char path[128];
        struct sk_method direct = {0}, usual = {0};
        (void)snprintf(path, sizeof(path), DATA_PLANE "%s", names[i]);
        assert_true(sk_method_find(path, &direct));
        (void)snprintf(path, sizeof(path), SANDBOX_SERVICE "%s", names[i]);
        assert_true(sk_method_find(path, &usual));
        assert_true(direct.unary || direct.stream);
        assert_true(direct.unary == usual.unary && direct.stream == usual.stream);
        assert_true(direct.type->input == usual.type->input && direct.type->output == usual.type->output);
        assert_int_equal(direct.is_bulky, i == 3);
        assert_int_equal(usual.is_bulky, i == 3);
        assert_true(direct.needs_key);
    }
}

static void other_paths_are_not_found(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "/",
        "//",
        "/x",
        "x/y",
        "/coreweave.sandbox.v1.SandboxService",
        SANDBOX_SERVICE,
        SANDBOX_SERVICE "Nothing",
        SANDBOX_SERVICE "GetSandbox/",
        SANDBOX_SERVICE "getsandbox",
        "coreweave.sandbox.v1.SandboxService/GetSandbox",
        "//coreweave.sandbox.v1.SandboxService/GetSandbox",
        "/coreweave.sandbox.v1.SandboxServic/GetSandbox",
        "/coreweave.sandbox.v1.SandboxServiceX/GetSandbox",
        "/coreweave.sandbox.v2.SandboxService/GetSandbox",
    };
    struct sk_method found = {0};
    for (size_t i = 0; i < sk_array_len(bad); i++)
        assert_false(sk_method_find(bad[i], &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_of_every_service_is_found),
        cmocka_unit_test(the_implemented_ones_have_a_handler),
        cmocka_unit_test(all_of_sessions_is_implemented),
        cmocka_unit_test(all_of_images_is_implemented),
        cmocka_unit_test(networks_can_be_looked_at_and_set),
        cmocka_unit_test(the_data_plane_is_the_same),
        cmocka_unit_test(other_paths_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
