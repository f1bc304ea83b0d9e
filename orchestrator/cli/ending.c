#include "cli/ending.h"

#include <stdio.h>

enum sk_code sk_box_end(struct sk_client *client, const char *id, int32_t grace_s, bool missing_ok,
                        struct sk_fault *fault)
{
    struct sk_arena arena = {0};
    sk_shown *box = NULL;
    enum sk_code code = sk_boxes_delete(client, id, grace_s, missing_ok, &arena, &box, fault);

    if (!code && box && !sk_state_is_final(sk_box_state(box)))
        code = sk_boxes_await(client, id, sk_state_is_final, &arena, &box, fault);
    sk_arena_fini(&arena);
    return code;
}

int sk_end_each(const struct sk_args *args,
                enum sk_code (*end)(struct sk_client *client, const struct sk_args *args, const char *word,
                                    struct sk_fault *fault))
{
    struct sk_client client;
    struct sk_fault fault = {0};
    int exit_code = 0;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    for (size_t i = 0; i < args->words.count && !client.signo; i++) {
        if (end(&client, args, args->words.items[i], &fault)) {
            sk_fault_print(&fault);
            exit_code = 1;
        } else {
            (void)puts(args->words.items[i]);
        }
    }
    if (client.signo)
        exit_code = 128 + client.signo;
    sk_client_close(&client);
    return exit_code;
}
