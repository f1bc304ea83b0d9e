/* device.h: devices of the host that a sandbox may be given, GPUs above all,
 * and what giving one means for its container. Values; nothing is NULL unless
 * it says so, lists are NULL-terminated or have a count.
 *
 * The words are those of the Container Device Interface, "containerEdits"
 * (github.com/cncf-tags/container-device-interface, SPEC.md). */
#ifndef SK_DRIVERS_DEVICE_H
#define SK_DRIVERS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sk_device_node {
    const char *path;        /* in the container */
    char type;               /* 'c' or 'b' */
    int64_t major, minor;    /* of the host's */
    const char *permissions; /* some of "rwm" */
    int64_t mode, uid, gid;  /* of the node in the container */
};

struct sk_device_mount {
    const char *source, *target; /* of the host; in the container */
    const char *type;            /* "bind", or a file system's */
    const char *const *options;
};

/* A program of the host that the OCI runtime runs; the file that names it is root's. */
struct sk_device_hook {
    const char *when; /* "createRuntime" and the like; static */
    const char *path;
    const char *const *args, *const *env;
    int64_t timeout; /* seconds; 0 = none */
};

struct sk_device_edits {
    const char *const *env; /* "NAME=value" */
    const struct sk_device_node *nodes;
    size_t node_count;
    const struct sk_device_mount *mounts;
    size_t mount_count;
    const struct sk_device_hook *hooks;
    size_t hook_count;
};

struct sk_device {
    const char *name; /* "nvidia.com/gpu=0" */
    const char *type; /* as clients name it: "nvidia.com/gpu", or what the configuration says */
    struct sk_device_edits edits;
    /* What comes with it once, however many devices share it; NULL = nothing. Compared by address. */
    const struct sk_device_edits *common;
};

#endif
