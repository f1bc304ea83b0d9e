#include "cli/json.h"

#include "cli/json_put.h"

const Coreweave__Sandbox__V1__Container *sk_box_main(const sk_shown *box)
{
    return box->spec && box->spec->n_containers ? box->spec->containers[0] : NULL;
}

static void put_command(yajl_gen gen, const Coreweave__Sandbox__V1__Container *container)
{
    sk_json_put_text(gen, "command");
    (void)yajl_gen_array_open(gen);
    if (container && container->command[0])
        sk_json_put_text(gen, container->command);
    for (size_t i = 0; container && i < container->n_args; i++)
        sk_json_put_text(gen, container->args[i]);
    (void)yajl_gen_array_close(gen);
}

static void put_resources(yajl_gen gen, const Coreweave__Sandbox__V1__SandboxStatus *status)
{
    const Coreweave__Sandbox__V1__ResourceRequirements *all =
        status ? status->effective_resource_requirements : NULL;
    const Coreweave__Sandbox__V1__Resources *limits = all ? all->limits : NULL;

    sk_json_put_key_text(gen, "cpu", limits ? limits->cpu : NULL);
    sk_json_put_key_text(gen, "memory", limits ? limits->memory : NULL);
}

static void put_exit_code(yajl_gen gen, const Coreweave__Sandbox__V1__SandboxStatus *status)
{
    sk_json_put_text(gen, "exit_code");
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
    sk_json_put_key_text(gen, "id", box->sandbox_id);
    sk_json_put_key_text(gen, "state", sk_state_name(sk_box_state(box)));
    sk_json_put_key_text(gen, "state_reason", status ? status->state_reason : NULL);
    sk_json_put_key_text(gen, "image", container ? container->image : NULL);
    put_command(gen, container);
    sk_json_put_key_texts(gen, "tags", box->spec ? box->spec->tags : NULL, box->spec ? box->spec->n_tags : 0);
    put_resources(gen, status);
    sk_json_put_key_moment(gen, "created", status ? status->create_time : NULL);
    sk_json_put_key_moment(gen, "started", status ? status->start_time : NULL);
    sk_json_put_key_moment(gen, "ended", status ? status->end_time : NULL);
    sk_json_put_text(gen, "lifetime_seconds");
    (void)yajl_gen_integer(gen, status ? status->effective_max_lifetime_seconds : 0);
    put_exit_code(gen, status);
    (void)yajl_gen_map_close(gen);
}

struct list {
    sk_shown *const *boxes;
    size_t count;
    bool array;
};

static void put_list(yajl_gen gen, const void *what)
{
    const struct list *list = what;

    if (list->array)
        (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < list->count; i++)
        put_box(gen, list->boxes[i]);
    if (list->array)
        (void)yajl_gen_array_close(gen);
}

enum sk_code sk_box_print_json(sk_shown *const *boxes, size_t count, bool array, struct sk_buf *out,
                               struct sk_err *err)
{
    const struct list list = {boxes, count, array};
    return sk_json_write(put_list, &list, out, err);
}
