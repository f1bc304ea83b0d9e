/* world.h: a node on fakes, a store in memory and a virtual loop: what tests
 * of the core live in. The world outlives its node, as a host outlives the
 * daemon: world_restart ends one node and recovers the next. */
#ifndef SK_TESTS_WORLD_H
#define SK_TESTS_WORLD_H

#include "core/exec.h"
#include "core/node.h"
#include "core/sandbox.h"
#include "drivers/fake/agent.h"
#include "drivers/fake/edge.h"
#include "drivers/fake/image.h"
#include "drivers/fake/names.h"
#include "drivers/fake/network.h"
#include "drivers/fake/runtime.h"
#include "support/memstore.h"
#include "support/sweep.h"
#include "support/vloop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these before it */
#include <cmocka.h>
#include <string.h>

struct world {
    struct sk_loop *loop;
    struct sk_fake_runtime *runtime;
    struct sk_fake_images *images;
    struct sk_fake_agent *agent;
    struct sk_fake_network *network;
    struct sk_fake_edge *edge;
    struct sk_edge *given_edge; /* what nodes are given: the fake, until a test says otherwise */
    struct sk_fake_names *names;
    struct sk_store *store;
    struct sk_node_config config;
    const struct sk_log *log; /* of the nodes to come; NULL = none */
    struct sk_node *node;
};

/* An answer that is waited for. */
struct answer {
    struct sk_done done;
    int count;
    struct sk_err err; /* SK_OK = success */
    struct sk_sandbox *sandbox;
};

void world_init(struct world *w);
/* Everything ends; asserts that the loop is empty. Sandboxes may still live. */
void world_fini(struct world *w);
/* All drivers and the store ask this hook (NULL = none). */
void world_hook(struct world *w, int (*hook)(void *arg, const char *call), void *arg);
void world_sweep(struct world *w, struct sk_sweep *sweep);
void world_settle(struct world *w);
void world_advance(struct world *w, struct sk_duration by);

/* The daemon stops in good order. */
void world_stop(struct world *w);
/* The daemon is killed: from here on nothing it does has an effect. */
void world_crash(struct world *w);
/* A new daemon that has not begun to recover. */
void world_new_node(struct world *w);
/* A new daemon, recovered. */
void world_start(struct world *w);
/* Until the drivers hold nothing and no process is left. */
void world_assert_clean(struct world *w);
/* Of its processes only the main one is left, and the guest remembers nothing else. */
void world_assert_only_main(struct world *w, const struct sk_sandbox *sandbox);

void answer_init(struct answer *answer);

/* A record as the API makes it: image python:3.11, `sleep infinity`, 60 s of life, all of the internet. */
struct sk_record *world_record(struct world *w, const char *request_id);
/* argv as the command. */
void world_command(struct sk_record *record, const char *const *argv);
/* Instead of the internet: HTTPS to *.example.com; public services by port (8080) and by name (8443), and one
 * for its tenant. */
void world_add_doors(struct sk_record *record);
void world_create(struct world *w, struct sk_record *record, struct answer *answer);
/* Created and RUNNING. */
struct sk_sandbox *world_running(struct world *w, const char *const *argv);
void world_delete(struct world *w, struct sk_sandbox *s, struct sk_duration grace, struct answer *answer);
/* The state that a restart would see; 0 = no record. */
int world_stored_state(struct world *w, const char *id);

/* An exec whose whole output is collected. */
struct run {
    struct sk_exec *exec;
    struct sk_buf out, err;
    int started, exits, errors, rooms, chunks;
    int status;
    bool greedy; /* wants again after each chunk; true unless changed before run_start */
    struct sk_err error;
    size_t last_len; /* of the last chunk */
};
void run_start(struct run *run, struct sk_sandbox *s, const char *const *argv, bool has_stdin, bool greedy);
void run_request(struct run *run, struct sk_sandbox *s, const struct sk_exec_request *request, bool greedy);
void run_close(struct run *run);
/* Output so far, as text. */
const char *run_out(struct run *run);
const char *run_err(struct run *run);

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
