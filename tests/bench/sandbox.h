/* sandbox.h: sandboxes of the daemon under test, made and ended. What fails
 * ends the program. */
#ifndef SK_BENCH_SANDBOX_H
#define SK_BENCH_SANDBOX_H

#include "bench/call.h"

#include "coreweave/sandbox/v1/sandbox.pb-c.h"

#define API "/coreweave.sandbox.v1.SandboxService/"

typedef Coreweave__Sandbox__V1__Sandbox Sandbox;

extern const char *const SLEEP[]; /* a command */

/* As CreateSandbox answers; free with sandbox_free. command ends with NULL. */
Sandbox *sandbox_create(struct caller *daemon, const char *image, const char *const *command);
void sandbox_reach_running(struct caller *daemon, const Sandbox *sandbox);
/* Both of them. */
Sandbox *sandbox_run(struct caller *daemon, const char *image, const char *const *command);
/* The same, sleeping until it is stopped. */
Sandbox *sandbox_hold(struct caller *daemon, const char *image);
/* Until it is TERMINATED. */
void sandbox_stop(struct caller *daemon, char *id);
void sandbox_free(Sandbox *sandbox);

#endif
