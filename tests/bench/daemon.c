#include "bench/daemon.h"

#include <stdio.h>
#include <stdlib.h>

const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "bench: %s is not set\n", name);
        exit(2);
    }
    return value;
}

void daemon_open(struct caller *daemon)
{
    static char bearer[200];
    snprintf(bearer, sizeof(bearer), "Bearer %s", setting("CWSANDBOX_API_KEY"));
    grpc_init();
    caller_init(daemon, setting("SANDKEEP_ADDRESS"), "authorization", bearer);
}

void daemon_close(struct caller *daemon)
{
    caller_fini(daemon);
    grpc_shutdown_blocking();
}
