#include "place.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const char node_file[] = "node_id", address_file[] = "address", http_file[] = "http",
                  lock_file[] = "lock", salt_file[] = "login_salt", gate_file[] = "gate_port";

/* errno into the error, with what was being done to which path. */
static enum sk_code fail(struct sk_err *err, const char *doing, const char *path)
{
    int sys = errno;
    return sk_fail_sys(err, sk_code_from_errno(sys), sys, "cannot %s %s", doing, path);
}

static enum sk_code open_dir(const char *path, int *out_fd, struct sk_err *err)
{
    *out_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *out_fd < 0 ? fail(err, "open the directory", path) : SK_OK;
}

enum sk_code sk_place_make(const char *path, mode_t mode, struct sk_err *err)
{
    SK_AUTO_FD int fd = -1;
    struct stat info;
    enum sk_code code;

    if (mkdir(path, mode) && errno != EEXIST)
        return fail(err, "make the directory", path);
    code = open_dir(path, &fd, err);
    if (code != SK_OK)
        return code;
    if (fstat(fd, &info))
        return fail(err, "look at", path);
    if (info.st_uid != geteuid())
        return sk_fail(err, SK_FAILED_PRECONDITION, "%s belongs to user %u, not to this daemon's, %u", path,
                       info.st_uid, geteuid());
    return fchmod(fd, mode) ? fail(err, "set the mode of", path) : SK_OK;
}

/* --- the lock --------------------------------------------------------------------- */

/* For the sentence only; the lock itself is the kernel's. */
static void write_pid(int fd)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d\n", getpid());

    if (!ftruncate(fd, 0))
        (void)!pwrite(fd, text, (size_t)len, 0);
}

enum sk_code sk_place_lock(const char *path, int *out_fd, struct sk_err *err)
{
    SK_AUTO_FD int dir = -1;
    SK_AUTO_FD int fd = -1;
    char holder[16] = "";
    enum sk_code code = open_dir(path, &dir, err);

    if (code != SK_OK)
        return code;
    fd = openat(dir, lock_file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, "open the lock in", path);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK)
            return fail(err, "lock", path);
        (void)!pread(fd, holder, sizeof(holder) - 1, 0);
        return sk_fail(err, SK_FAILED_PRECONDITION, "another daemon uses %s (process %d)", path,
                       atoi(holder));
    }
    write_pid(fd);
    *out_fd = sk_take_fd(&fd);
    return SK_OK;
}

/* --- the address ------------------------------------------------------------------------- */

static enum sk_code write_lines(const char *run_dir, const char *file, const char *lines, struct sk_err *err)
{
    SK_AUTO_FD int dir = -1;
    enum sk_code code = open_dir(run_dir, &dir, err);

    return code == SK_OK ? sk_file_replace_at(dir, file, lines, strlen(lines), 0644, err) : code;
}

static void remove_file(const char *run_dir, const char *file)
{
    SK_AUTO_FD int dir = -1;

    if (open_dir(run_dir, &dir, NULL) == SK_OK)
        (void)unlinkat(dir, file, 0);
}

enum sk_code sk_place_write_address(const char *run_dir, const char *lines, struct sk_err *err)
{
    return write_lines(run_dir, address_file, lines, err);
}

void sk_place_remove_address(const char *run_dir)
{
    remove_file(run_dir, address_file);
}

enum sk_code sk_place_write_http(const char *run_dir, const char *line, struct sk_err *err)
{
    return write_lines(run_dir, http_file, line, err);
}

void sk_place_remove_http(const char *run_dir)
{
    remove_file(run_dir, http_file);
}

/* --- the node's name -------------------------------------------------------------------- */

static void node_from_host(char out_node[SK_NODE_MAX + 1])
{
    char host[256] = "";
    size_t len = 0;

    (void)gethostname(host, sizeof(host) - 1);
    for (const char *c = host; *c && len < SK_NODE_MAX; c++) {
        char small = (char)tolower((unsigned char)*c);
        if ((small >= 'a' && small <= 'z') || (small >= '0' && small <= '9'))
            out_node[len++] = small;
    }
    out_node[len] = '\0';
    if (!len)
        memcpy(out_node, "node", sizeof("node"));
}

static enum sk_code read_node(int fd, const char *state_dir, char out_node[SK_NODE_MAX + 1],
                              struct sk_err *err)
{
    char text[SK_NODE_MAX + 2];
    ssize_t got = read(fd, text, sizeof(text) - 1);

    if (got < 0)
        return fail(err, "read the node's name in", state_dir);
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (!sk_id_node_is_valid(text))
        return sk_fail(err, SK_DATA_LOSS, "%s/%s does not hold a node's name", state_dir, node_file);
    memcpy(out_node, text, strlen(text) + 1);
    return SK_OK;
}

static enum sk_code remember_node(int dir, const char *node, struct sk_err *err)
{
    char line[SK_NODE_MAX + 2];

    (void)snprintf(line, sizeof(line), "%s\n", node);
    return sk_file_replace_at(dir, node_file, line, strlen(line), 0600, err);
}

enum sk_code sk_place_node_id(const char *state_dir, const char *wanted, char out_node[SK_NODE_MAX + 1],
                              struct sk_err *err)
{
    SK_AUTO_FD int dir = -1;
    SK_AUTO_FD int fd = -1;
    enum sk_code code = open_dir(state_dir, &dir, err);

    if (code != SK_OK)
        return code;
    fd = openat(dir, node_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return fail(err, "open the node's name in", state_dir);
    if (fd < 0) {
        node_from_host(out_node);
        if (*wanted)
            memcpy(out_node, wanted, strnlen(wanted, SK_NODE_MAX) + 1);
        return remember_node(dir, out_node, err);
    }
    code = read_node(fd, state_dir, out_node, err);
    if (code == SK_OK && *wanted && strcmp(wanted, out_node) != 0)
        return sk_fail(
            err, SK_FAILED_PRECONDITION,
            "node_id is \"%s\", but %s belongs to node \"%s\", whose sandboxes' ids begin with it: "
            "keep the name, or use another state_dir",
            wanted, state_dir, out_node);
    return code;
}

/* --- the salt --------------------------------------------------------------------------- */

static void make_salt(char out_salt[SK_SALT_SIZE])
{
    uint8_t bytes[(SK_SALT_SIZE - 1) / 2];

    sk_random(bytes, sizeof(bytes));
    sk_hex_print(bytes, sizeof(bytes), out_salt);
}

enum sk_code sk_place_login_salt(const char *state_dir, char out_salt[SK_SALT_SIZE], struct sk_err *err)
{
    SK_AUTO_FD int dir = -1;
    SK_AUTO_FD int fd = -1;
    char text[SK_SALT_SIZE] = "";
    enum sk_code code = open_dir(state_dir, &dir, err);

    if (code != SK_OK)
        return code;
    fd = openat(dir, salt_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return fail(err, "open the salt of logins in", state_dir);
    if (fd < 0) {
        make_salt(out_salt);
        return sk_file_replace_at(dir, salt_file, out_salt, strlen(out_salt), 0600, err);
    }
    if (read(fd, text, sizeof(text)) != sizeof(text) - 1 ||
        strspn(text, "0123456789abcdef") != sizeof(text) - 1)
        return sk_fail(err, SK_DATA_LOSS, "%s/%s does not hold a salt: remove it", state_dir, salt_file);
    memcpy(out_salt, text, sizeof(text));
    return SK_OK;
}

/* --- the gate's port ---------------------------------------------------------------------- */

/* One that the kernel gives to nobody who asks for any, as long as somebody listens there. */
static enum sk_code free_port(uint16_t *out_port, struct sk_err *err)
{
    SK_AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t len = sizeof(any);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&any, len) ||
        getsockname(fd, (struct sockaddr *)&any, &len))
        return fail(err, "find a free port for", gate_file);
    *out_port = ntohs(any.sin_port);
    return SK_OK;
}

static enum sk_code make_gate_port(int dir, uint16_t *out_port, struct sk_err *err)
{
    enum sk_code code = free_port(out_port, err);
    char line[8];

    if (code != SK_OK)
        return code;
    (void)snprintf(line, sizeof(line), "%u\n", (unsigned)*out_port);
    return sk_file_replace_at(dir, gate_file, line, strlen(line), 0600, err);
}

enum sk_code sk_place_gate_port(const char *run_dir, uint16_t *out_port, struct sk_err *err)
{
    SK_AUTO_FD int dir = -1;
    SK_AUTO_FD int fd = -1;
    char text[8] = "";
    enum sk_code code = open_dir(run_dir, &dir, err);

    if (code != SK_OK)
        return code;
    fd = openat(dir, gate_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return fail(err, "open the gate's port in", run_dir);
    if (fd < 0)
        return make_gate_port(dir, out_port, err);
    long port = read(fd, text, sizeof(text) - 1) > 0 ? strtol(text, NULL, 10) : 0;
    if (port < 1 || port > UINT16_MAX)
        return sk_fail(err, SK_DATA_LOSS, "%s/%s does not hold a port: remove it", run_dir, gate_file);
    *out_port = (uint16_t)port;
    return SK_OK;
}
