/* Files of the Container Device Interface: what they may say, and what makes one of no use. */
#include "drivers/cdi/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum sk_code parse(struct sk_arena *arena, const char *text, struct sk_cdi_file *out,
                          struct sk_err *err)
{
    return sk_cdi_file_parse(text, strlen(text), arena, out, err);
}

static void yaml_is_read_as_vendors_write_it(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_cdi_file file = {0};
    struct sk_err err = {0};

    (void)state;
    assert_int_equal(
        parse(&arena,
              "---\n"
              "cdiVersion: 0.5.0\n"
              "kind: nvidia.com/gpu\n"
              "containerEdits:\n"
              "  env:\n"
              "  - NVIDIA_VISIBLE_DEVICES=void\n"
              "  hooks:\n"
              "  - hookName: createContainer\n"
              "    path: /usr/bin/nvidia-ctk\n"
              "    args: [nvidia-ctk, hook, update-ldcache]\n"
              "devices:\n"
              "- name: \"0\"\n"
              "  containerEdits:\n"
              "    deviceNodes:\n"
              "    - path: /dev/nvidia0\n"
              "      hostPath: /dev/null\n"
              "      fileMode: 0640\n"
              "      permissions: rw\n"
              "    mounts:\n"
              "    - {hostPath: /usr/lib/x.so, containerPath: /usr/lib/x.so, options: [ro, nosuid]}\n"
              "- name: GPU-1b2c\n",
              &file, &err),
        SK_OK);
    assert_string_equal(file.kind, "nvidia.com/gpu");
    assert_int_equal(file.count, 2);
    const struct sk_device *first = &file.devices[0];
    assert_string_equal(first->name, "nvidia.com/gpu=0");
    assert_string_equal(first->common->env[0], "NVIDIA_VISIBLE_DEVICES=void");
    assert_string_equal(first->common->hooks[0].when, "createContainer");
    assert_string_equal(first->common->hooks[0].args[2], "update-ldcache");
    assert_ptr_equal(first->common, file.devices[1].common);
    assert_int_equal(first->edits.node_count, 1);
    assert_string_equal(first->edits.nodes[0].path, "/dev/nvidia0");
    assert_int_equal(first->edits.nodes[0].type, 'c');
    assert_int_equal(first->edits.nodes[0].major, 1); /* as the host has it */
    assert_int_equal(first->edits.nodes[0].minor, 3);
    assert_int_equal(first->edits.nodes[0].mode, 0640);
    assert_string_equal(first->edits.nodes[0].permissions, "rw");
    assert_string_equal(first->edits.mounts[0].type, "bind");
    assert_string_equal(first->edits.mounts[0].options[2], "rbind");
    assert_int_equal(file.devices[1].edits.node_count, 0);
}

static void json_is_yaml(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    struct sk_cdi_file file = {0};

    (void)state;
    assert_int_equal(
        parse(&arena,
              "{\"cdiVersion\": \"0.6.0\", \"kind\": \"a.b/c\", \"annotations\": {\"x\": \"y\"},\n"
              "\t\"devices\": [{\"name\": \"a\", \"containerEdits\": {\"deviceNodes\":\n"
              "[{\"path\": \"\\/dev\\/null\", \"fileMode\": 438}]}}]}",
              &file, NULL),
        SK_OK);
    assert_string_equal(file.devices[0].edits.nodes[0].path, "/dev/null");
    assert_int_equal(file.devices[0].edits.nodes[0].mode, 0666);
}

#define HEAD         "cdiVersion: 0.5.0\nkind: a.b/c\n"
#define NODE(words)  HEAD "devices: [{name: x, containerEdits: {deviceNodes: [{" words "}]}}]"
#define MOUNT(words) HEAD "devices: [{name: x, containerEdits: {mounts: [{" words "}]}}]"
#define HOOK(words)  HEAD "devices: [{name: x, containerEdits: {hooks: [{" words "}]}}]"

static const struct fault {
    const char *text, *says;
} faults[] = {
    {"", "empty"},
    {"a: [", "did not find"},
    {"- a\n- b\n", "cdiVersion"},
    {"cdiVersion: 9.0\nkind: a/b\n", "cdiVersion"},
    {"cdiVersion: 0.5.0\nkind: gpu\n", "vendor/class"},
    {"cdiVersion: 0.5.0\nkind: ../b\n", "vendor/class"},
    {HEAD "devices: 3\n", "not a list"},
    {HEAD "devices: [{name: a/b}]\n", "no name of a device"},
    {HEAD "devices: [{}]\n", "no name of a device"},
    {HEAD "devices: [{name: x}, {name: x}]\n", "twice"},
    {HEAD "devices: [{name: x, containerEdits: {env: [NOTHING]}}]\n", "NAME=value"},
    {HEAD "containerEdits: {env: [=x]}\n", "NAME=value"},
    {NODE("path: dev/null"), "no place in a sandbox"},
    {NODE("path: /dev/../etc/passwd, hostPath: /dev/null"), "no place in a sandbox"},
    {NODE("path: /proc/kcore, hostPath: /dev/null"), "no place in a sandbox"},
    {NODE("path: /.sandkeep/guest, hostPath: /dev/null"), "no place in a sandbox"},
    {NODE("path: /dev/no-such-device"), "No such file"},
    {NODE("path: /dev/x, hostPath: /etc/passwd"), "is not a device node"},
    {NODE("path: /dev/null, type: b"), "is not of type"},
    {NODE("path: /dev/null, permissions: rwx"), "some of rwm"},
    {NODE("path: /dev/null, major: many"), "whole number"},
    {NODE("path: /dev/null, uid: -1"), "whole number"},
    {NODE("path: [a]"), "not a text"},
    {MOUNT("hostPath: lib, containerPath: /lib/x"), "not an absolute path"},
    {MOUNT("hostPath: /lib/x, containerPath: /.sandkeep"), "no place in a sandbox"},
    {HOOK("hookName: sometimes, path: /bin/true"), "there is no hook"},
    {HOOK("hookName: poststop, path: true"), "not an absolute path"},
    {HEAD "devices: &d [{name: x, containerEdits: *d}]\n", NULL}, /* goes round: ends all the same */
};

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sk_array_len(faults); i++) {
        SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
        struct sk_cdi_file file = {0};
        struct sk_err err = {0};
        enum sk_code code = parse(&arena, faults[i].text, &file, &err);
        if (!faults[i].says)
            continue;
        assert_int_not_equal(code, SK_OK);
        if (!strstr(err.text, faults[i].says))
            fail_msg("%s: said \"%s\", not \"%s\"", faults[i].text, err.text, faults[i].says);
    }
}

static void a_list_that_is_too_long_is_refused(void **state)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
    SK_AUTO_FREE char *text = sk_alloc(16 * 1024);
    struct sk_cdi_file file = {0};
    struct sk_err err = {0};

    (void)state;
    strcpy(text, HEAD "containerEdits: {env: [");
    for (int i = 0; i < 1000; i++)
        strcat(text, "a=b,");
    strcat(text, "]}");
    assert_int_equal(parse(&arena, text, &file, &err), SK_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "more than"));
}

/* Each would keep the daemon's start for minutes. */
static void what_takes_too_long_to_read_is_refused(void **state)
{
    static const struct {
        const char *piece, *why;
    } cases[] = {{"[", "nested too deeply"},
                 {"{a: ", "nested too deeply"},
                 {"- &a x\n", "anchors"},
                 {"%TAG !a! x\n", "directives"},
                 {"%TAG !a! x\xe2\x80\xa8", "directives"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};
        struct sk_cdi_file file = {0};
        struct sk_err err = {0};
        size_t len = strlen(cases[i].piece), count = 1000000 / len;
        char *text = sk_arena_alloc(&arena, len * count + 1);
        for (size_t n = 0; n < count; n++)
            memcpy(text + n * len, cases[i].piece, len);
        text[len * count] = '\0';
        assert_int_equal(parse(&arena, text, &file, &err), SK_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, cases[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_is_read_as_vendors_write_it),
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_list_that_is_too_long_is_refused),
        cmocka_unit_test(what_takes_too_long_to_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
