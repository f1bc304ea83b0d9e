/* methods.h: every method of every service, and who handles it. Pure. */
#ifndef SK_API_METHODS_H
#define SK_API_METHODS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

struct sk_call;

struct sk_method {
    const ProtobufCServiceDescriptor *service;
    const ProtobufCMethodDescriptor *type; /* name, request, response */
    /* Exactly one is set; none: not implemented. */
    void (*unary)(struct sk_call *call, ProtobufCMessage *request);
    void (*stream)(struct sk_call *call);
    bool needs_key;
    bool needs_admin; /* others are refused */
    bool is_bulky;    /* its request may be big: few at a time, see gate.h */
};

/* path: "/package.Service/Method". False when there is no such method. */
bool sk_method_find(const char *path, struct sk_method *out_method);

/* Whether anything of it is implemented. */
bool sk_method_is_any_handled(const ProtobufCServiceDescriptor *service);

/* Service n, or NULL past the last; for those who walk the table. */
const ProtobufCServiceDescriptor *sk_method_service(size_t n);

#endif
