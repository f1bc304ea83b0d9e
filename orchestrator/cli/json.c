#include "cli/json.h"

#include "cli/moment.h"

#include <string.h>
#include <yajl/yajl_gen.h>

static void put_text(yajl_gen gen, const char *text)
{
    (void)yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

static void put_key_text(yajl_gen gen, const char *key, const char *text)
{
    put_text(gen, key);
    put_text(gen, text ? text : "");
}

static void put_key_moment(yajl_gen gen, const char *key, const Google__Protobuf__Timestamp *at)
{
    char text[48] = "";

    put_text(gen, key);
    if (at)
        sk_moment_print(at->seconds, at->nanos, text, sizeof(text));
    if (text[0])
        put_text(gen, text);
    else
        (void)yajl_gen_null(gen);
}

static void put_key_texts(yajl_gen gen, const char *key, char *const *texts, size_t count)
{
    put_text(gen, key);
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < count; i++)
        put_text(gen, texts[i]);
    (void)yajl_gen_array_close(gen);
}

const Coreweave__Sandbox__V1__Container *sk_box_main(const sk_shown *box)
{
    return box->spec && box->spec->n_containers ? box->spec->containers[0] : NULL;
}

static void put_command(yajl_gen gen, const Coreweave__Sandbox__V1__Container *container)
{
    put_text(gen, "command");
    (void)yajl_gen_array_open(gen);
    if (container && container->command[0])
        put_text(gen, container->command);
    for (size_t i = 0; container && i < container->n_args; i++)
        put_text(gen, container->args[i]);
    (void)yajl_gen_array_close(gen);
}

static void put_resources(yajl_gen gen, const Coreweave__Sandbox__V1__SandboxStatus *status)
{
    const Coreweave__Sandbox__V1__ResourceRequirements *all =
        status ? status->effective_resource_requirements : NULL;
    const Coreweave__Sandbox__V1__Resources *limits = all ? all->limits : NULL;

    put_key_text(gen, "cpu", limits ? limits->cpu : NULL);
    put_key_text(gen, "memory", limits ? limits->memory : NULL);
}

static void put_exit_code(yajl_gen gen, const Coreweave__Sandbox__V1__SandboxStatus *status)
{
    put_text(gen, "exit_code");
    if (status && status->_exit_code_case == COREWEAVE__SANDBOX__V1__SANDBOX_STATUS___EXIT_CODE_EXIT_CODE)
        (void)yajl_gen_integer(gen, status->exit_code);
    else
        (void)yajl_gen_null(gen);
}

static void put_box(yajl_gen gen, const sk_shown *box)
{
    const Coreweave__Sandbox__V1__SandboxStatus *status = box->status;
    const Coreweave__Sandbox__V1__Container *container = sk_box_main(box);

    (void)yajl_gen_map_open(gen);
    put_key_text(gen, "id", box->sandbox_id);
    put_key_text(gen, "state", sk_state_name(sk_box_state(box)));
    put_key_text(gen, "state_reason", status ? status->state_reason : NULL);
    put_key_text(gen, "image", container ? container->image : NULL);
    put_command(gen, container);
    put_key_texts(gen, "tags", box->spec ? box->spec->tags : NULL, box->spec ? box->spec->n_tags : 0);
    put_resources(gen, status);
    put_key_moment(gen, "created", status ? status->create_time : NULL);
    put_key_moment(gen, "started", status ? status->start_time : NULL);
    put_key_moment(gen, "ended", status ? status->end_time : NULL);
    put_text(gen, "lifetime_seconds");
    (void)yajl_gen_integer(gen, status ? status->effective_max_lifetime_seconds : 0);
    put_exit_code(gen, status);
    (void)yajl_gen_map_close(gen);
}

static void gen_free(yajl_gen *gen)
{
    yajl_gen_free(*gen);
}

enum sk_code sk_json_print(sk_shown *const *boxes, size_t count, bool array, struct sk_buf *out,
                           struct sk_err *err)
{
    SK_CLEANUP(gen_free) yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *text = NULL;
    size_t len = 0;

    (void)yajl_gen_config(gen, yajl_gen_beautify, 1);
    (void)yajl_gen_config(gen, yajl_gen_indent_string, "  ");
    if (array)
        (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < count; i++)
        put_box(gen, boxes[i]);
    if (array)
        (void)yajl_gen_array_close(gen);
    if (yajl_gen_get_buf(gen, &text, &len) != yajl_gen_status_ok || sk_buf_append(out, text, len) != SK_OK)
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "the answer is too large to be printed");
    return SK_OK;
}
