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
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "sandkeep/image.pb-c.h"
#include "sandkeep/keys.pb-c.h"
#include "sandkeep/network.pb-c.h"
#include "sandkeep/node.pb-c.h"
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
    &grpc__reflection__v1__server_reflection__descriptor,
    &grpc__reflection__v1alpha__server_reflection__descriptor,
    &sandkeep__v1__session_service__descriptor,
    &sandkeep__v1__image_service__descriptor,
    &sandkeep__v1__network_service__descriptor,
    &sandkeep__v1__node_service__descriptor,
    &sandkeep__v1__key_service__descriptor,
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
    {&coreweave__sandbox__v1__discovery_service__descriptor, "ListAvailableRunners",
     sk_list_available_runners, NULL},
    {&coreweave__sandbox__v1__discovery_service__descriptor, "GetAvailableRunner", sk_get_available_runner,
     NULL},
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
    {&sandkeep__v1__key_service__descriptor, "CreateKey", sk_create_key, NULL},
    {&sandkeep__v1__key_service__descriptor, "ListKeys", sk_list_keys, NULL},
    {&sandkeep__v1__key_service__descriptor, "RevokeKey", sk_revoke_key, NULL},
    {&sandkeep__v1__node_service__descriptor, "GetStatus", sk_get_node_status, NULL},
    {&sandkeep__v1__node_service__descriptor, "Reload", sk_reload_node, NULL},
    {&sandkeep__v1__node_service__descriptor, "Drain", sk_drain_node, NULL},
    {&sandkeep__v1__node_service__descriptor, "Undrain", sk_undrain_node, NULL},
    {&grpc__health__v1__health__descriptor, "Check", sk_health_check, NULL},
    {&grpc__health__v1__health__descriptor, "List", sk_health_list, NULL},
    {&grpc__health__v1__health__descriptor, "Watch", NULL, sk_health_watch},
    {&grpc__reflection__v1__server_reflection__descriptor, "ServerReflectionInfo", NULL, sk_reflect},
    {&grpc__reflection__v1alpha__server_reflection__descriptor, "ServerReflectionInfo", NULL, sk_reflect},
};

const ProtobufCServiceDescriptor *sk_method_service(size_t n)
{
    return n < sk_array_len(services) ? services[n] : NULL;
}

bool sk_method_is_any_handled(const ProtobufCServiceDescriptor *service)
{
    for (size_t i = 0; i < sk_array_len(handlers); i++) {
        if (handlers[i].service == service)
            return true;
    }
    return false;
}

static const ProtobufCServiceDescriptor *find_service(const char *name, size_t len)
{
    for (size_t i = 0; i < sk_array_len(services); i++) {
        if (strlen(services[i]->name) == len && memcmp(services[i]->name, name, len) == 0)
            return services[i];
    }
    return NULL;
}

/* What changes the node for all its tenants. */
static bool is_for_admins(const ProtobufCServiceDescriptor *service, const char *name)
{
    if (service == &sandkeep__v1__key_service__descriptor)
        return true;
    if (service == &sandkeep__v1__node_service__descriptor)
        return strcmp(name, "GetStatus") != 0;
    return service == &sandkeep__v1__image_service__descriptor &&
           (strcmp(name, "RemoveImage") == 0 || strcmp(name, "ImportImage") == 0);
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
    *out_method = (struct sk_method){.service = service,
                                     .type = type,
                                     .needs_key = service != &grpc__health__v1__health__descriptor,
                                     .needs_admin = is_for_admins(service, type->name)};
    for (size_t i = 0; i < sk_array_len(handlers); i++) {
        if (handlers[i].service == service && strcmp(handlers[i].name, type->name) == 0) {
            out_method->unary = handlers[i].unary;
            out_method->stream = handlers[i].stream;
            out_method->is_bulky = handlers[i].is_bulky;
        }
    }
    return true;
}
