/* handlers.h: what each implemented method does. A handler gets a call whose
 * key has been checked; it must see to it that the call is answered, once. */
#ifndef SK_API_HANDLERS_H
#define SK_API_HANDLERS_H

#include "api/call.h"

/* The request lives in the call's arena and is of the method's type. */
void sk_create_sandbox(struct sk_call *call, ProtobufCMessage *request);
void sk_get_sandbox(struct sk_call *call, ProtobufCMessage *request);
void sk_list_sandboxes(struct sk_call *call, ProtobufCMessage *request);
void sk_delete_sandbox(struct sk_call *call, ProtobufCMessage *request);
void sk_purge_sandboxes(struct sk_call *call, ProtobufCMessage *request);
void sk_read_file(struct sk_call *call, ProtobufCMessage *request);
void sk_write_file(struct sk_call *call, ProtobufCMessage *request);
void sk_exec_unary(struct sk_call *call, ProtobufCMessage *request);
void sk_open_session(struct sk_call *call, ProtobufCMessage *request);
void sk_get_session(struct sk_call *call, ProtobufCMessage *request);
void sk_list_sessions(struct sk_call *call, ProtobufCMessage *request);
void sk_renew_session(struct sk_call *call, ProtobufCMessage *request);
void sk_close_session(struct sk_call *call, ProtobufCMessage *request);
void sk_session_create_sandbox(struct sk_call *call, ProtobufCMessage *request);
void sk_list_images(struct sk_call *call, ProtobufCMessage *request);
void sk_get_image(struct sk_call *call, ProtobufCMessage *request);
void sk_remove_image(struct sk_call *call, ProtobufCMessage *request);
void sk_get_network(struct sk_call *call, ProtobufCMessage *request);
void sk_set_network(struct sk_call *call, ProtobufCMessage *request);
void sk_create_key(struct sk_call *call, ProtobufCMessage *request);
void sk_list_keys(struct sk_call *call, ProtobufCMessage *request);
void sk_revoke_key(struct sk_call *call, ProtobufCMessage *request);
void sk_list_available_runners(struct sk_call *call, ProtobufCMessage *request);
void sk_get_available_runner(struct sk_call *call, ProtobufCMessage *request);
void sk_reload_node(struct sk_call *call, ProtobufCMessage *request);
void sk_health_check(struct sk_call *call, ProtobufCMessage *request);
void sk_get_node_status(struct sk_call *call, ProtobufCMessage *request);
void sk_health_list(struct sk_call *call, ProtobufCMessage *request);
void sk_drain_node(struct sk_call *call, ProtobufCMessage *request);
void sk_undrain_node(struct sk_call *call, ProtobufCMessage *request);

/* A stream sets the events of call->rpc itself. */
void sk_exec_stream(struct sk_call *call);
void sk_stream_logs(struct sk_call *call);
void sk_keep_alive(struct sk_call *call);
void sk_pull_image(struct sk_call *call);
void sk_import_image(struct sk_call *call);
void sk_health_watch(struct sk_call *call);
void sk_reflect(struct sk_call *call);

#endif
