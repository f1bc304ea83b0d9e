#include "host.h"

#include "base/file.h"
#include "base/program.h"
#include "oci/image_config.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PEM_MAX ((size_t)1024 * 1024)

/* An amount of the host, or `least` should the system not say. */
static int64_t host_amount(int what, int64_t unit, int64_t least)
{
    long amount = sysconf(what);
    return amount > 0 ? amount * unit : least;
}

/* The cpus the daemon may use itself: cpusets of sandboxes lie within. */
static void find_cpus(struct sk_node_config *config)
{
    cpu_set_t allowed;

    CPU_ZERO(&allowed);
    (void)sched_getaffinity(0, sizeof(allowed), &allowed);
    for (unsigned i = 0; i < SK_CPU_MAX; i++)
        if (CPU_ISSET(i, &allowed))
            config->cpus[config->cpu_count++] = (uint16_t)i;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum sk_pull_policy pull_policy_of(const char *word)
{
    return !strcmp(word, "always")  ? SK_PULL_ALWAYS
           : !strcmp(word, "never") ? SK_PULL_NEVER
                                    : SK_PULL_MISSING;
}

static struct sk_images_config images_config(const struct sk_config *config)
{
    return (struct sk_images_config){
        .pull_policy = pull_policy_of(config->image_pull_policy),
        .allow = config->image_allow,
        .deny = config->image_deny,
        .prepull = config->image_prepull,
        .pinned = config->image_pins,
        .max_bytes = config->image_max_bytes,
        .unused = SK_SEC(config->image_unused_hours * 3600),
        .high_percent = (unsigned)config->image_disk_high_percent,
        .low_percent = (unsigned)config->image_disk_low_percent,
        .pull_limit = SK_SEC(config->image_pull_limit_s),
    };
}

/* What nobody asked for must fit into a small host. */
static void set_defaults(const struct sk_config *config, struct sk_node_config *c)
{
    c->default_cpu_millis = smaller(config->default_cpu, c->ceiling_cpu_millis);
    c->default_memory_bytes = smaller(config->default_memory, c->ceiling_memory_bytes);
    c->default_cpu_request_millis = config->default_cpu_request;
    c->default_memory_request_bytes = config->default_memory_request;
}

static const char *architecture(void)
{
    struct utsname host;
    return uname(&host) ? "amd64" : sk_architecture_of(host.machine);
}

/* What the node gives out, by the config or of what the host has; without GPUs. */
static struct sk_amount capacity_of(const struct sk_config *config)
{
    int64_t cpu = config->capacity_cpu, memory = config->capacity_memory;

    if (!cpu)
        cpu = host_amount(_SC_NPROCESSORS_ONLN, 1, 1) * 1000;
    if (!memory)
        memory = host_amount(_SC_PHYS_PAGES, sysconf(_SC_PAGESIZE), config->default_memory);
    return (struct sk_amount){
        .cpu_millis = sk_capacity_of(cpu, config->reserved_cpu, config->overcommit_cpu_percent),
        .memory_bytes = sk_capacity_of(memory, config->reserved_memory, config->overcommit_memory_percent),
    };
}

static struct sk_box_config box_config(const struct sk_config *config)
{
    return (struct sk_box_config){
        .image = config->default_image,
        .command = config->default_command,
        .env = config->default_environment,
        .user = config->default_user,
        .read_only_root = config->default_read_only_root,
        .no_egress = strcmp(config->default_egress, "none") == 0,
        .drop_capabilities = config->drop_capabilities,
        .idle_timeout_seconds = (int32_t)config->default_idle_timeout_s,
        .max_idle_timeout_seconds = (int32_t)config->max_idle_timeout_s,
        .max_lifetime_seconds = (int32_t)config->max_lifetime_s,
        .max_tags = (size_t)config->max_tags,
        .max_annotations = (size_t)config->max_annotations,
        .max_services = (size_t)config->max_services,
        .max_files = (size_t)config->max_files,
        .max_files_bytes = (size_t)config->max_files_bytes,
    };
}

void sk_host_node_config(const struct sk_config *config, const char *node_id,
                         struct sk_node_config *out_config)
{
    int64_t cpus = host_amount(_SC_NPROCESSORS_ONLN, 1, 1);
    int64_t memory = host_amount(_SC_PHYS_PAGES, sysconf(_SC_PAGESIZE), config->default_memory);
    struct sk_node_config c = {
        .create_hold = SK_MSEC(config->create_hold_ms),
        .delete_hold = SK_MSEC(config->delete_hold_ms),
        .create_limit = SK_SEC(config->create_limit_s),
        .retention = SK_SEC(config->retention_hours * 3600),
        .max_grace = SK_SEC(config->max_grace_s),
        .drain_timeout = SK_SEC(config->drain_timeout_s),
        .drain_stops = strcmp(config->drain_sandboxes, "stop") == 0,
        .drain_grace = SK_SEC(config->drain_grace_s),
        .shutdown_timeout = SK_SEC(config->shutdown_timeout_s),
        .default_lifetime_seconds = (int32_t)config->default_lifetime_s,
        .default_lease_seconds = (int32_t)config->default_lease_s,
        .max_lease_seconds = (int32_t)config->max_lease_s,
        .max_sessions = (size_t)config->max_sessions,
        .ceiling_cpu_millis = config->ceiling_cpu ? config->ceiling_cpu : cpus * 1000,
        .ceiling_memory_bytes = config->ceiling_memory ? config->ceiling_memory : memory,
        .pids_limit = config->pids_limit,
        .exec_output_max = config->exec_output_max_bytes,
        .log_max = config->log_max_bytes,
        .log_rate = config->log_rate_bytes_per_s,
        .images = images_config(config),
        .box = box_config(config),
    };
    find_cpus(&c);
    set_defaults(config, &c);
    c.capacity = capacity_of(config);
    c.quotas = config->quotas;
    c.architecture = architecture();
    (void)snprintf(c.organization, sizeof(c.organization), "%s", config->organization_id);
    (void)snprintf(c.runner_group, sizeof(c.runner_group), "%s", config->runner_group_id);
    memcpy(c.node_id, node_id, strnlen(node_id, SK_NODE_MAX) + 1);
    (void)snprintf(c.log_dir, sizeof(c.log_dir), "%s/%s", config->state_dir, SK_LOG_FOLDER);
    *out_config = c;
}

/* The program's path, from PATH; heap, or NULL. */
enum sk_code sk_host_runtime(const char *wanted, char **out_runtime, struct sk_err *err)
{
    char *found;

    if (strcmp(wanted, "auto") != 0) {
        *out_runtime = sk_strdup(wanted);
        return SK_OK;
    }
    found = sk_program_find("crun");
    if (!found)
        found = sk_program_find("runc");
    if (!found)
        return sk_fail(
            err, SK_FAILED_PRECONDITION,
            "neither crun nor runc is on PATH: install one, or name a runtime in the configuration");
    *out_runtime = found;
    return SK_OK;
}

enum sk_code sk_host_read_pem(const char *path, char **out_text, struct sk_err *err)
{
    SK_AUTO_FREE char *text = NULL;
    size_t len = 0;
    mode_t mode = 0;
    enum sk_code code;

    *out_text = NULL;
    if (!*path)
        return SK_OK;
    code = sk_file_load(path, PEM_MAX, &text, &len, &mode, err);
    if (code != SK_OK)
        return code;
    if (!strstr(text, "-----BEGIN "))
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s is not a PEM file", path);
    *out_text = sk_take(text);
    return SK_OK;
}

uint64_t sk_host_raise_files(void)
{
    struct rlimit files = {0}, most;

    if (getrlimit(RLIMIT_NOFILE, &files))
        return 0;
    most = (struct rlimit){.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &most) ? files.rlim_cur : most.rlim_cur;
}
