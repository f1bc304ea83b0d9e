/* ip_port.h: "192.0.2.1:80" and "[2001:db8::1]:80": where something listens, in numbers. Pure. */
#ifndef SK_NET_IP_PORT_H
#define SK_NET_IP_PORT_H

#include "net/ip.h"

struct sk_ip_port {
    struct sk_ip ip;
    uint16_t port; /* 0 = any free one */
};

/* Errors: SK_INVALID_ARGUMENT. */
SK_MUST_CHECK enum sk_code sk_ip_port_parse(const char *text, struct sk_ip_port *out, struct sk_err *err);
/* 127.0.0.0/8 and ::1. */
bool sk_ip_is_loopback(const struct sk_ip *ip);

#endif
