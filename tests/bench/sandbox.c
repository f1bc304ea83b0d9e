#include "bench/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { POLL_MICROSECONDS = 200 };

const char *const SLEEP[] = {"/bin/sleep", "100000", NULL};

Sandbox *sandbox_create(struct caller *daemon, const char *image, const char *const *command)
{
    static unsigned serial;
    char request_id[64];
    Coreweave__Sandbox__V1__Container container = COREWEAVE__SANDBOX__V1__CONTAINER__INIT;
    Coreweave__Sandbox__V1__Container *containers[] = {&container};
    Coreweave__Sandbox__V1__SandboxSpec spec = COREWEAVE__SANDBOX__V1__SANDBOX_SPEC__INIT;
    Sandbox sandbox = COREWEAVE__SANDBOX__V1__SANDBOX__INIT;
    Coreweave__Sandbox__V1__CreateSandboxRequest request =
        COREWEAVE__SANDBOX__V1__CREATE_SANDBOX_REQUEST__INIT;

    snprintf(request_id, sizeof(request_id), "bench-%d-%u", (int)getpid(), serial++);
    container.name = (char *)"main";
    container.image = (char *)image;
    container.command = (char *)command[0];
    container.args = (char **)command + 1;
    while (command[container.n_args + 1])
        container.n_args++;
    spec.containers = containers;
    spec.n_containers = 1;
    sandbox.spec = &spec;
    request.sandbox = &sandbox;
    request.request_id = request_id;
    return (Sandbox *)caller_must(daemon, API "CreateSandbox", &request.base,
                                  &coreweave__sandbox__v1__sandbox__descriptor);
}

static Sandbox *get(struct caller *daemon, char *id)
{
    Coreweave__Sandbox__V1__GetSandboxRequest request = COREWEAVE__SANDBOX__V1__GET_SANDBOX_REQUEST__INIT;
    request.sandbox_id = id;
    return (Sandbox *)caller_must(daemon, API "GetSandbox", &request.base,
                                  &coreweave__sandbox__v1__sandbox__descriptor);
}

void sandbox_free(Sandbox *sandbox)
{
    protobuf_c_message_free_unpacked(&sandbox->base, NULL);
}

/* Polls until the sandbox is in one of two states. */
static void reach(struct caller *daemon, char *id, int one, int other)
{
    for (;;) {
        Sandbox *now = get(daemon, id);
        int state = (int)now->status->state;
        sandbox_free(now);
        if (state == one || state == other)
            return;
        usleep(POLL_MICROSECONDS);
    }
}

void sandbox_stop(struct caller *daemon, char *id)
{
    Coreweave__Sandbox__V1__DeleteSandboxRequest request =
        COREWEAVE__SANDBOX__V1__DELETE_SANDBOX_REQUEST__INIT;
    ProtobufCMessage *answer;

    request.sandbox_id = id;
    answer = caller_must(daemon, API "DeleteSandbox", &request.base,
                         &coreweave__sandbox__v1__delete_sandbox_response__descriptor);
    protobuf_c_message_free_unpacked(answer, NULL);
    reach(daemon, id, COREWEAVE__SANDBOX__V1__STATE__STATE_TERMINATED,
          COREWEAVE__SANDBOX__V1__STATE__STATE_COMPLETED);
}

Sandbox *sandbox_run(struct caller *daemon, const char *image, const char *const *command)
{
    Sandbox *sandbox = sandbox_create(daemon, image, command);
    sandbox_reach_running(daemon, sandbox);
    return sandbox;
}

Sandbox *sandbox_hold(struct caller *daemon, const char *image)
{
    return sandbox_run(daemon, image, SLEEP);
}

void sandbox_reach_running(struct caller *daemon, const Sandbox *sandbox)
{
    if (sandbox->status->state != COREWEAVE__SANDBOX__V1__STATE__STATE_RUNNING)
        reach(daemon, sandbox->sandbox_id, COREWEAVE__SANDBOX__V1__STATE__STATE_RUNNING,
              COREWEAVE__SANDBOX__V1__STATE__STATE_FAILED);
}
