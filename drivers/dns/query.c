#include "drivers/dns/query.h"

#include "drivers/dns/connection.h"
#include "drivers/dns/impl.h"
#include "drivers/dns/lookup.h"
#include "drivers/dns/udp.h"

#include <assert.h>

/* As long as a grant lives at most: what somebody remembers for longer would be shut when it is used. */
#define TTL_MAX_S 3600

struct query {
    struct sk_dns *dns;
    struct sk_list link;
    struct sk_dns_path path;
    bool is_forgotten; /* nobody waits for the answer */
    struct sk_dns_asker *asker;
    struct sk_dns_question question;
    bool is_granted;
    struct sk_dns_lookup lookup;
    struct grant *grant; /* while it is being asked for */
};

struct grant {
    struct sk_done done;
    struct query *query;
    struct sk_dns_answer answer;
    struct sk_network_grant grants[SK_DNS_ADDRESSES_MAX];
};

/* --- answers ------------------------------------------------------------------------- */

static void answer(const struct sk_dns_path *path, const struct sk_dns_question *question,
                   const struct sk_dns_answer *answer)
{
    uint8_t data[SK_DNS_ANSWER_MAX];
    size_t max = path->connection ? sizeof(data) : question->udp_size;
    if (max < SK_DNS_UDP_LEAST)
        max = SK_DNS_UDP_LEAST; /* of a question that was not read to its end */
    size_t len = sk_dns_write_answer(question, answer, data, max);
    if (len == 0)
        return;
    if (path->connection)
        sk_dns_connection_send(path->connection, data, len);
    else
        sk_dns_udp_send(path->udp, &path->asker, data, len);
}

static void answer_code(const struct sk_dns_path *path, const struct sk_dns_question *question,
                        enum sk_dns_rcode rcode)
{
    answer(path, question, &(struct sk_dns_answer){.rcode = rcode});
}

static void deny(const struct sk_dns *dns, const struct sk_dns_path *path,
                 const struct sk_dns_question *question, const char *why)
{
    if (sk_dns_is_listened_to(dns))
        dns->events.on_denied(dns->arg, &path->asker.ip, question->name, why);
}

/* --- queries --------------------------------------------------------------------------- */

static void query_free(struct query *query)
{
    struct sk_dns *dns = query->dns;
    if (query->path.connection && !query->is_forgotten)
        sk_dns_connection_release(query->path.connection);
    sk_dns_lookup_stop(&query->lookup);
    sk_list_remove(&query->link);
    query->asker->questions--;
    dns->query_count--;
    free(query->grant);
    free(query);
    sk_dns_settle(dns);
}

static void query_end(struct query *query, const struct sk_dns_answer *with)
{
    if (!query->is_forgotten)
        answer(&query->path, &query->question, with);
    query_free(query);
}

static void query_fail(struct query *query)
{
    query_end(query, &(struct sk_dns_answer){.rcode = SK_DNS_SERVFAIL});
}

/* --- grants ------------------------------------------------------------------------------ */

static void on_granted(struct sk_done *done, const struct sk_err *err)
{
    struct grant *grant = sk_container_of(done, struct grant, done);
    if (err)
        query_fail(grant->query);
    else
        query_end(grant->query, &grant->answer);
}

static void ask_for_grant(struct query *query, const struct sk_dns_answer *found)
{
    struct sk_dns *dns = query->dns;
    struct grant *grant = query->grant = sk_alloc(sizeof(*grant));
    grant->query = query;
    grant->answer = *found;
    for (size_t i = 0; i < found->address_count; i++)
        grant->grants[i] = (struct sk_network_grant){found->addresses[i].ip, found->addresses[i].ttl_s};
    sk_done_init(&grant->done, on_granted);
    dns->events.on_granted(dns->arg, &query->path.asker.ip, query->question.name, grant->grants,
                           found->address_count, &grant->done);
}

/* --- what resolvers say -------------------------------------------------------------------- */

static void shorten(struct sk_dns_answer *found)
{
    for (size_t i = 0; i < found->address_count; i++) {
        if (found->addresses[i].ttl_s > TTL_MAX_S)
            found->addresses[i].ttl_s = TTL_MAX_S;
    }
}

static void on_found(struct sk_dns_lookup *lookup, struct sk_dns_answer *found)
{
    struct query *query = sk_container_of(lookup, struct query, lookup);
    if (!found) {
        deny(query->dns, &query->path, &query->question, "upstream");
        query_fail(query);
        return;
    }
    size_t removed = sk_dns_screen_sift(&query->dns->screen, query->question.name, found);
    if (removed > 0 && found->address_count == 0)
        deny(query->dns, &query->path, &query->question, "private");
    shorten(found);
    if (query->is_granted && found->address_count > 0)
        ask_for_grant(query, found);
    else
        query_end(query, found);
}

static void look_up(struct sk_dns *dns, const struct sk_dns_path *path, struct sk_dns_asker *asker,
                    const struct sk_dns_question *question, bool is_granted)
{
    struct query *query = sk_alloc(sizeof(*query));
    query->dns = dns;
    query->path = *path;
    query->asker = asker;
    query->question = *question;
    query->is_granted = is_granted;
    query->lookup = (struct sk_dns_lookup){.loop = dns->loop,
                                           .upstreams = &dns->upstreams,
                                           .one_try = dns->limits.one_try,
                                           .whole = dns->limits.whole,
                                           .fn = on_found};
    asker->questions++;
    dns->query_count++;
    if (path->connection)
        sk_dns_connection_hold(path->connection);
    sk_list_append(&dns->queries, &query->link);
    sk_dns_lookup_start(&query->lookup, question);
}

/* --- questions ------------------------------------------------------------------------------- */

static void deny_rate(struct sk_dns *dns, const struct sk_dns_path *path, struct sk_dns_asker *asker,
                      const struct sk_dns_question *question)
{
    if (sk_dns_asker_may_complain(asker, sk_loop_now(dns->loop)))
        deny(dns, path, question, "rate");
}

static bool has_room(const struct sk_dns *dns, const struct sk_dns_asker *asker)
{
    return asker->questions < dns->limits.questions_each && dns->query_count < dns->limits.questions_all;
}

/* Answered here: see dns.h. */
static enum sk_dns_rcode code_for_others(const struct sk_dns_question *question)
{
    bool is_service = question->type == SK_DNS_HTTPS || question->type == SK_DNS_SVCB;
    return is_service ? SK_DNS_NOERROR : SK_DNS_NOTIMP;
}

/* One that may be asked. */
static void take_allowed(struct sk_dns *dns, const struct sk_dns_path *path, struct sk_dns_asker *asker,
                         const struct sk_dns_question *question, bool is_granted)
{
    if (!sk_dns_asks_for_addresses(question))
        answer_code(path, question, code_for_others(question));
    else if (has_room(dns, asker))
        look_up(dns, path, asker, question, is_granted);
    else
        deny_rate(dns, path, asker, question);
}

void sk_dns_query_take(struct sk_dns *dns, const struct sk_dns_path *path, const uint8_t *data, size_t len)
{
    struct sk_dns_question question;
    if (!sk_dns_is_listened_to(dns))
        return;
    enum sk_code code = sk_dns_read_question(data, len, &question, NULL);
    if (code == SK_INVALID_ARGUMENT)
        return;
    enum sk_name_leave leave = dns->events.may_ask(dns->arg, &path->asker.ip, question.name);
    if (leave == SK_NAME_IGNORED)
        return;
    struct sk_instant now = sk_loop_now(dns->loop);
    struct sk_dns_asker *asker = sk_dns_askers_get(&dns->askers, &path->asker.ip, now);
    if (!sk_dns_asker_may_ask(asker, &dns->askers, now)) {
        deny_rate(dns, path, asker, &question);
    } else if (code != SK_OK) {
        answer_code(path, &question, SK_DNS_NOTIMP);
    } else if (leave == SK_NAME_REFUSED) {
        deny(dns, path, &question, "refused");
        answer_code(path, &question, SK_DNS_NXDOMAIN);
    } else {
        take_allowed(dns, path, asker, &question, leave == SK_NAME_GRANTED);
    }
}

/* --- ends --------------------------------------------------------------------------------------- */

/* Nobody waits for it any more; a grant that is being asked for is waited for. */
static void forget(struct query *query)
{
    query->is_forgotten = true;
    if (query->grant)
        sk_done_cancel(&query->grant->done);
    else
        query_free(query);
}

void sk_dns_queries_forget(struct sk_dns *dns, const struct sk_dns_connection *connection)
{
    sk_list_each(&dns->queries, node)
    {
        struct query *query = sk_list_entry(node, struct query, link);
        if (query->path.connection == connection)
            forget(query);
    }
}

void sk_dns_queries_stop(struct sk_dns *dns)
{
    sk_list_each(&dns->queries, node)
    {
        struct query *query = sk_list_entry(node, struct query, link);
        if (!query->is_forgotten && query->path.connection)
            sk_dns_connection_release(query->path.connection);
        forget(query);
    }
}
