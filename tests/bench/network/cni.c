#include "bench/network/bench_network.h"

/* As podman and nerdctl write it, without what only others need (portmap, firewall, tuning). */
static const char config[] =
    "{\"cniVersion\":\"0.4.0\",\"name\":\"bench\",\"type\":\"bridge\",\"bridge\":\"bench0\",\"isGateway\":"
    "true,"
    "\"ipMasq\":true,\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"%s/cni\",\"ranges\":[[{\"subnet\":"
    "\"10.214.0.0/16\"}],[{\"subnet\":\"fd5a:4b02::/64\"}]],\"routes\":[{\"dst\":\"0.0.0.0/0\"},"
    "{\"dst\":\"::/0\"}]}}";

static const char *folder(void)
{
    const char *given = getenv("SK_CNI_PLUGINS");
    return given ? given : "/usr/lib/cni";
}

/* What any caller of plugins does first; without a program, so that it costs no more than the calls do. */
static void make_namespace(const char *path)
{
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    must(home >= 0 && file >= 0 && unshare(CLONE_NEWNET) == 0, "make a namespace");
    must(mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) == 0, "pin a namespace");
    must(setns(home, CLONE_NEWNET) == 0, "come back from a namespace");
    (void)close(home);
    (void)close(file);
}

static void run_plugin(const struct net_lab *lab, const char *command, int number, const char *netns)
{
    char id[32], program[256], path[300];
    int status = -1;
    (void)snprintf(id, sizeof(id), "bench-%d", number);
    (void)snprintf(program, sizeof(program), "%s/bridge", folder());
    (void)snprintf(path, sizeof(path), "%s:/usr/sbin:/usr/bin:/sbin:/bin", folder());
    pid_t child = fork();
    if (child == 0) {
        char input[128];
        (void)snprintf(input, sizeof(input), "%s/cni.json", lab->dir);
        int in = open(input, O_RDONLY), out = open("/dev/null", O_WRONLY);
        (void)dup2(in, 0);
        (void)dup2(out, 1);
        (void)setenv("CNI_COMMAND", command, 1);
        (void)setenv("CNI_CONTAINERID", id, 1);
        (void)setenv("CNI_NETNS", netns, 1);
        (void)setenv("CNI_IFNAME", "eth0", 1);
        (void)setenv("CNI_PATH", folder(), 1);
        (void)setenv("PATH", path, 1);
        (void)execl(program, program, (char *)NULL);
        _exit(127);
    }
    must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "run the bridge plugin");
}

static void write_config(const struct net_lab *lab)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/cni.json", lab->dir);
    FILE *file = fopen(path, "we");
    must(file != NULL, "write the plugin's configuration");
    (void)fprintf(file, config, lab->dir);
    (void)fclose(file);
}

void measure_cni(const struct net_lab *lab, int rounds)
{
    struct samples added = {0}, deleted = {0};
    char netns[128];
    write_config(lab);
    for (int i = 0; i < rounds; i++) {
        (void)snprintf(netns, sizeof(netns), "%s/cni-%d", lab->dir, i);
        double start = now_ms();
        make_namespace(netns);
        run_plugin(lab, "ADD", i, netns);
        samples_add(&added, now_ms() - start);
    }
    for (int i = 0; i < rounds; i++) {
        (void)snprintf(netns, sizeof(netns), "%s/cni-%d", lab->dir, i);
        double start = now_ms();
        run_plugin(lab, "DEL", i, netns);
        (void)umount2(netns, MNT_DETACH);
        (void)unlink(netns);
        samples_add(&deleted, now_ms() - start);
    }
    (void)lab_run("ip link delete bench0");
    samples_print(&added, "cni/attach");
    samples_print(&deleted, "cni/detach");
    samples_fini(&added);
    samples_fini(&deleted);
}
