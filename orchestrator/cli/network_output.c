#include "cli/network_output.h"

#include "cli/json_put.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/rule.h"
#include "cli/table.h"

#include <inttypes.h>

typedef Coreweave__Sandbox__V1__ServiceStatus service_status;

static const char *protocol_name(Coreweave__Sandbox__V1__ServiceProtocol protocol)
{
    static const char *const names[] = {"tcp", "tcp", "udp", "sctp"};
    return (size_t)protocol < sk_array_len(names) ? names[protocol] : "unknown";
}

static const char *visibility_name(Coreweave__Sandbox__V1__Visibility visibility)
{
    static const char *const names[] = {"none", "public", "private", "custom"};
    return (size_t)visibility < sk_array_len(names) ? names[visibility] : "unknown";
}

static const char *url_of(const service_status *service)
{
    return service->endpoint && service->endpoint->url[0] ? service->endpoint->url : service->url;
}

static const char *dns_name(const Sandkeep__V1__Network *network)
{
    return network->effective_dns_egress == COREWEAVE__SANDBOX__V1__DNSEGRESS_MODE__DNS_EGRESS_MODE_ALLOW
               ? "allow"
               : "deny";
}

/* --- JSON ------------------------------------------------------------------------------ */

static void put_rules(yajl_gen gen, const Sandkeep__V1__Network *network)
{
    SK_CLEANUP(sk_arena_fini) struct sk_arena arena = {0};

    sk_json_put_text(gen, "rules");
    (void)yajl_gen_map_open(gen);
    sk_json_put_text(gen, "egress");
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < network->n_effective_egress; i++)
        sk_json_put_text(gen, sk_rule_print_egress(network->effective_egress[i], &arena));
    (void)yajl_gen_array_close(gen);
    sk_json_put_text(gen, "ingress");
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < network->n_effective_ingress; i++)
        sk_json_put_text(gen, sk_rule_print_ingress(network->effective_ingress[i], &arena));
    (void)yajl_gen_array_close(gen);
    sk_json_put_key_text(gen, "dns", dns_name(network));
    (void)yajl_gen_map_close(gen);
}

static void put_service(yajl_gen gen, const service_status *service)
{
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_number(gen, "port", service->port);
    sk_json_put_key_text(gen, "protocol", protocol_name(service->protocol));
    sk_json_put_key_text(gen, "visibility", visibility_name(service->visibility));
    sk_json_put_key_text(gen, "name", service->name);
    sk_json_put_key_text(gen, "url", url_of(service));
    (void)yajl_gen_map_close(gen);
}

static void put_denial(yajl_gen gen, const Sandkeep__V1__Denial *denial)
{
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_moment(gen, "time", denial->time);
    sk_json_put_key_text(gen, "destination", denial->destination);
    sk_json_put_key_text(gen, "protocol", denial->protocol);
    sk_json_put_key_number(gen, "port", denial->port);
    sk_json_put_key_text(gen, "name", denial->name);
    sk_json_put_key_text(gen, "rule", denial->rule);
    (void)yajl_gen_map_close(gen);
}

static void put_network(yajl_gen gen, const void *what)
{
    const Sandkeep__V1__Network *network = what;

    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "id", network->sandbox_id);
    sk_json_put_key_texts(gen, "addresses", network->addresses, network->n_addresses);
    put_rules(gen, network);
    sk_json_put_text(gen, "services");
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < network->n_services; i++)
        put_service(gen, network->services[i]);
    (void)yajl_gen_array_close(gen);
    sk_json_put_key_number(gen, "sent_bytes", (int64_t)network->sent_bytes);
    sk_json_put_key_number(gen, "received_bytes", (int64_t)network->received_bytes);
    sk_json_put_key_number(gen, "denied_packets", (int64_t)network->denied_packets);
    sk_json_put_key_number(gen, "names_asked", (int64_t)network->names_asked);
    sk_json_put_key_number(gen, "names_denied", (int64_t)network->names_denied);
    sk_json_put_text(gen, "denials");
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < network->n_denials; i++)
        put_denial(gen, network->denials[i]);
    (void)yajl_gen_array_close(gen);
    (void)yajl_gen_map_close(gen);
}

enum sk_code sk_network_print_json(const Sandkeep__V1__Network *network, struct sk_buf *out,
                                   struct sk_err *err)
{
    return sk_json_write(put_network, network, out, err);
}

/* --- for people -------------------------------------------------------------------------- */

static void add_bytes(struct sk_table *table, const char *name, uint64_t bytes)
{
    char text[32];

    sk_bytes_print(bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes, text, sizeof(text));
    sk_output_add(table, name, text);
}

static void add_rules(struct sk_table *table, const Sandkeep__V1__Network *network)
{
    if (!network->n_effective_egress)
        sk_output_add(table, "egress:", "none");
    for (size_t i = 0; i < network->n_effective_egress; i++)
        sk_output_add(table, "egress:", sk_rule_print_egress(network->effective_egress[i], &table->arena));
    for (size_t i = 0; i < network->n_effective_ingress; i++)
        sk_output_add(table, "ingress:", sk_rule_print_ingress(network->effective_ingress[i], &table->arena));
    sk_output_add(table, "dns:", dns_name(network));
}

static enum sk_code print_facts(const Sandkeep__V1__Network *network, struct sk_buf *out)
{
    struct sk_table table = {.columns = 2};

    sk_output_add(&table, "id:", network->sandbox_id);
    sk_output_add(&table,
                  "addresses:", sk_output_joined(&table.arena, network->addresses, network->n_addresses));
    add_rules(&table, network);
    add_bytes(&table, "sent:", network->sent_bytes);
    add_bytes(&table, "received:", network->received_bytes);
    sk_output_add(&table,
                  "denied packets:", sk_arena_printf(&table.arena, "%" PRIu64, network->denied_packets));
    sk_output_add(&table, "names asked:",
                  sk_arena_printf(&table.arena, "%" PRIu64 ", denied %" PRIu64, network->names_asked,
                                  network->names_denied));
    enum sk_code code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

static void add_titles(struct sk_table *table, const char *const *titles)
{
    for (size_t i = 0; i < table->columns; i++)
        sk_table_add(table, titles[i]);
}

static const char *number(struct sk_table *table, int32_t value)
{
    return value ? sk_arena_printf(&table->arena, "%" PRId32, value) : NULL;
}

static enum sk_code print_services(const Sandkeep__V1__Network *network, struct sk_buf *out)
{
    static const char *const titles[] = {"PORT", "PROTOCOL", "VISIBILITY", "NAME", "URL"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    add_titles(&table, titles);
    for (size_t i = 0; i < network->n_services; i++) {
        const service_status *service = network->services[i];
        sk_table_add(&table, number(&table, service->port));
        sk_table_add(&table, protocol_name(service->protocol));
        sk_table_add(&table, visibility_name(service->visibility));
        sk_table_add(&table, service->name);
        sk_table_add(&table, url_of(service));
    }
    enum sk_code code = sk_buf_printf(out, "\n");
    if (!code)
        code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

static enum sk_code print_denials(const Sandkeep__V1__Network *network, int64_t now, struct sk_buf *out)
{
    static const char *const titles[] = {"DENIED", "DESTINATION", "PROTOCOL", "PORT", "NAME", "RULE"};
    struct sk_table table = {.columns = sk_array_len(titles)};

    add_titles(&table, titles);
    for (size_t i = 0; i < network->n_denials; i++) {
        const Sandkeep__V1__Denial *denial = network->denials[i];
        char age[24] = "";
        if (denial->time)
            sk_age_print(sk_seconds_between(denial->time->seconds, now), age, sizeof(age));
        sk_table_add(&table, age[0] ? sk_arena_printf(&table.arena, "%s ago", age) : NULL);
        sk_table_add(&table, denial->destination);
        sk_table_add(&table, denial->protocol);
        sk_table_add(&table, number(&table, denial->port));
        sk_table_add(&table, denial->name);
        sk_table_add(&table, denial->rule);
    }
    enum sk_code code = sk_buf_printf(out, "\n");
    if (!code)
        code = sk_table_print(&table, out);
    sk_table_fini(&table);
    return code;
}

enum sk_code sk_network_print(const Sandkeep__V1__Network *network, int64_t now, struct sk_buf *out)
{
    enum sk_code code = print_facts(network, out);

    if (!code && network->n_services)
        code = print_services(network, out);
    if (!code && network->n_denials)
        code = print_denials(network, now, out);
    return code;
}

int sk_network_output(const Sandkeep__V1__Network *network, bool json)
{
    struct sk_buf out;
    struct sk_err err = {0};

    sk_output_begin(&out);
    enum sk_code code = json ? sk_network_print_json(network, &out, &err)
                             : sk_network_print(network, sk_clock_wall().ns / 1000000000, &out);
    return sk_output_end(code, &out, &err);
}
