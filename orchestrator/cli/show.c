#include "cli/show.h"

int sk_show(const struct sk_args *args, sk_show_fn *fn)
{
    struct sk_client client;
    struct sk_arena arena = {0};
    struct sk_fault fault = {0};
    int exit_code = 1;

    if (sk_client_open(&client, args->address, &fault.err)) {
        sk_fault_print(&fault);
        return 1;
    }
    if (fn(&client, args, &arena, &exit_code, &fault)) {
        sk_fault_print(&fault);
        exit_code = 1;
    }
    sk_arena_fini(&arena);
    sk_client_close(&client);
    return exit_code;
}
