/* bench: measures sandkeepd over gRPC, containerd's own Exec on the same
 * container, and command lines, one row a kind. Which of them is said by the first
 * argument; see usage. What it talks to is said by the environment; see daemon.h. */
#include "bench/calls.h"
#include "bench/command.h"
#include "bench/execs.h"
#include "bench/files.h"
#include "bench/flows.h"
#include "bench/follow.h"
#include "bench/lives.h"
#include "bench/many.h"
#include "bench/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fprintf(stderr, "use: bench lives IMAGE N\n"
                    "     bench execs IMAGE N\n"
                    "     bench pair IMAGE N\n"
                    "     bench many IMAGE EXECS ROUNDS\n"
                    "     bench flows IMAGE MIB ROUNDS\n"
                    "     bench files IMAGE N\n"
                    "     bench follow IMAGE LINES\n"
                    "     bench calls PATH N AT_A_TIME <REQUEST\n"
                    "     bench command NAME N BEFORE AFTER COMMAND...\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *what = argc > 3 ? argv[1] : "";

    if (argc == 4 && strcmp(what, "lives") == 0)
        lives_measure(argv[2], atoi(argv[3]));
    else if (argc == 4 && strcmp(what, "execs") == 0)
        execs_measure(argv[2], atoi(argv[3]));
    else if (argc == 4 && strcmp(what, "pair") == 0)
        pair_measure(argv[2], atoi(argv[3]));
    else if (argc == 5 && strcmp(what, "many") == 0)
        many_measure(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (argc == 5 && strcmp(what, "flows") == 0)
        flows_measure(argv[2], (size_t)atoi(argv[3]), atoi(argv[4]));
    else if (argc == 4 && strcmp(what, "files") == 0)
        files_measure(argv[2], atoi(argv[3]));
    else if (argc == 4 && strcmp(what, "follow") == 0)
        follow_measure(argv[2], atoi(argv[3]));
    else if (argc == 5 && strcmp(what, "calls") == 0)
        calls_measure(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (argc >= 7 && strcmp(what, "command") == 0)
        run_command(argv[2], atoi(argv[3]), argv[4], argv[5], argv + 6);
    else
        return usage();
    return 0;
}
