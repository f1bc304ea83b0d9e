#include "api/methods.h"
#include "api/handlers.h"
#include "base/own.h"

#include "coreweave/sandbox/v1/discovery.pb-c.h"
#include "coreweave/sandbox/v1/sandbox.pb-c.h"
#include "coreweave/sandbox/v1/sandbox_data_plane.pb-c.h"
#include "coreweave/sandbox/v1/sandbox_template.pb-c.h"
#include "coreweave/sandbox/v1/settings.pb-c.h"
#include "coreweave/sandbox/v1/volume.pb-c.h"
#include "grpc/health/v1/health.pb-c.h"
#include "sandkeep/image.pb-c.h"
#include "sandkeep/network.pb-c.h"
#include "sandkeep/session.pb-c.h"

#include <string.h>

static const ProtobufCServiceDescriptor *const services[] = {
    &coreweave__sandbox__v1__sandbox_service__descriptor,
    &coreweave__sandbox__v1__sandbox_data_plane_service__descriptor,
    &coreweave__sandbox__v1__discovery_service__descriptor,
    &coreweave__sandbox__v1__sandbox_template_service__descriptor,
    &coreweave__sandbox__v1__volume_service__descriptor,
    &coreweave__sandbox__v1__settings_service__descriptor,
    &grpc__health__v1__health__descriptor,
    &sandkeep__v1__session_service__descriptor,
    &sandkeep__v1__image_service__descriptor,
    &sandkeep__v1__network_service__descriptor,
};

static const struct handler {
    const ProtobufCServiceDescriptor *service;
    const char *name;
    void (*unary)(struct sk_call *call, ProtobufCMessage *request);
    void (*stream)(struct sk_call *call);
    bool is_bulky;
} handlers[] = {
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "CreateSandbox", sk_create_sandbox, NULL},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "GetSandbox", sk_get_sandbox, NULL},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "ListSandboxes", sk_list_sandboxes, NULL},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "DeleteSandbox", sk_delete_sandbox, NULL},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "PurgeSandboxes", sk_purge_sandboxes, NULL},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "Exec", sk_exec_unary, NULL},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "StreamExec", NULL, sk_exec_stream},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "StreamLogs", NULL, sk_stream_logs},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "ReadFile", sk_read_file, NULL},
    {&coreweave__sandbox__v1__sandbox_service__descriptor, "WriteFile", sk_write_file, NULL, true},
    {&coreweave__sandbox__v1__sandbox_data_plane_service__descriptor, "Exec", sk_exec_unary, NULL},
    {&coreweave__sandbox__v1__sandbox_data_plane_service__descriptor, "StreamExec", NULL, sk_exec_stream},
    {&coreweave__sandbox__v1__sandbox_data_plane_service__descriptor, "StreamLogs", NULL, sk_stream_logs},
    {&coreweave__sandbox__v1__sandbox_data_plane_service__descriptor, "ReadFile", sk_read_file, NULL},
    {&coreweave__sandbox__v1__sandbox_data_plane_service__descriptor, "WriteFile", sk_write_file, NULL, true},
    {&sandkeep__v1__session_service__descriptor, "OpenSession", sk_open_session, NULL},
    {&sandkeep__v1__session_service__descriptor, "GetSession", sk_get_session, NULL},
    {&sandkeep__v1__session_service__descriptor, "ListSessions", sk_list_sessions, NULL},
    {&sandkeep__v1__session_service__descriptor, "KeepAlive", NULL, sk_keep_alive},
    {&sandkeep__v1__session_service__descriptor, "RenewSession", sk_renew_session, NULL},
    {&sandkeep__v1__session_service__descriptor, "CreateSandbox", sk_session_create_sandbox, NULL},
    {&sandkeep__v1__session_service__descriptor, "CloseSession", sk_close_session, NULL},
    {&sandkeep__v1__image_service__descriptor, "PullImage", NULL, sk_pull_image},
    {&sandkeep__v1__image_service__descriptor, "ListImages", sk_list_images, NULL},
    {&sandkeep__v1__image_service__descriptor, "GetImage", sk_get_image, NULL},
    {&sandkeep__v1__image_service__descriptor, "RemoveImage", sk_remove_image, NULL},
    {&sandkeep__v1__image_service__descriptor, "ImportImage", NULL, sk_import_image},
    {&sandkeep__v1__network_service__descriptor, "GetNetwork", sk_get_network, NULL},
    {&sandkeep__v1__network_service__descriptor, "SetNetwork", sk_set_network, NULL},
    {&grpc__health__v1__health__descriptor, "Check", sk_health_check, NULL},
};

const ProtobufCServiceDescriptor *sk_method_service(size_t n)
{
    return n < sk_array_len(services) ? services[n] : NULL;
}

static const ProtobufCServiceDescriptor *find_service(const char *name, size_t len)
{
    for (size_t i = 0; i < sk_array_len(services); i++) {
        if (strlen(services[i]->name) == len && memcmp(services[i]->name, name, len) == 0)
            return services[i];
    }
    return NULL;
}

bool sk_method_find(const char *path, struct sk_method *out_method)
{
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    const ProtobufCServiceDescriptor *service =
        slash ? find_service(path + 1, (size_t)(slash - path - 1)) : NULL;
    const ProtobufCMethodDescriptor *type =
        service ? protobuf_c_service_descriptor_get_method_by_name(service, slash + 1) : NULL;
    if (!type)
        return false;
    /* A probe of health carries no key. */
    *out_method = (struct sk_method){
        .service = service, .type = type, .needs_key = service != &grpc__health__v1__health__descriptor};
    for (size_t i = 0; i < sk_array_len(handlers); i++) {
        if (handlers[i].service == service && strcmp(handlers[i].name, type->name) == 0) {
            out_method->unary = handlers[i].unary;
            out_method->stream = handlers[i].stream;
            out_method->is_bulky = handlers[i].is_bulky;
        }
    }
    return true;
}
