#include "base/standard.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool refuses(ssize_t done)
{
    return done < 0 && errno == EBADF;
}

/* In a process whose descriptors of `closed`, a bit each, are closed: 0, or what is wrong. */
static int find_fault(unsigned closed)
{
    char byte = 0;

    for (int fd = 0; fd < 3; fd++) {
        if (closed & 1U << fd)
            (void)close(fd);
    }
    sk_standard_settle();
    if ((closed & 1U) && !refuses(read(0, &byte, 1)))
        return 1;
    for (int fd = 1; fd < 3; fd++) {
        if ((closed & 1U << fd) && !refuses(write(fd, "", 1)))
            return 2;
    }
    return dup(0) > 2 ? 0 : 3;
}

static void closed_ones_refuse_and_their_numbers_are_taken(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 8; closed++) {
        int status = -1;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(find_fault(closed));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_ones_refuse_and_their_numbers_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
