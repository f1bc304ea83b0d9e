#include "config/others.h"

#include "base/own.h"

#include <string.h>

static bool is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

/* --- folders -------------------------------------------------------------------- */

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return !strncmp(path, folder, len) && path[len] == '/';
}

/* Empty parts, ".", "..", and a slash at the end. */
static bool is_roundabout(const char *path)
{
    while (*path) {
        size_t len = strcspn(++path, "/");
        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return true;
        path += len;
    }
    return false;
}

bool sk_folder_is_others(const char *path)
{
    static const char *const these[] = {"/var/backups", "/var/cache",   "/var/lib",  "/var/local",
                                        "/var/lock",    "/var/log",     "/var/mail", "/var/opt",
                                        "/var/run",     "/var/spool",   "/var/tmp",  "/run/lock",
                                        "/run/shm",     "/run/systemd", "/run/user", "/dev/shm"};
    static const char *const all_below[] = {"/bin",   "/boot", "/etc",  "/lib", "/lib32",
                                            "/lib64", "/proc", "/sbin", "/sys", "/usr"};

    if (is_roundabout(path) || !strchr(path + 1, '/') || is_among(these, sk_array_len(these), path))
        return true;
    for (size_t i = 0; i < sk_array_len(all_below); i++)
        if (is_below(path, all_below[i]))
            return true;
    return false;
}

/* --- names ---------------------------------------------------------------------- */

bool sk_namespace_is_others(const char *name)
{
    static const char *const theirs[] = {"default", "k8s.io", "moby", "plugins.moby", "buildkit"};
    return is_among(theirs, sk_array_len(theirs), name);
}

bool sk_link_is_others(const char *name)
{
    static const char *const tables[] = {"filter", "nat", "raw", "mangle", "security", "firewalld"};
    static const char *const links[] = {
        "bond",    "br",     "cali",    "cni", "cilium", "docker", "dummy",  "en",   "eno",  "ens",
        "enp",     "eth",    "flannel", "ib",  "ifb",    "ip",     "ipvlan", "lo",   "lxc",  "lxdbr",
        "macvlan", "podman", "ppp",     "sit", "tap",    "team",   "tun",    "tunl", "veth", "virbr",
        "vlan",    "vnet",   "vxlan",   "wg",  "wl",     "wlan",   "wwan"};

    return is_among(tables, sk_array_len(tables), name) || is_among(links, sk_array_len(links), name);
}
