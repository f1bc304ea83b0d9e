#include "drivers/containerd/spec.h"

#include "drivers/containerd/json_out.h"
#include "drivers/containerd/seccomp.h"

#include <string.h>

#define CPU_PERIOD_US  100000
#define CPU_QUOTA_MIN  1000 /* the kernel's least */
#define CPU_SHARES_MIN 2
#define CPU_SHARES_MAX 262144
#define NOFILE_WANTED  65536

/* Docker's default without NET_RAW and MKNOD. */
static const char *const capabilities[] = {
    "CAP_AUDIT_WRITE",      "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER",  "CAP_FSETID", "CAP_KILL",
    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID",       "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
};

static const char *const namespaces[] = {"pid", "mount", "ipc", "uts", "network", "cgroup"};

static const char *const masked_paths[] = {"/proc/acpi",
                                           "/proc/asound",
                                           "/proc/interrupts",
                                           "/proc/kcore",
                                           "/proc/keys",
                                           "/proc/latency_stats",
                                           "/proc/sched_debug",
                                           "/proc/scsi",
                                           "/proc/timer_list",
                                           "/proc/timer_stats",
                                           "/sys/devices/virtual/powercap",
                                           "/sys/firmware",
                                           NULL};

static const char *const read_only_paths[] = {"/proc/bus",           "/proc/fs", "/proc/irq", "/proc/sys",
                                              "/proc/sysrq-trigger", NULL};

static const struct mount {
    const char *target, *type, *source;
    const char *options[8];
} mounts[] = {
    {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
    {"/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=65536k"}},
    {"/dev/pts",
     "devpts",
     "devpts",
     {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5", "max=1024"}},
    {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
    {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
    {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
    {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
};

/* null, zero, full, random, urandom, tty, ptmx, pseudo terminals. */
static const struct device {
    int major, minor; /* minor -1 = all */
} devices[] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, -1}};

static bool is_dropped(const struct sk_box *box, const char *capability)
{
    for (const char *const *drop = box->drop_capabilities; drop && *drop; drop++)
        if (strcmp(*drop, capability) == 0)
            return true;
    return false;
}

static void write_capability_set(struct sk_json_out *out, const char *key, const struct sk_box *box)
{
    sk_json_array(out, key);
    for (size_t i = 0; i < sk_array_len(capabilities); i++)
        if (!is_dropped(box, capabilities[i]))
            sk_json_str(out, NULL, capabilities[i]);
    sk_json_array_end(out);
}

static void write_rlimits(struct sk_json_out *out, const struct sk_spec_host *host)
{
    uint64_t files = host->nofile_hard < NOFILE_WANTED ? host->nofile_hard : NOFILE_WANTED;
    sk_json_array(out, "rlimits");
    sk_json_map(out, NULL);
    sk_json_str(out, "type", "RLIMIT_NOFILE");
    sk_json_int(out, "hard", (int64_t)files);
    sk_json_int(out, "soft", (int64_t)files);
    sk_json_map_end(out);
    sk_json_array_end(out);
}

/* Calls fn for what each device of the sandbox brings; what several share, once. */
static void each_edits(struct sk_json_out *out, const struct sk_box *box,
                       void (*fn)(struct sk_json_out *out, const struct sk_device_edits *edits))
{
    for (const struct sk_device *const *at = box->devices; at && *at; at++) {
        const struct sk_device *const *before = box->devices;
        while (before < at && (*before)->common != (*at)->common)
            before++;
        if (before == at && (*at)->common)
            fn(out, (*at)->common);
        fn(out, &(*at)->edits);
    }
}

static void write_device_env(struct sk_json_out *out, const struct sk_device_edits *edits)
{
    for (const char *const *at = edits->env; *at; at++)
        sk_json_str(out, NULL, *at);
}

/* Hooks of vendors look for theirs here. */
static void write_env(struct sk_json_out *out, const char *const *env, const struct sk_box *box)
{
    sk_json_array(out, "env");
    for (; *env; env++)
        sk_json_str(out, NULL, *env);
    each_edits(out, box, write_device_env);
    sk_json_array_end(out);
}

static void write_process(struct sk_json_out *out, const struct sk_box *box, const struct sk_spec_host *host)
{
    static const char *const args[] = {SK_GUEST_DIR "/guest", NULL};
    /* The guest needs neither. Without HOME, crun reads the image's /etc/passwd while it still has the
     * host's rights: a link to /proc/kmsg there would make it wait for ever, and take the host's log. */
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/",
        NULL,
    };
    sk_json_map(out, "process");
    sk_json_bool(out, "terminal", false);
    sk_json_map(out, "user");
    sk_json_int(out, "uid", 0);
    sk_json_int(out, "gid", 0);
    sk_json_map_end(out);
    sk_json_strs(out, "args", args);
    write_env(out, env, box);
    sk_json_str(out, "cwd", "/");
    sk_json_map(out, "capabilities");
    write_capability_set(out, "bounding", box);
    write_capability_set(out, "effective", box);
    write_capability_set(out, "permitted", box);
    sk_json_map_end(out);
    write_rlimits(out, host);
    sk_json_int(out, "oomScoreAdj", 0);
    sk_json_bool(out, "noNewPrivileges", true);
    sk_json_map_end(out);
}

static void write_bind(struct sk_json_out *out, const char *source, const char *target)
{
    static const char *const options[] = {"bind", "ro", "nosuid", "nodev", NULL};
    sk_json_map(out, NULL);
    sk_json_str(out, "destination", target);
    sk_json_str(out, "type", "bind");
    sk_json_str(out, "source", source);
    sk_json_strs(out, "options", options);
    sk_json_map_end(out);
}

static void write_device_mounts(struct sk_json_out *out, const struct sk_device_edits *edits)
{
    for (size_t i = 0; i < edits->mount_count; i++) {
        const struct sk_device_mount *mount = &edits->mounts[i];
        sk_json_map(out, NULL);
        sk_json_str(out, "destination", mount->target);
        sk_json_str(out, "type", mount->type);
        sk_json_str(out, "source", mount->source);
        sk_json_strs(out, "options", mount->options);
        sk_json_map_end(out);
    }
}

static void write_mounts(struct sk_json_out *out, const struct sk_box *box, const struct sk_spec_host *host)
{
    sk_json_array(out, "mounts");
    for (size_t i = 0; i < sk_array_len(mounts); i++) {
        sk_json_map(out, NULL);
        sk_json_str(out, "destination", mounts[i].target);
        sk_json_str(out, "type", mounts[i].type);
        sk_json_str(out, "source", mounts[i].source);
        sk_json_strs(out, "options", mounts[i].options);
        sk_json_map_end(out);
    }
    each_edits(out, box, write_device_mounts);
    for (size_t i = 0; i < box->bind_count; i++)
        write_bind(out, box->binds[i].source, box->binds[i].target);
    /* Last: nothing covers these. */
    write_bind(out, box->agent_dir, SK_GUEST_DIR);
    write_bind(out, host->guest_path, SK_GUEST_DIR "/guest"); /* on top of the directory */
    sk_json_array_end(out);
}

static void write_device(struct sk_json_out *out, const struct device *device)
{
    sk_json_map(out, NULL);
    sk_json_bool(out, "allow", device != NULL);
    if (device) {
        sk_json_str(out, "type", "c");
        sk_json_int(out, "major", device->major);
        if (device->minor >= 0)
            sk_json_int(out, "minor", device->minor);
    }
    sk_json_str(out, "access", "rwm");
    sk_json_map_end(out);
}

static void write_device_rules(struct sk_json_out *out, const struct sk_device_edits *edits)
{
    for (size_t i = 0; i < edits->node_count; i++) {
        const struct sk_device_node *node = &edits->nodes[i];
        const char type[] = {node->type, '\0'};
        sk_json_map(out, NULL);
        sk_json_bool(out, "allow", true);
        sk_json_str(out, "type", type);
        sk_json_int(out, "major", node->major);
        sk_json_int(out, "minor", node->minor);
        sk_json_str(out, "access", node->permissions);
        sk_json_map_end(out);
    }
}

static void write_device_nodes(struct sk_json_out *out, const struct sk_device_edits *edits)
{
    for (size_t i = 0; i < edits->node_count; i++) {
        const struct sk_device_node *node = &edits->nodes[i];
        const char type[] = {node->type, '\0'};
        sk_json_map(out, NULL);
        sk_json_str(out, "path", node->path);
        sk_json_str(out, "type", type);
        sk_json_int(out, "major", node->major);
        sk_json_int(out, "minor", node->minor);
        sk_json_int(out, "fileMode", node->mode);
        sk_json_int(out, "uid", node->uid);
        sk_json_int(out, "gid", node->gid);
        sk_json_map_end(out);
    }
}

static void write_nodes(struct sk_json_out *out, const struct sk_box *box)
{
    sk_json_array(out, "devices");
    each_edits(out, box, write_device_nodes);
    sk_json_array_end(out);
}

static void write_devices(struct sk_json_out *out, const struct sk_box *box)
{
    sk_json_array(out, "devices");
    write_device(out, NULL);
    for (size_t i = 0; i < sk_array_len(devices); i++)
        write_device(out, &devices[i]);
    each_edits(out, box, write_device_rules);
    sk_json_array_end(out);
}

/* value x unit / 1000 within the bounds, without overflow. */
static int64_t scale_millis(int64_t millis, int64_t unit, int64_t min, int64_t max)
{
    if (millis > max / unit * 1000)
        return max;
    int64_t scaled = millis * unit / 1000;
    return scaled < min ? min : scaled > max ? max : scaled;
}

static void write_cpu(struct sk_json_out *out, const struct sk_box *box)
{
    sk_json_map(out, "cpu");
    if (box->cpu_request_millis)
        sk_json_int(out, "shares",
                    scale_millis(box->cpu_request_millis, 1024, CPU_SHARES_MIN, CPU_SHARES_MAX));
    if (box->cpu_limit_millis) {
        sk_json_int(out, "quota",
                    scale_millis(box->cpu_limit_millis, CPU_PERIOD_US, CPU_QUOTA_MIN, INT64_MAX / 2));
        sk_json_int(out, "period", CPU_PERIOD_US);
    }
    if (box->cpuset)
        sk_json_str(out, "cpus", box->cpuset);
    sk_json_map_end(out);
}

static void write_memory(struct sk_json_out *out, const struct sk_box *box, const struct sk_spec_host *host)
{
    if (!box->memory_limit_bytes)
        return;
    sk_json_map(out, "memory");
    sk_json_int(out, "limit", box->memory_limit_bytes);
    if (host->swap_accounting)
        sk_json_int(out, "swap", box->memory_limit_bytes); /* memory and swap together: no swap */
    sk_json_map_end(out);
}

static void write_resources(struct sk_json_out *out, const struct sk_box *box,
                            const struct sk_spec_host *host)
{
    sk_json_map(out, "resources");
    write_devices(out, box);
    if (box->cpu_request_millis || box->cpu_limit_millis || box->cpuset)
        write_cpu(out, box);
    write_memory(out, box, host);
    if (box->pids_limit) {
        sk_json_map(out, "pids");
        sk_json_int(out, "limit", box->pids_limit);
        sk_json_map_end(out);
    }
    sk_json_map_end(out);
}

static void write_cgroups_path(struct sk_json_out *out, const struct sk_box *box,
                               const struct sk_spec_host *host)
{
    SK_AUTO_FREE char *path =
        *host->cgroup_parent ? sk_printf("/%s/%s", host->cgroup_parent, box->id) : sk_printf("/%s", box->id);
    sk_json_str(out, "cgroupsPath", path);
}

/* All of its own; that of the network was made before. */
static void write_namespaces(struct sk_json_out *out, const struct sk_box *box)
{
    sk_json_array(out, "namespaces");
    for (size_t i = 0; i < sk_array_len(namespaces); i++) {
        sk_json_map(out, NULL);
        sk_json_str(out, "type", namespaces[i]);
        if (box->netns && strcmp(namespaces[i], "network") == 0)
            sk_json_str(out, "path", box->netns);
        sk_json_map_end(out);
    }
    sk_json_array_end(out);
}

static void write_linux(struct sk_json_out *out, const struct sk_box *box, const struct sk_spec_host *host)
{
    sk_json_map(out, "linux");
    write_namespaces(out, box);
    if (box->devices && *box->devices)
        write_nodes(out, box);
    write_resources(out, box, host);
    write_cgroups_path(out, box, host);
    sk_seccomp_write(out, "seccomp", host->machine);
    sk_json_strs(out, "maskedPaths", masked_paths);
    sk_json_strs(out, "readonlyPaths", read_only_paths);
    sk_json_map_end(out);
}

static void write_hook(struct sk_json_out *out, const struct sk_device_hook *hook)
{
    sk_json_map(out, NULL);
    sk_json_str(out, "path", hook->path);
    sk_json_strs(out, "args", hook->args);
    sk_json_strs(out, "env", hook->env);
    if (hook->timeout)
        sk_json_int(out, "timeout", hook->timeout);
    sk_json_map_end(out);
}

static void write_hooks_of(struct sk_json_out *out, const struct sk_device_edits *edits, const char *when)
{
    for (size_t i = 0; i < edits->hook_count; i++)
        if (strcmp(edits->hooks[i].when, when) == 0)
            write_hook(out, &edits->hooks[i]);
}

#define HOOKS(name)                                                                                          \
    static void write_##name(struct sk_json_out *out, const struct sk_device_edits *edits)                   \
    {                                                                                                        \
        write_hooks_of(out, edits, #name);                                                                   \
    }
HOOKS(prestart)
HOOKS(createRuntime)
HOOKS(createContainer)
HOOKS(startContainer)
HOOKS(poststart)
HOOKS(poststop)
#undef HOOKS

static void write_hooks(struct sk_json_out *out, const struct sk_box *box)
{
    static const struct {
        const char *when;
        void (*write)(struct sk_json_out *out, const struct sk_device_edits *edits);
    } kinds[] = {
        {"prestart", write_prestart},
        {"createRuntime", write_createRuntime},
        {"createContainer", write_createContainer},
        {"startContainer", write_startContainer},
        {"poststart", write_poststart},
        {"poststop", write_poststop},
    };
    sk_json_map(out, "hooks");
    for (size_t i = 0; i < sk_array_len(kinds); i++) {
        sk_json_array(out, kinds[i].when);
        each_edits(out, box, kinds[i].write);
        sk_json_array_end(out);
    }
    sk_json_map_end(out);
}

static void write_annotations(struct sk_json_out *out, const char *group)
{
    if (!*group)
        return;
    sk_json_map(out, "annotations");
    sk_json_str(out, "io.containerd.runc.v2.group", group);
    sk_json_map_end(out);
}

static void write_spec(struct sk_json_out *out, const struct sk_box *box, const struct sk_spec_host *host,
                       const char *group)
{
    sk_json_map(out, NULL);
    sk_json_str(out, "ociVersion", "1.0.2");
    write_process(out, box, host);
    sk_json_map(out, "root");
    sk_json_str(out, "path", "rootfs");
    sk_json_bool(out, "readonly", box->read_only_root);
    sk_json_map_end(out);
    sk_json_str(out, "hostname", box->hostname);
    write_mounts(out, box, host);
    if (box->devices && *box->devices)
        write_hooks(out, box);
    write_annotations(out, group);
    write_linux(out, box, host);
    sk_json_map_end(out);
}

enum sk_code sk_spec_make(const struct sk_box *box, const struct sk_spec_host *host, const char *group,
                          char **out_text, size_t *out_len, struct sk_err *err)
{
    if (box->cpu_limit_millis < 0 || box->cpu_request_millis < 0 || box->memory_limit_bytes < 0 ||
        box->pids_limit < 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "a resource limit is negative");
    SK_CLEANUP(sk_json_out_fini) struct sk_json_out out;
    sk_json_out_init(&out);
    write_spec(&out, box, host, group);
    return sk_json_out_take(&out, out_text, out_len, err);
}
