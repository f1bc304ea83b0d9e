#include "drivers/containerd/shim_socket.h"

#include "base/hex.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FOLDER "/run/containerd/s"

char *sk_shim_socket_path(const char *socket, const char *namespace, const char *name)
{
    SK_AUTO_FREE char *text = sk_printf("%s/%s/%s", socket, namespace, name);
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];

    (void)SHA256((const unsigned char *)text, strlen(text), hash);
    sk_hex_print(hash, sizeof(hash), hex);
    return sk_printf(FOLDER "/%s", hex);
}

enum sk_shim_socket sk_shim_socket_look(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    SK_AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
        return SK_SHIM_SOCKET_SERVED; /* not known: leave it */
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
        return SK_SHIM_SOCKET_SERVED;
    return errno == ENOENT         ? SK_SHIM_SOCKET_ABSENT
           : errno == ECONNREFUSED ? SK_SHIM_SOCKET_STALE
                                   : SK_SHIM_SOCKET_SERVED;
}
