/* Pulls from a real registry into a real store: what comes, what goes with the name, what is fetched twice.
 */
#include "support/private_containerd.h"

#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

struct rig {
    struct private_containerd p;
    struct sk_registry *registry;
    struct sk_images_driver *driver;
    struct sk_image_driver *images;
    char host[32];
    pid_t server;
};

/* Nobody else takes a port here that was found to be free. */
static bool own_network(void)
{
    return unshare(CLONE_NEWNET) == 0 && system("ip link set lo up") == 0;
}

static unsigned free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    SK_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&at, len) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    return ntohs(at.sin_port);
}

static bool start_registry(struct rig *r)
{
    SK_AUTO_FREE char *config = sk_printf("%s/registry.yml", r->p.dir);
    FILE *file = fopen(config, "we");

    snprintf(r->host, sizeof(r->host), "127.0.0.1:%u", free_port());
    if (!file)
        return false;
    fprintf(file,
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\n"
            "storage:\n  filesystem:\n    rootdirectory: %s/registry\nhttp:\n  addr: %s\n",
            r->p.dir, r->host);
    fclose(file);
    r->server = fork();
    if (r->server == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        execlp("docker-registry", "docker-registry", "serve", config, (char *)NULL);
        _exit(127);
    }
    return r->server > 0;
}

/* busybox under that name; tried until the registry listens. */
static bool fill_registry(const struct rig *r)
{
    SK_AUTO_FREE char *copy =
        sk_printf("skopeo copy -q --dest-tls-verify=false oci-archive:%s/build/images/busybox.tar "
                  "docker://%s/busybox:1 2>/dev/null || skopeo copy -q --dest-tls-verify=false "
                  "docker-archive:%s/build/images/busybox.tar docker://%s/busybox:1 2>/dev/null",
                  sk_test_env("SK_SOURCE", "."), r->host, sk_test_env("SK_SOURCE", "."), r->host);

    for (int i = 0; i < 600; i++, usleep(100000))
        if (system(copy) == 0)
            return true;
    return false;
}

static bool open_images(struct rig *r)
{
    const struct sk_registry_host host = {.name = r->host, .plain_http = true, .ca_file = ""};
    const struct sk_registry_options options = {.loop = r->p.loop,
                                                .log = &r->p.log,
                                                .hosts = &host,
                                                .host_count = 1,
                                                .proxy = "",
                                                .max_connections = 4};
    struct sk_err err;

    if (sk_registry_new(&options, &r->registry, &err) != SK_OK)
        return false;
    r->driver = sk_images_driver_new(&(struct sk_images_options){
        .loop = r->p.loop,
        .log = &r->p.log,
        .content = sk_containerd_content(r->p.driver),
        .registry = r->registry,
        .machine = "x86_64",
        .layers_at_once = 4,
    });
    r->images = sk_images_driver_base(r->driver);
    return true;
}

static enum sk_code pull(struct rig *r, const char *tag, struct sk_image **out_image,
                         struct sk_image_progress *progress)
{
    SK_AUTO_FREE char *name = sk_printf("%s/busybox:%s", r->host, tag);
    struct sk_image_pull ask = {.name = name, .puller = "", .max_bytes = 1 << 30, .progress = progress};
    struct sk_wait w;

    sk_wait_init(&w, r->p.loop);
    r->images->ops->pull(r->images, &ask, out_image, &w.done);
    return sk_wait(&w);
}

/* Lines that `ctr … | grep what` prints. */
static int count(const struct rig *r, const char *arguments, const char *what)
{
    SK_AUTO_FREE char *command = sk_printf("ctr --address %s/containerd/sock --namespace %s %s | grep -c %s",
                                           r->p.dir, r->p.namespace, arguments, what);
    int lines = -1;
    FILE *out = popen(command, "re");

    if (!out || fscanf(out, "%d", &lines) != 1)
        lines = -1;
    if (out)
        pclose(out);
    return lines;
}

static void remove_image(struct rig *r, const char *name)
{
    struct sk_wait w;

    sk_wait_init(&w, r->p.loop);
    r->images->ops->remove(r->images, name, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
}

static void test_an_image_comes_and_goes(void **state)
{
    struct rig *r = *state;
    struct sk_image *image = NULL, *found = NULL;
    struct sk_image_progress progress;
    struct sk_wait w;

    assert_int_equal(count(r, "content ls -q", "sha256"), 0);
    assert_int_equal(count(r, "snapshots ls", "sha256"), 0);
    assert_int_equal(pull(r, "1", &image, &progress), SK_OK);
    assert_int_equal(progress.phase, SK_IMAGE_DONE);
    assert_int_equal(progress.done_bytes, progress.total_bytes);
    sk_wait_init(&w, r->p.loop);
    r->images->ops->find(r->images, image->name, &found, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_string_equal(found->snapshot_parent, image->snapshot_parent);
    assert_int_equal(count(r, "images check", "complete"), 1); /* as containerd sees it */
    assert_true(count(r, "content ls -q", "sha256") >= 3);
    assert_int_equal(count(r, "snapshots ls", "sha256"), 1);
    remove_image(r, image->name);
    assert_int_equal(count(r, "content ls -q", "sha256"), 0);
    assert_int_equal(count(r, "snapshots ls", "sha256"), 0);
    sk_image_free(found);
    sk_image_free(image);
}

static void test_no_such_image(void **state)
{
    struct rig *r = *state;
    struct sk_image *image = NULL;
    struct sk_image_progress progress;

    assert_int_equal(pull(r, "nothing", &image, &progress), SK_NOT_FOUND);
    assert_null(image);
    assert_int_equal(count(r, "leases ls -q", "sandkeep"), 0);
}

static void test_sizes_are_told(void **state)
{
    struct rig *r = *state;
    struct sk_image *image = NULL;
    struct sk_image_progress progress;
    struct sk_image_rows rows = {0};
    struct sk_wait w;

    assert_int_equal(pull(r, "1", &image, &progress), SK_OK);
    sk_wait_init(&w, r->p.loop);
    r->images->ops->inspect(r->images, image->name, &rows, &w.done);
    assert_int_equal(sk_wait(&w), SK_OK);
    assert_true(rows.items[0].bytes > 100000);
    sk_image_rows_fini(&rows);
    remove_image(r, image->name);
    sk_image_free(image);
}

/* What containerd.sh imports has the same layers. */
static bool empty_store(const struct rig *r)
{
    return sk_test_ctr(&r->p,
                       "images rm --sync docker.io/library/busybox:latest sandkeep.test/configured:latest") ==
           0;
}

static bool rig_up(struct rig *r)
{
    return empty_store(r) && start_registry(r) && fill_registry(r) && open_images(r);
}

static void rig_down(struct rig *r)
{
    struct sk_wait w;

    if (r->driver) {
        sk_wait_init(&w, r->p.loop);
        sk_images_driver_close(r->driver, &w.done);
        (void)sk_wait(&w);
    }
    sk_registry_free(r->registry);
    if (r->server > 0) {
        kill(r->server, SIGKILL);
        waitpid(r->server, NULL, 0);
    }
}

int main(void)
{
    struct rig r = {0};
    int result;

    if (system("command -v docker-registry >/dev/null && command -v skopeo >/dev/null") != 0) {
        printf("SKIPPED: no docker-registry and skopeo are installed\n");
        return SK_TEST_SKIP;
    }
    (void)own_network(); /* without root nothing follows anyway */
    result = sk_test_up(&r.p, 1);
    if (result)
        return result;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_an_image_comes_and_goes, &r),
        cmocka_unit_test_prestate(test_no_such_image, &r),
        cmocka_unit_test_prestate(test_sizes_are_told, &r),
    };
    result = rig_up(&r) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    rig_down(&r);
    return sk_test_down(&r.p, result);
}
