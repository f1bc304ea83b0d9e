#include "bench/calls.h"
#include "bench/daemon.h"
#include "bench/lanes.h"

#include <stdio.h>

enum { REQUEST_MAX = 64 * 1024 };

void calls_measure(const char *path, int total, int width)
{
    static uint8_t bytes[REQUEST_MAX];
    struct answer request = {.data = bytes, .len = fread(bytes, 1, sizeof(bytes), stdin)};
    struct caller daemon;

    daemon_open(&daemon);
    printf("calls\t%.1f\n", lanes_run(&daemon, path, &request, width, total, 1));
    daemon_close(&daemon);
}
