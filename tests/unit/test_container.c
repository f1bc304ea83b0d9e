/* What a container may do. */
#include "base/capability.h"
#include "support/spec_rig.h"

static SK_PB(SecurityContext) * security(struct fixture *f)
{
    return f->container->security_context = SK_PB_NEW(&f->arena, security_context);
}

static void users_are_numbers(void **state)
{
    struct fixture *f = *state;
    SK_PB(SecurityContext) *s = security(f);
    s->_run_as_user_case = SK_PBE(SECURITY_CONTEXT, _RUN_AS_USER_RUN_AS_USER);
    assert_decodes(f);
    assert_string_equal(f->out.user, "0");
    s->run_as_user = 1000;
    s->_run_as_group_case = SK_PBE(SECURITY_CONTEXT, _RUN_AS_GROUP_RUN_AS_GROUP);
    s->run_as_group = 4294967294U;
    assert_decodes(f);
    assert_string_equal(f->out.user, "1000:4294967294");
    s->run_as_group = UINT32_MAX;
    assert_violates(f, "sandbox.spec.containers[0].security_context.run_as_group");
    s->run_as_group = 5;
    s->_run_as_user_case = 0;
    assert_violates(f, "sandbox.spec.containers[0].security_context.run_as_group");
}

static void more_power_is_not_given(void **state)
{
    struct fixture *f = *state;
    SK_PB(SecurityContext) *s = security(f);
    char *caps[] = {"NET_ADMIN"};
    s->seccomp_profile = "RuntimeDefault";
    s->_privileged_case = SK_PBE(SECURITY_CONTEXT, _PRIVILEGED_PRIVILEGED);
    s->_allow_privilege_escalation_case =
        SK_PBE(SECURITY_CONTEXT, _ALLOW_PRIVILEGE_ESCALATION_ALLOW_PRIVILEGE_ESCALATION);
    assert_decodes(f);
    s->privileged = true;
    assert_violates(f, "sandbox.spec.containers[0].security_context.privileged");
    s->privileged = false;
    s->allow_privilege_escalation = true;
    assert_violates(f, "sandbox.spec.containers[0].security_context.allow_privilege_escalation");
    s->allow_privilege_escalation = false;
    s->seccomp_profile = "Unconfined";
    assert_violates(f, "sandbox.spec.containers[0].security_context.seccomp_profile");
    s->seccomp_profile = "";
    s->capabilities_add = caps;
    s->n_capabilities_add = 1;
    assert_violates(f, "sandbox.spec.containers[0].security_context.capabilities_add");
}

static void less_power_is(void **state)
{
    struct fixture *f = *state;
    SK_PB(SecurityContext) *s = security(f);
    char *caps[] = {"NET_RAW", "cap_chown"};
    s->capabilities_drop = caps;
    s->n_capabilities_drop = 2;
    s->_read_only_root_filesystem_case =
        SK_PBE(SECURITY_CONTEXT, _READ_ONLY_ROOT_FILESYSTEM_READ_ONLY_ROOT_FILESYSTEM);
    s->read_only_root_filesystem = true;
    assert_decodes(f);
    assert_true(f->out.read_only_root);
    assert_string_equal(f->out.drop_capabilities[0], "CAP_NET_RAW");
    assert_string_equal(f->out.drop_capabilities[1], "CAP_CHOWN");
    assert_null(f->out.drop_capabilities[2]);
    caps[1] = "ALL";
    assert_decodes(f);
    assert_int_equal(sk_strings_count(f->out.drop_capabilities), sk_strings_count(sk_capabilities));
    caps[1] = "NET_RAWER";
    assert_violates(f, "sandbox.spec.containers[0].security_context.capabilities_drop[1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(users_are_numbers),
        SPEC_TEST(more_power_is_not_given),
        SPEC_TEST(less_power_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
