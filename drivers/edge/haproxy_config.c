#include "drivers/edge/haproxy_config.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* Descriptors that are no connection's; and each connection has two, and half of one for what is on its way.
 */
#define RESERVED        300
#define CONNECTIONS_MIN 100
#define CONNECTIONS_MAX ((size_t)20000)

const char *const sk_haproxy_map_files[SK_MAP_COUNT] = {"hosts.map", "ports.map", "names.map", "excepts.map"};

static bool has_gate(const struct sk_haproxy_options *options)
{
    return options->gate_port > 0;
}

static bool has_ports(const struct sk_haproxy_options *options)
{
    return options->first_port > 0;
}

static bool has_https(const struct sk_haproxy_options *options)
{
    return options->domain && *options->domain;
}

/* The buffer's ceiling is many times what all of this can come to. */
static void put(struct sk_buf *out, const char *text)
{
    enum sk_code code = sk_buf_append(out, text, strlen(text));
    assert(code == SK_OK);
    (void)code;
}

#define put_line(out, ...)                                                                                   \
    do {                                                                                                     \
        enum sk_code code_ = sk_buf_printf((out), __VA_ARGS__);                                              \
        assert(code_ == SK_OK);                                                                              \
        (void)code_;                                                                                         \
    } while (0)

/* --- for all ---------------------------------------------------------------------------- */

static void put_global(const struct sk_haproxy_options *options, const struct sk_haproxy_host *host,
                       size_t connections, struct sk_buf *out)
{
    put_line(out,
             "global\n"
             "  description %s\n"
             "  nbthread 2\n"
             "  maxconn %zu\n"
             "  log stdout format raw local0 info\n"
             "  stats socket unix@" SK_HAPROXY_SOCKET " mode 600 level admin\n"
             "  stats timeout 1m\n"
             "  hard-stop-after 1m\n"
             "  tune.bufsize 16384\n"
             "  ssl-default-bind-options ssl-min-ver TLSv1.2\n",
             host->description, connections);
    if (host->uid)
        put_line(out, "  uid %u\n  gid %u\n", host->uid, host->gid);
    if (has_gate(options))
        put(out, "  lua-load-per-thread " SK_HAPROXY_SCRIPT "\n");
    /* Who does not listen yet is told so at once; a peer that went without a word is noticed in minutes. */
    put(out, "\ndefaults\n"
             "  timeout connect 5s\n"
             "  timeout client 1h\n"
             "  timeout server 1h\n"
             "  timeout tunnel 1h\n"
             "  timeout http-request 15s\n"
             "  timeout http-keep-alive 30s\n"
             "  retries 0\n"
             "  option clitcpka\n"
             "  option srvtcpka\n"
             "  clitcpka-idle 60s\n"
             "  clitcpka-intvl 15s\n"
             "  clitcpka-cnt 4\n"
             "  srvtcpka-idle 60s\n"
             "  srvtcpka-intvl 15s\n"
             "  srvtcpka-cnt 4\n");
}

/* --- ways in ------------------------------------------------------------------------------ */

/* HTTP is read, not only passed on: so that a caller is told 503 and not cut off while nothing listens, that
 * a door is looked for anew with each request, and that the sandbox learns who calls. */
static void put_door_rules(struct sk_buf *out, const char *scheme)
{
    put_line(out,
             "  http-request del-header X-Forwarded- -m beg\n"
             "  http-request del-header Forwarded\n"
             "  http-request set-header X-Forwarded-For %%[src]\n"
             "  http-request set-header X-Forwarded-Proto %s\n"
             "  http-request set-header X-Forwarded-Host %%[req.hdr(Host)] if { req.hdr(Host) -m found }\n"
             "  http-request set-header X-Forwarded-Port %%[dst_port]\n"
             "  default_backend boxes\n",
             scheme);
}

static void put_bind(const struct sk_haproxy_options *options, struct sk_buf *out)
{
    bool is_v6 = strchr(options->listen, ':') != NULL;
    put_line(out, is_v6 ? "  bind [%s]:" : "  bind %s:", options->listen);
}

static const char *bind_words(const struct sk_haproxy_options *options)
{
    return strcmp(options->listen, "::") == 0 ? " v4v6" : "";
}

/* One service cannot take the connections of all others. */
static void put_ports(const struct sk_haproxy_options *options, size_t connections, struct sk_buf *out)
{
    put(out, "\nfrontend ports\n  mode http\n");
    put_bind(options, out);
    put_line(out, "%u-%u%s\n", options->first_port, options->last_port, bind_words(options));
    put_line(out, "  maxconn %zu\n", connections * 3 / 10);
    put(out, "  option http-server-close\n"
             "  tcp-request connection reject unless { dst_port,map_str(ports.map) -m found }\n"
             "  tcp-request connection track-sc0 dst_port table port_crowd\n"
             "  tcp-request connection reject if { sc0_conn_cur gt 1000 }\n"
             "  http-request set-var(txn.door) dst_port,map_str(ports.map)\n"
             "  http-request return status 404 content-type text/plain string \"nothing is served here\\n\" "
             "unless { var(txn.door) -m found }\n");
    put_door_rules(out, "http");
    put(out, "\nbackend port_crowd\n  stick-table type integer size 8k expire 1h store conn_cur\n");
}

static void put_https(const struct sk_haproxy_options *options, size_t connections, struct sk_buf *out)
{
    put(out, "\nfrontend https\n  mode http\n");
    put_bind(options, out);
    put_line(out, "%u%s ssl crt " SK_HAPROXY_CERTIFICATE " strict-sni alpn http/1.1\n", options->https_port,
             bind_words(options));
    put_line(out, "  maxconn %zu\n", connections * 3 / 10);
    put(out, "  option http-server-close\n"
             "  http-request set-var(txn.host) req.hdr(host),field(1,:),lower\n"
             "  http-request set-var(txn.door) var(txn.host),map_str(hosts.map)\n"
             "  http-request return status 404 content-type text/plain string \"nothing is served here\\n\" "
             "unless { var(txn.door) -m found }\n"
             "  http-request track-sc0 var(txn.host) table host_crowd\n"
             "  http-request return status 503 content-type text/plain string \"too many callers\\n\" "
             "if { sc0_conn_cur gt 1000 }\n");
    put_door_rules(out, "https");
    put(out, "\nbackend host_crowd\n  stick-table type string len 254 size 8k expire 1h store conn_cur\n");
}

/* A limit of a door's own is for the server's silence, before its answer as well as within it: HAProxy 2.6
 * has no way to lift it when the answer begins. An upgrade does: from then on it is timeout tunnel. */
static void put_boxes(struct sk_buf *out)
{
    put(out, "\nbackend boxes\n"
             "  mode http\n"
             "  option http-server-close\n"
             "  http-reuse never\n"
             "  http-request set-dst var(txn.door),field(2,|)\n"
             "  http-request set-dst-port var(txn.door),field(3,|)\n"
             "  http-request set-timeout server var(txn.door),field(4,|),mul(1000) "
             "if { var(txn.door),field(4,|) -m int gt 0 }\n"
             "  server box 0.0.0.0\n");
}

/* --- the gate --------------------------------------------------------------------------- */

static void put_gate_bind(const struct sk_ip *ip, uint16_t port, struct sk_buf *out)
{
    char text[SK_IP_TEXT_MAX];
    sk_ip_print(ip, text);
    put_line(out, ip->is_v6 ? "  bind [%s]:%u transparent\n" : "  bind %s:%u transparent\n", text, port);
}

/* Waits for one whole record, of at most one buffer, and has it read. */
#define GATE_READS                                                                                           \
    "  tcp-request inspect-delay 5s\n"                                                                       \
    "  tcp-request content set-var(sess.why) str(unreadable)\n"                                              \
    "  tcp-request content reject if { req.payload(0,1),hex -m found } ! { req.payload(0,1),hex -m str 16 "  \
    "}\n"                                                                                                    \
    "  tcp-request content set-var(sess.need) req.payload(3,2),hex,hex2i,add(5) "                            \
    "if { req.payload(0,5) -m found }\n"                                                                     \
    "  tcp-request content set-var(sess.whole) bool(true) "                                                  \
    "if { req.payload(0,5) -m found } { req.len,sub(sess.need) ge 0 }\n"                                     \
    "  tcp-request content reject unless { var(sess.whole) -m bool }\n"                                      \
    "  tcp-request content lua.read_hello\n"                                                                 \
    "  tcp-request content reject unless { var(sess.name) -m found }\n"

#define GATE_HIDDEN                                                                                          \
    "  tcp-request content set-var(sess.why) str(hidden)\n"                                                  \
    "  tcp-request content reject if { var(sess.hidden) -m bool }\n"

#define GATE_JUDGES                                                                                          \
    "  tcp-request content set-var(sess.why) str(name)\n"                                                    \
    "  tcp-request content set-var(sess.wild) var(sess.name),regsub(^[^.]+,*)\n"                             \
    "  acl exact src,concat(|,sess.name),map_str(names.map) -m found\n"                                      \
    "  acl excepted src,concat(|,sess.name),map_str(excepts.map) -m found\n"                                 \
    "  acl wild src,concat(|,sess.wild),map_str(names.map) -m found\n"                                       \
    "  tcp-request content reject if !exact !wild\n"                                                         \
    "  tcp-request content reject if !exact excepted\n"                                                      \
    "  tcp-request content set-log-level silent\n"

/* What comes from the packet filter was on its way to port 443, and goes on to where it was going, to that
 * port alone; what comes by any other way is on its way to the gate itself. */
static void put_gate(const struct sk_haproxy_options *options, size_t connections, struct sk_buf *out)
{
    put(out, "\nfrontend gate\n  mode tcp\n");
    put_gate_bind(&options->gate_ipv4, options->gate_port, out);
    if (options->gate_has_ipv6)
        put_gate_bind(&options->gate_ipv6, options->gate_port, out);
    put_line(out, "  maxconn %zu\n", connections * 3 / 10);
    /* %B: bytes are only known at the end, so that the line waits for it, and for what is found until then.
     */
    put(out, "  log global\n"
             "  log-format \"gate|%[src]|%[dst]|%[dst_port]|%[var(sess.name)]|%[var(sess.why)]|%B\"\n"
             "  filter lua.gate\n"
             "  tcp-request connection reject unless { dst_port 443 }\n"
             "  tcp-request connection reject if { dst 127.0.0.0/8 ::1 0.0.0.0/8 :: }\n"
             "  tcp-request connection track-sc0 src table gate_crowd\n"
             "  tcp-request connection reject if { sc0_conn_cur gt 1000 }\n");
    put(out, GATE_READS);
    if (!options->let_hidden)
        put(out, GATE_HIDDEN);
    put(out, GATE_JUDGES "  default_backend origin\n");
    put(out, "\nbackend gate_crowd\n  stick-table type ipv6 size 64k expire 1h store conn_cur\n"
             "\nbackend origin\n"
             "  mode tcp\n"
             "  option splice-auto\n"
             "  server origin 0.0.0.0:443\n");
}

/* --- the whole ----------------------------------------------------------------------------- */

static bool is_word(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            return false;
    }
    return *text != '\0';
}

static enum sk_code check(const struct sk_haproxy_options *options, struct sk_err *err)
{
    struct sk_ip ip;
    bool listens = has_ports(options) || has_https(options);
    if (has_ports(options) && options->last_port < options->first_port)
        return sk_fail(err, SK_INVALID_ARGUMENT, "ports %u-%u are none", options->first_port,
                       options->last_port);
    if (has_https(options) && (options->https_port == 0 || !options->certificate || !*options->certificate))
        return sk_fail(err, SK_INVALID_ARGUMENT, "a domain of services needs a port and a certificate");
    return listens ? sk_ip_parse(options->listen, &ip, err) : SK_OK;
}

void sk_haproxy_config_maps(const struct sk_haproxy_options *options, bool out_has[SK_MAP_COUNT])
{
    out_has[SK_MAP_HOSTS] = has_https(options);
    out_has[SK_MAP_PORTS] = has_ports(options);
    out_has[SK_MAP_NAMES] = out_has[SK_MAP_EXCEPTS] = has_gate(options);
}

enum sk_code sk_haproxy_config_write(const struct sk_haproxy_options *options,
                                     const struct sk_haproxy_host *host, struct sk_buf *out,
                                     struct sk_err *err)
{
    size_t listeners = has_ports(options) ? (size_t)options->last_port - options->first_port + 1 : 0;
    enum sk_code code = check(options, err);
    if (code == SK_OK && host->descriptors < listeners + RESERVED + CONNECTIONS_MIN * 5 / 2)
        code = sk_fail(err, SK_RESOURCE_EXHAUSTED, "%zu descriptors are too few for %zu ports",
                       host->descriptors, listeners);
    if (code != SK_OK)
        return code;
    size_t connections = (host->descriptors - listeners - RESERVED) * 2 / 5;
    connections = connections < CONNECTIONS_MAX ? connections : CONNECTIONS_MAX;
    assert(is_word(host->description));
    put_global(options, host, connections, out);
    if (has_ports(options))
        put_ports(options, connections, out);
    if (has_https(options))
        put_https(options, connections, out);
    if (has_ports(options) || has_https(options))
        put_boxes(out);
    if (has_gate(options))
        put_gate(options, connections, out);
    return SK_OK;
}
