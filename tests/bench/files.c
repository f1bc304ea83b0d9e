#include "bench/files.h"

#include "bench/daemon.h"
#include "bench/file.h"
#include "bench/samples.h"
#include "bench/sandbox.h"

#include <stdio.h>

enum { KINDS = 4 };

static const struct {
    const char *name;
    void (*run)(struct file *file);
} kinds[KINDS] = {
    {"write", file_write}, {"read", file_read}, {"tar-write", file_write_tar}, {"tar-read", file_read_tar}};

static void measure_size(struct caller *daemon, const char *id, const char *size, size_t len, int n)
{
    struct samples samples[KINDS] = {0};
    struct file file;
    char name[32];

    file_init(&file, daemon, id, len);
    for (int i = -WARM_UP; i < n; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            double began = now_ms();
            kinds[kind].run(&file);
            if (i >= 0)
                samples_add(&samples[kind], now_ms() - began);
        }
    }
    file_fini(&file);
    for (int kind = 0; kind < KINDS; kind++) {
        snprintf(name, sizeof(name), "%s-%s", kinds[kind].name, size);
        samples_print(&samples[kind], name);
        samples_fini(&samples[kind]);
    }
}

void files_measure(const char *image, int n)
{
    struct caller daemon;

    daemon_open(&daemon);
    Sandbox *sandbox = sandbox_hold(&daemon, image);
    measure_size(&daemon, sandbox->sandbox_id, "1k", 1024, n);
    measure_size(&daemon, sandbox->sandbox_id, "1m", 1024 * 1024, n);
    measure_size(&daemon, sandbox->sandbox_id, "32m", 32 * 1024 * 1024, n / 4);
    sandbox_stop(&daemon, sandbox->sandbox_id);
    sandbox_free(sandbox);
    daemon_close(&daemon);
}
