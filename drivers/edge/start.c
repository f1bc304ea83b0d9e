/* start.c: the blocking part: from options to a HAProxy that answers, be it
 * one that an earlier daemon has left. */
#include "base/program.h"
#include "base/siphash.h"
#include "drivers/edge/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define CONFIG_MAX ((size_t)1 << 16)
#define START_MS   15000
#define STEP_MS    20
#define LISTENS_MS 200 /* in which the one before stops to, if it goes on at all */

static const unsigned char script[] = {
#include <gate_lua.inc>
};

static const unsigned char origin[] = {
#include <origin.inc>
};

/* --- who and where ------------------------------------------------------------------------ */

static enum sk_code find_user(struct sk_haproxy *edge, struct sk_err *err)
{
    struct passwd entry, *found = NULL;
    char bytes[4096];
    if (!edge->options.user || !*edge->options.user)
        return SK_OK;
    if (getpwnam_r(edge->options.user, &entry, bytes, sizeof(bytes), &found) != 0 || !found)
        return sk_fail(err, SK_NOT_FOUND, "there is no user %s", edge->options.user);
    edge->host.uid = found->pw_uid;
    edge->host.gid = found->pw_gid;
    return SK_OK;
}

static enum sk_code find_all(struct sk_haproxy *edge, struct sk_err *err)
{
    edge->program = sk_program_find(edge->options.program);
    if (!edge->program)
        return sk_fail(err, SK_NOT_FOUND, "%s is not installed", edge->options.program);
    if (edge->options.netns) {
        edge->entering = sk_program_find("nsenter"); /* which becomes the program */
        edge->entered = sk_printf("--net=%s", edge->options.netns);
        if (!edge->entering)
            return sk_fail(err, SK_NOT_FOUND, "nsenter is not installed");
    }
    edge->dir = sk_printf("%s/edge", edge->options.run_dir);
    if (mkdir(edge->dir, 0700) < 0 && errno != EEXIST)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "make %s", edge->dir);
    struct rlimit files;
    edge->host.descriptors = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : 0;
    return find_user(edge, err);
}

/* --- files ---------------------------------------------------------------------------------- */

static enum sk_code save(const struct sk_haproxy *edge, const char *name, const void *data, size_t len,
                         struct sk_err *err)
{
    SK_AUTO_FREE char *path = sk_printf("%s/%s", edge->dir, name);
    SK_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        return sk_fail_sys(err, sk_code_from_errno(errno), errno, "write %s", path);
    return SK_OK;
}

/* All that makes one HAProxy another than the one before, in a word. */
static enum sk_code describe(struct sk_haproxy *edge, char *out, size_t size, struct sk_err *err)
{
    static const uint64_t key[2] = {0x73616E646B656570, 0x65646765};
    SK_CLEANUP(sk_buf_fini) struct sk_buf all;
    struct stat program, network = {0};
    sk_buf_init(&all, CONFIG_MAX * 4);
    if (stat(edge->program, &program) < 0)
        return sk_fail_sys(err, SK_NOT_FOUND, errno, "%s", edge->program);
    if (edge->options.netns && stat(edge->options.netns, &network) < 0)
        return sk_fail_sys(err, SK_NOT_FOUND, errno, "%s", edge->options.netns);
    edge->host.description = "none";
    enum sk_code code = sk_haproxy_config_write(&edge->options, &edge->host, &all, err);
    if (code == SK_OK)
        code = sk_buf_append(&all, script, sizeof(script));
    if (code == SK_OK)
        code = sk_buf_append(&all, origin, sizeof(origin));
    if (code == SK_OK)
        code = sk_buf_printf(&all, "%s %ju %jd %jd %ju", edge->program, (uintmax_t)program.st_ino,
                             (intmax_t)program.st_size, (intmax_t)program.st_mtim.tv_sec,
                             (uintmax_t)network.st_ino);
    if (code == SK_OK)
        (void)snprintf(out, size, "sandkeep-%016jx", (uintmax_t)sk_siphash(key, all.data, all.len));
    return code;
}

static enum sk_code save_all(struct sk_haproxy *edge, const char *description, struct sk_err *err)
{
    SK_CLEANUP(sk_buf_fini) struct sk_buf config;
    sk_buf_init(&config, CONFIG_MAX);
    edge->host.description = description;
    enum sk_code code = sk_haproxy_config_write(&edge->options, &edge->host, &config, err);
    if (code == SK_OK)
        code = save(edge, SK_HAPROXY_CONFIG, config.data, config.len, err);
    if (code == SK_OK)
        code = save(edge, SK_HAPROXY_SCRIPT, script, sizeof(script), err);
    for (size_t i = 0; i < SK_MAP_COUNT && code == SK_OK; i++)
        code = save(edge, sk_haproxy_map_files[i], "", 0, err);
    if (code == SK_OK && edge->certificate.path)
        code = sk_certificate_take(&edge->certificate, err);
    return code;
}

static enum sk_code save_pid(const struct sk_haproxy *edge, int pid, struct sk_err *err)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d\n", pid);
    return save(edge, "pid", text, (size_t)len, err);
}

/* --- starting --------------------------------------------------------------------------------- */

/* In memory: <run_dir> may be where nothing can be run from. */
static enum sk_code open_library(int *out_fd, struct sk_err *err)
{
    SK_AUTO_FD int fd = memfd_create("sandkeep-origin", MFD_CLOEXEC);
    if (fd < 0 || write(fd, origin, sizeof(origin)) != (ssize_t)sizeof(origin))
        return sk_fail_sys(err, SK_RESOURCE_EXHAUSTED, errno, "make a library for HAProxy");
    *out_fd = sk_take_fd(&fd);
    return SK_OK;
}

enum sk_code sk_haproxy_spawn(struct sk_haproxy *edge, struct sk_err *err)
{
    char config[] = SK_HAPROXY_CONFIG, foreground[] = "-db", file[] = "-f";
    char *argv[] = {edge->entering, edge->entered, edge->program, foreground, file, config, NULL};
    edge->fault[0] = '\0';
    edge->began = sk_loop_now(edge->loop);
    SK_AUTO_FD int library = -1;
    bool needs_library = edge->options.gate_port && edge->options.gate_has_ipv6;
    enum sk_code code = needs_library ? open_library(&library, err) : SK_OK;
    if (code == SK_OK)
        code = sk_program_start(&edge->process, edge->entering ? argv : argv + 2, edge->dir, edge->voice.out,
                                library, err);
    edge->admin.pid = edge->process.pid;
    return code == SK_OK ? save_pid(edge, edge->process.pid, err) : code;
}

static bool answers(const struct sk_haproxy *edge)
{
    SK_AUTO_FREE char *answer = NULL;
    int pid = 0;
    return sk_admin_ask_now(edge->dir, "show info\n", &answer, &pid, NULL) == SK_OK &&
           pid == edge->process.pid;
}

static enum sk_code wait_for_it(struct sk_haproxy *edge, struct sk_err *err)
{
    for (int waited = 0; waited < START_MS; waited += STEP_MS) {
        if (answers(edge))
            return SK_OK;
        if (sk_program_has_ended(&edge->process, STEP_MS)) {
            sk_voice_read(&edge->voice);
            sk_program_forget(&edge->process);
            return sk_fail(err, SK_FAILED_PRECONDITION, "HAProxy does not start: %s", edge->fault);
        }
    }
    return sk_fail(err, SK_DEADLINE_EXCEEDED, "HAProxy does not start in %d seconds", START_MS / 1000);
}

static void end_at_once(struct sk_program *program)
{
    sk_program_signal(program, SIGKILL);
    (void)sk_program_has_ended(program, 5000);
    sk_program_forget(program);
}

/* The one before goes on with what it has begun. */
static enum sk_code replace(struct sk_haproxy *edge, struct sk_program *before, const char *description,
                            struct sk_err *err)
{
    enum sk_code code = save_all(edge, description, err);
    if (code == SK_OK)
        code = sk_haproxy_spawn(edge, err);
    if (code == SK_OK)
        code = wait_for_it(edge, err);
    if (code != SK_OK && edge->process.pid)
        end_at_once(&edge->process);
    if (code == SK_OK) {
        sk_program_signal(before, SIGUSR1);
        (void)sk_program_has_ended(before, LISTENS_MS);
    }
    return code;
}

/* --- taking over ------------------------------------------------------------------------------ */

static bool is_described(const char *answer, const char *description)
{
    SK_AUTO_FREE char *line = sk_printf("\ndescription: %s\n", description);
    return strstr(answer, line) != NULL;
}

static enum sk_code read_maps(struct sk_haproxy *edge, struct sk_err *err)
{
    for (enum sk_haproxy_map map = 0; map < SK_MAP_COUNT; map++) {
        SK_AUTO_FREE char *question = sk_printf("show map %s\n", sk_haproxy_map_files[map]);
        SK_AUTO_FREE char *answer = NULL;
        int pid = 0;
        if (!edge->has[map])
            continue;
        enum sk_code code = sk_admin_ask_now(edge->dir, question, &answer, &pid, err);
        if (code == SK_OK && !sk_maps_read(&edge->maps, map, answer, true))
            code = sk_fail(err, SK_UNAVAILABLE, "HAProxy's %s cannot be read", sk_haproxy_map_files[map]);
        if (code != SK_OK)
            return code;
    }
    return SK_OK;
}

static enum sk_code take_over(struct sk_haproxy *edge, struct sk_program *found, struct sk_err *err)
{
    enum sk_code code = read_maps(edge, err);
    if (code == SK_OK && edge->certificate.path)
        code = sk_certificate_adopt(&edge->certificate, err);
    if (code == SK_OK)
        code = save_pid(edge, found->pid, err);
    if (code != SK_OK)
        return code;
    edge->process = *found;
    edge->admin.pid = found->pid;
    *found = (struct sk_program){.pidfd = -1};
    return SK_OK;
}

enum sk_code sk_haproxy_start(struct sk_haproxy *edge, struct sk_err *err)
{
    char description[64];
    SK_AUTO_FREE char *answer = NULL;
    struct sk_program found = {.pidfd = -1};
    int pid = 0;
    enum sk_code code = find_all(edge, err);
    if (code == SK_OK)
        code = describe(edge, description, sizeof(description), err);
    if (code != SK_OK)
        return code;
    sk_admin_init(&edge->admin, edge->loop, edge->dir);
    if (edge->options.domain && *edge->options.domain)
        sk_certificate_init(&edge->certificate, edge->loop, edge->options.certificate, edge->dir);
    SK_AUTO_FREE char *pipe = sk_printf("%s/log", edge->dir);
    code = sk_voice_open(&edge->voice, pipe, sk_haproxy_said, edge, err);
    if (code != SK_OK)
        return code;
    bool is_there = sk_admin_ask_now(edge->dir, "show info\n", &answer, &pid, NULL) == SK_OK;
    if (pid > 0 && sk_program_adopt(&found, pid, NULL) == SK_OK && !is_there)
        end_at_once(&found);
    if (is_there && found.pid && is_described(answer, description) && take_over(edge, &found, NULL) == SK_OK)
        return SK_OK;
    sk_maps_fini(&edge->maps);
    sk_maps_init(&edge->maps);
    code = replace(edge, &found, description, err);
    sk_program_forget(&found);
    return code;
}
