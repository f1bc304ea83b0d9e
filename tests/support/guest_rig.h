/* guest_rig.h: a rig with the real guest program, run as a plain child. */
#ifndef SK_TESTS_GUEST_RIG_H
#define SK_TESTS_GUEST_RIG_H

#include "drivers/agent/channel.h"
#include "support/agent_rig.h"

#include <dirent.h>
#include <spawn.h>
#include <sys/wait.h>

struct guest_rig {
    struct rig rig;
    char run_dir[64];
    int child; /* 0 = none */
};

static inline struct guest_rig *guest_rig_of(struct rig *rig)
{
    return sk_container_of(rig, struct guest_rig, rig);
}

static inline int guest_rig_launch(struct rig *rig)
{
    struct guest_rig *g = guest_rig_of(rig);
    char program[512], sock[512];
    const char *build = getenv("SK_BUILD");
    (void)snprintf(program, sizeof program, "%s/sandkeep-guest", build ? build : ".");
    (void)snprintf(sock, sizeof sock, "%s/sock", rig->agent->ops->dir(rig->guest));
    char *argv[] = {program, sock, NULL}, *env[] = {NULL};
    assert_int_equal(posix_spawn(&g->child, program, NULL, NULL, argv, env), 0);
    return g->child;
}

static inline void guest_rig_kill(struct rig *rig)
{
    struct guest_rig *g = guest_rig_of(rig);
    if (g->child <= 0)
        return;
    (void)kill(g->child, SIGKILL);
    (void)waitpid(g->child, NULL, 0);
    g->child = 0;
}

static inline int rig_setup(void **state)
{
    struct guest_rig *g = sk_alloc(sizeof *g);
    struct sk_err err;
    (void)strcpy(g->run_dir, "/tmp/sk-agent-XXXXXX");
    if (!mkdtemp(g->run_dir) || sk_loop_new(&g->rig.loop, &err) != SK_OK ||
        sk_agent_channel_open(g->rig.loop, NULL, g->run_dir, &g->rig.agent, &err) != SK_OK)
        return -1;
    g->rig.launch = guest_rig_launch;
    g->rig.kill = guest_rig_kill;
    *state = &g->rig;
    return 0;
}

static inline int rig_teardown(void **state)
{
    struct guest_rig *g = guest_rig_of(*state);
    char dir[128];
    /* Processes first: they are nobody's once their guest is gone. */
    for (uint64_t key = 1; g->rig.guest && g->child > 0 && key < RIG_KEYS; key++)
        if (g->rig.keys[key].started && !g->rig.keys[key].exits)
            g->rig.agent->ops->signal(g->rig.guest, key, SIGKILL, true);
    rig_idle(&g->rig, 10);
    guest_rig_kill(&g->rig);
    rig_down(&g->rig);
    (void)snprintf(dir, sizeof dir, "%s/agent", g->run_dir);
    bool clean = rmdir(dir) == 0 && rmdir(g->run_dir) == 0; /* nothing is left in it */
    sk_agent_channel_close(g->rig.agent);
    sk_loop_free(g->rig.loop);
    free(g);
    return clean ? 0 : -1;
}

/* Entries of a directory of /proc. */
static inline int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        (void)closedir(dir);
    return count;
}

/* Until there are so many at most: the guest closes some behind its answers, as those that were counted
 * before. */
static inline void until_entries(struct rig *rig, const char *path, int most)
{
    for (int waited = 0; count_entries(path) > most && waited < RIG_LIMIT_MS; waited += 5)
        rig_idle(rig, 5);
    assert_in_range(count_entries(path), 0, most);
}

#endif
