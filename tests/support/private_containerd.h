/* private_containerd.h: a containerd of the test program's own, the drivers
 * opened on it, and the stand-in guest; for programs that need root. */
#ifndef SK_TEST_PRIVATE_CONTAINERD_H
#define SK_TEST_PRIVATE_CONTAINERD_H

#include "drivers/containerd/containerd.h"
#include "drivers/images/images.h"
#include "drivers/registry/registry.h"
#include "support/wait.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SK_TEST_IMAGE "busybox" /* what containerd.sh imports */
#define SK_TEST_SKIP  77

struct private_containerd {
    char dir[64];
    char namespace[32];
    char *agent_dir;
    struct sk_loop *loop;
    struct sk_bridge *bridge;
    struct sk_containerd *driver;
    struct sk_registry *registry; /* knows no host, and is asked nothing unless a test pulls */
    struct sk_images_driver *images_driver;
    struct sk_image_driver *images;
    struct sk_log log;
};

static inline const char *sk_test_env(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

/* containerd.sh VERB DIR; its exit code. */
static inline int sk_test_containerd(const struct private_containerd *p, const char *verb)
{
    SK_AUTO_FREE char *command = sk_printf("SK_NAMESPACE=%s %s/tests/support/containerd.sh %s %s",
                                           p->namespace, sk_test_env("SK_SOURCE", "."), verb, p->dir);
    return system(command);
}

/* ctr ARGUMENTS against it; its exit code. */
static inline int sk_test_ctr(const struct private_containerd *p, const char *arguments)
{
    SK_AUTO_FREE char *command = sk_printf("ctr --address %s/containerd/sock --namespace %s %s >/dev/null",
                                           p->dir, p->namespace, arguments);
    return system(command);
}

/* The image of that name, the caller's, or NULL. */
static inline struct sk_image *sk_test_image(struct private_containerd *p, const char *reference)
{
    struct sk_image *image = NULL;
    struct sk_wait w;
    sk_wait_init(&w, p->loop);
    p->images->ops->find(p->images, reference, &image, &w.done);
    return sk_wait(&w) == SK_OK ? image : NULL;
}

/* Where the guest's folder would be, with the mount point that the real agent driver makes. */
static inline void sk_test_make_agent_dir(struct private_containerd *p)
{
    p->agent_dir = sk_printf("%s/agent", p->dir);
    SK_AUTO_FREE char *guest = sk_printf("%s/guest", p->agent_dir);
    mkdir(p->agent_dir, 0755);
    FILE *file = fopen(guest, "w");
    if (file)
        fclose(file);
}

static inline enum sk_code sk_test_open_images(struct private_containerd *p, struct sk_err *err)
{
    const struct sk_registry_options registry = {
        .loop = p->loop, .log = &p->log, .proxy = "", .max_connections = 4};
    struct utsname host;
    if (uname(&host) != 0)
        return sk_fail(err, SK_INTERNAL, "this machine has no name");
    enum sk_code code = sk_registry_new(&registry, &p->registry, err);
    if (code != SK_OK)
        return code;
    p->images_driver = sk_images_driver_new(&(struct sk_images_options){
        .loop = p->loop,
        .log = &p->log,
        .content = sk_containerd_content(p->driver),
        .registry = p->registry,
        .machine = host.machine,
        .layers_at_once = 4,
    });
    p->images = sk_images_driver_base(p->images_driver);
    return SK_OK;
}

static inline enum sk_code sk_test_open_driver(struct private_containerd *p, unsigned shim_group_max,
                                               struct sk_err *err)
{
    SK_AUTO_FREE char *socket = sk_printf("%s/containerd/sock", p->dir);
    SK_AUTO_FREE char *guest = sk_printf("%s/tests/stand_in_guest", sk_test_env("SK_BUILD", "."));
    SK_AUTO_FREE char *guest_path = realpath(guest, NULL);
    const struct sk_containerd_options options = {
        .socket = socket,
        .namespace = p->namespace,
        .snapshotter = "overlayfs",
        .runtime_type = "io.containerd.runc.v2",
        .runtime = sk_test_env("SK_RUNTIME", "crun"),
        .shim_group_max = shim_group_max,
        .cgroup_parent = p->namespace,
        .guest_path = guest_path ? guest_path : "no stand_in_guest was built",
        .log = &p->log,
        .bridge = p->bridge,
    };
    enum sk_code code = sk_containerd_open(&options, &p->driver, err);
    return code == SK_OK ? sk_test_open_images(p, err) : code;
}

static inline void sk_test_close_driver(struct private_containerd *p)
{
    struct sk_wait w;
    sk_wait_init(&w, p->loop);
    sk_images_driver_close(sk_take(p->images_driver), &w.done);
    (void)sk_wait(&w);
    sk_registry_free(sk_take(p->registry));
    sk_wait_init(&w, p->loop);
    sk_containerd_close(sk_take(p->driver), &w.done);
    (void)sk_wait(&w);
}

static inline const char *sk_test_why_not(void)
{
    if (geteuid() != 0)
        return "not root";
    if (system("command -v containerd >/dev/null && command -v ctr >/dev/null") != 0)
        return "no containerd is installed";
    SK_AUTO_FREE char *look =
        sk_printf("PATH=$PATH:/usr/sbin command -v %s >/dev/null", sk_test_env("SK_RUNTIME", "crun"));
    return system(look) == 0 ? NULL : "the OCI runtime is not installed";
}

/* 0, SK_TEST_SKIP or 1: what main returns when not 0. */
static inline int sk_test_up(struct private_containerd *p, unsigned shim_group_max)
{
    struct sk_err err;
    const char *bin = sk_test_env("SK_CONTAINERD_BIN", NULL); /* another than the machine's own */
    SK_AUTO_FREE char *path = bin ? sk_printf("%s:%s", bin, sk_test_env("PATH", "/usr/bin:/bin")) : NULL;
    if (path)
        setenv("PATH", path, 1);
    const char *why = sk_test_why_not();
    if (why) {
        printf("SKIPPED: %s\n", why);
        return SK_TEST_SKIP;
    }
    snprintf(p->dir, sizeof(p->dir), "/tmp/sktest-XXXXXX");
    if (!mkdtemp(p->dir))
        return 1;
    snprintf(p->namespace, sizeof(p->namespace), "sktest%d", (int)getpid());
    sk_log_init(&p->log, 2, strcmp(sk_test_env("SK_LOG", ""), "debug") == 0 ? SK_DEBUG : SK_ERROR);
    if (sk_test_containerd(p, "up") != 0)
        return 1;
    sk_test_make_agent_dir(p);
    if (sk_loop_new(&p->loop, &err) != SK_OK || sk_bridge_new(p->loop, &p->bridge, &err) != SK_OK ||
        sk_test_open_driver(p, shim_group_max, &err) != SK_OK) {
        printf("cannot start: %s\n", err.text);
        (void)sk_test_containerd(p, "down");
        return 1;
    }
    return 0;
}

/* Waits until the stand-in guest has written its report: start_task may answer
 * before the OCI runtime has handed over to it. The report's path on the host. */
static inline char *sk_test_await_report(int pid)
{
    char *path = sk_printf("/proc/%d/root/report", pid);
    for (int i = 0; i < 6000 && access(path, F_OK) != 0; i++)
        usleep(10000);
    return path;
}

/* What the tests said, or 1 when something is left behind. */
static inline int sk_test_down(struct private_containerd *p, int result)
{
    struct sk_wait w;
    sk_test_close_driver(p);
    sk_wait_init(&w, p->loop);
    sk_bridge_close(p->bridge, &w.done);
    (void)sk_wait(&w);
    sk_loop_free(p->loop);
    free(p->agent_dir);
    return sk_test_containerd(p, "down") == 0 ? result : 1;
}

#endif
