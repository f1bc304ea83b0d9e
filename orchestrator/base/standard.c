#include "base/standard.h"

#include <fcntl.h>
#include <unistd.h>

void sk_standard_settle(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) /* what is opened gets the lowest number that is free: this one */
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}
