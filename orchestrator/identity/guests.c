#include "identity/guests.h"

#include "identity/guest_uses.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_MIN       16
#define KEY_MAX       512
#define SILENCE_EVERY SK_SEC(60)
/* That of an ask, and the round. */
#define FLIGHT_NAME_SIZE (2 * SK_DIGEST_LEN + 24)

enum verdict { GOOD, UNKNOWN, FORBIDDEN };

/* What was said of one key and entity. */
struct entry {
    struct sk_map_node by_name;
    char name[2 * SK_DIGEST_LEN + 1];
    struct sk_list link; /* of those that are good, or of those that are not; least recently used first */
    enum verdict verdict;
    struct sk_guest guest;
    struct sk_instant told;
    bool is_doubted; /* to be asked for anew; stays for as long as nobody answers */
};

struct sk_guests {
    struct sk_guests_options options;
    struct sk_map entries;
    struct sk_list good, bad;
    size_t good_count, bad_count;
    struct sk_flights flights;
    size_t questions;         /* under way */
    struct sk_instant logged; /* when it was, last, that the other server is silent */
    int64_t silences;         /* since then */
    struct sk_guest_uses uses;
    struct sk_done *closed;
    struct sk_guests_terms terms;
    bool were_open;
    uint64_t round; /* of servers: questions of an earlier one are not heard, nor joined */
    struct sk_guests_events events;
    void *arg;
};

static const struct sk_guest_uses_ops uses_ops;

struct sk_guests *sk_guests_new(const struct sk_guests_options *options)
{
    struct sk_guests *guests = sk_alloc(sizeof(*guests));

    *guests =
        (struct sk_guests){.options = *options, .terms = options->terms, .were_open = options->terms.open};
    sk_map_init(&guests->entries);
    sk_list_init(&guests->good);
    sk_list_init(&guests->bad);
    sk_flights_init(&guests->flights, options->loop);
    sk_guest_uses_init(&guests->uses, options->loop, &uses_ops, guests);
    return guests;
}

/* --- what is remembered ---------------------------------------------------------- */

static struct sk_instant now(const struct sk_guests *guests)
{
    return sk_loop_now(guests->options.loop);
}

static void forget(struct sk_guests *guests, struct entry *entry)
{
    *(entry->verdict == GOOD ? &guests->good_count : &guests->bad_count) -= 1;
    sk_list_remove(&entry->link);
    sk_map_remove(&guests->entries, &entry->by_name);
    free(entry);
}

static struct entry *find(const struct sk_guests *guests, const char *name)
{
    struct sk_map_node *node = sk_map_find(&guests->entries, name);
    return node ? sk_map_entry(node, struct entry, by_name) : NULL;
}

/* Those who are known and those who are not do not drive each other out. */
static void remember(struct sk_guests *guests, const char *name, enum verdict verdict,
                     const struct sk_guest *guest)
{
    struct sk_list *list = verdict == GOOD ? &guests->good : &guests->bad;
    size_t *count = verdict == GOOD ? &guests->good_count : &guests->bad_count;
    struct entry *entry = find(guests, name);

    if (entry)
        forget(guests, entry);
    if (*count == SK_GUESTS_MAX)
        forget(guests, sk_list_entry(list->next, struct entry, link));
    entry = sk_alloc(sizeof(*entry));
    *entry = (struct entry){.verdict = verdict, .guest = *guest, .told = now(guests)};
    memcpy(entry->name, name, sizeof(entry->name));
    sk_map_add(&guests->entries, &entry->by_name, entry->name);
    sk_list_append(list, &entry->link);
    ++*count;
}

static void learn(struct sk_guests *guests, const char *name, enum verdict verdict,
                  const struct sk_guest *guest)
{
    remember(guests, name, verdict, guest);
    sk_guest_uses_change(&guests->uses, name, verdict == GOOD ? guest : NULL);
}

void sk_guests_listen(struct sk_guests *guests, const struct sk_guests_events *events, void *arg)
{
    guests->events = *events;
    guests->arg = arg;
}

bool sk_guests_were_open(const struct sk_guests *guests)
{
    return guests->were_open;
}

static bool is_younger(const struct sk_guests *guests, const struct entry *entry, struct sk_duration more)
{
    struct sk_duration most = entry->verdict == GOOD ? SK_GUEST_GOOD_FOR : SK_GUEST_BAD_FOR;
    return sk_instant_diff(now(guests), entry->told).ns < most.ns + more.ns;
}

static bool is_fresh(const struct sk_guests *guests, const struct entry *entry)
{
    return !entry->is_doubted && is_younger(guests, entry, SK_NS(0));
}

static enum sk_code say(const struct entry *entry, struct sk_guest *out_guest, struct sk_err *err)
{
    switch (entry->verdict) {
    case GOOD:
        *out_guest = entry->guest;
        return SK_OK;
    case FORBIDDEN:
        return sk_fail(err, SK_PERMISSION_DENIED, "nobody whose API key this is may use this node");
    default:
        return sk_fail(err, SK_UNAUTHENTICATED, "this API key is not known here");
    }
}

/* --- a question ------------------------------------------------------------------ */

struct question {
    struct sk_guests *guests;
    uint64_t round;
    char name[2 * SK_DIGEST_LEN + 1];
    char key_id[SK_KEY_ID_LEN + 1];
    char *entity;
    struct sk_verified verified;
    struct sk_done answered;
    struct sk_done *run;
};

static bool has(const struct sk_verified *verified, const char *entity)
{
    for (size_t i = 0; i < verified->count; i++)
        if (strcmp(verified->entities[i], entity) == 0)
            return true;
    return false;
}

static enum verdict choose(const struct question *q, struct sk_guest *out_guest)
{
    const struct sk_entity_table *table = &q->guests->terms.entities;

    for (size_t i = 0; i < table->len; i++) {
        const struct sk_entity *row = &table->rows[i];
        if ((q->entity[0] && strcmp(row->name, q->entity) != 0) || !has(&q->verified, row->name))
            continue;
        (void)snprintf(out_guest->entity, sizeof(out_guest->entity), "%s", row->name);
        (void)snprintf(out_guest->tenant, sizeof(out_guest->tenant), "%s", row->tenant);
        memcpy(out_guest->key_id, q->key_id, sizeof(out_guest->key_id));
        return GOOD;
    }
    return FORBIDDEN;
}

static void forget_bad(struct sk_guests *guests)
{
    while (!sk_list_is_empty(&guests->bad))
        forget(guests, sk_list_entry(guests->bad.next, struct entry, link));
}

static void forget_all(struct sk_guests *guests)
{
    while (!sk_list_is_empty(&guests->good))
        forget(guests, sk_list_entry(guests->good.next, struct entry, link));
    forget_bad(guests);
}

static void free_now(struct sk_guests *guests)
{
    struct sk_done *done = guests->closed;

    forget_all(guests);
    sk_map_fini(&guests->entries);
    sk_flights_fini(&guests->flights);
    sk_guest_uses_fini(&guests->uses);
    sk_done_later(guests->options.loop, done, NULL);
    free(guests);
}

static void free_if_idle(void *arg)
{
    struct sk_guests *guests = arg;

    if (guests->closed && !guests->questions && !guests->uses.asking)
        free_now(guests);
}

void sk_guests_close(struct sk_guests *guests, struct sk_done *done)
{
    guests->closed = done;
    free_if_idle(guests);
}

/* Strangers' questions, too, come here: as many as they like must not be as many lines. */
static void note_silence(struct sk_guests *guests, const struct sk_err *err)
{
    guests->silences++;
    if (sk_instant_is_set(guests->logged) &&
        sk_instant_diff(now(guests), guests->logged).ns < SILENCE_EVERY.ns)
        return;
    sk_log_err(guests->options.log, SK_WARN, "identity.unanswered", err,
               SK_INT("questions", guests->silences));
    guests->silences = 0;
    guests->logged = now(guests);
}

static void on_answered(struct sk_done *answered, const struct sk_err *err)
{
    struct question *q = sk_container_of(answered, struct question, answered);
    struct sk_guests *guests = q->guests;
    struct sk_done *run = q->run;
    struct sk_err copy = err ? *err : (struct sk_err){0};
    struct sk_guest guest = {0};

    run->cancel = NULL;
    if (q->round != guests->round && copy.code != SK_CANCELLED) {
        copy = (struct sk_err){0};
        (void)sk_fail(&copy, SK_UNAVAILABLE, "who is asked has changed meanwhile");
    } else if (!err) {
        enum verdict verdict = choose(q, &guest);
        learn(guests, q->name, verdict, &guest);
    } else if (err->code == SK_UNAUTHENTICATED)
        learn(guests, q->name, UNKNOWN, &guest);
    else if (err->code != SK_CANCELLED)
        note_silence(guests, err);
    sk_arena_fini(&q->verified.arena);
    free(q->entity);
    free(q);
    sk_done_fire(run, copy.code == SK_OK || copy.code == SK_UNAUTHENTICATED ? NULL : &copy);
    guests->questions--;
    free_if_idle(guests);
}

static void cancel(struct sk_done *run)
{
    struct question *q = run->callee;

    run->cancel = NULL;
    sk_done_cancel(&q->answered);
}

static void start(void *arg, struct sk_flight *flight, struct sk_done *run)
{
    const struct sk_guest_ask *ask = arg;
    struct sk_guests *guests = ask->guests;
    struct question *q = sk_alloc(sizeof(*q));
    uint8_t digest[SK_DIGEST_LEN];

    (void)flight;
    *q = (struct question){
        .guests = guests, .round = guests->round, .entity = sk_strdup(ask->entity), .run = run};
    memcpy(q->name, ask->name, sizeof(q->name));
    sk_sha256(ask->key, strlen(ask->key), digest);
    sk_digest_id(digest, q->key_id);
    run->callee = q;
    run->cancel = cancel;
    guests->questions++;
    sk_done_init(&q->answered, on_answered);
    guests->options.verifier->ops->verify(guests->options.verifier, ask->key, &q->verified, &q->answered);
}

/* --- who asks -------------------------------------------------------------------- */

bool sk_guests_may_know(const struct sk_guests *guests, const char *key)
{
    char id[SK_KEY_ID_LEN + 1];
    size_t len = strnlen(key, KEY_MAX + 1);

    if (!guests->terms.open || len < KEY_MIN || len > KEY_MAX || sk_secret_id(key, id))
        return false; /* one of ours is nobody else's, whatever has become of it */
    for (size_t i = 0; i < len; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return false;
    return true;
}

static void unanswered(struct sk_err *err)
{
    (void)sk_fail(err, SK_UNAVAILABLE, "the server that knows this API key does not answer: try again soon");
    (void)sk_err_reason(err, "RUNNER_UNAVAILABLE");
}

/* The other server was silent: whom it knew stays known for a while. */
static enum sk_code fall_back(struct sk_guest_ask *ask, const struct sk_err *why, struct sk_err *err)
{
    const struct entry *entry = find(ask->guests, ask->name);

    if (why->code != SK_CANCELLED && entry && entry->verdict == GOOD &&
        is_younger(ask->guests, entry, ask->guests->terms.grace))
        return say(entry, &ask->guest, err);
    if (why->code == SK_CANCELLED)
        *err = *why;
    else
        unanswered(err);
    return err->code;
}

static void on_told(struct sk_done *told, const struct sk_err *err)
{
    struct sk_guest_ask *ask = sk_container_of(told, struct sk_guest_ask, told);
    const struct entry *entry = err ? NULL : find(ask->guests, ask->name);
    struct sk_err why = {0};
    enum sk_code code;

    if (entry)
        code = say(entry, &ask->guest, &why);
    else if (err)
        code = fall_back(ask, err, &why);
    else
        code = sk_fail(&why, SK_UNAUTHENTICATED, "this API key is not known here");
    ask->done->cancel = NULL;
    sk_done_fire(ask->done, code == SK_OK ? NULL : &why);
}

static void leave(struct sk_done *done)
{
    struct sk_guest_ask *ask = done->callee;

    done->cancel = NULL;
    sk_done_cancel(&ask->told);
}

/* Of the key and the entity: who asks for another of theirs asks for something else. */
static void name_ask(struct sk_guest_ask *ask)
{
    SK_AUTO_FREE char *both = sk_printf("%s\n%s", ask->key, ask->entity);
    uint8_t digest[SK_DIGEST_LEN];

    sk_sha256(both, strlen(both), digest);
    explicit_bzero(both, strlen(both));
    sk_digest_text(digest, ask->name);
}

/* What is under way with the server before is for nobody who asks now. */
static void name_flight(const struct sk_guests *guests, const struct sk_guest_ask *ask,
                        char out[FLIGHT_NAME_SIZE])
{
    (void)snprintf(out, FLIGHT_NAME_SIZE, "%s %" PRIu64, ask->name, guests->round);
}

static bool is_asked_for(const struct sk_guests *guests, const struct sk_guest_ask *ask)
{
    char name[FLIGHT_NAME_SIZE];

    name_flight(guests, ask, name);
    return sk_map_find(&guests->flights.map, name) != NULL;
}

static void join(struct sk_guests *guests, struct sk_guest_ask *ask)
{
    char name[FLIGHT_NAME_SIZE];

    name_flight(guests, ask, name);
    ask->done->callee = ask;
    ask->done->cancel = leave;
    sk_done_init(&ask->told, on_told);
    sk_flights_join(&guests->flights, name, &ask->waiter, start, ask, &ask->told);
}

bool sk_guests_ask(struct sk_guests *guests, struct sk_guest_ask *ask, const char *key, const char *entity,
                   struct sk_done *done, struct sk_err *out_err)
{
    *ask = (struct sk_guest_ask){.guests = guests, .key = key, .entity = entity, .done = done};
    *out_err = (struct sk_err){0};
    name_ask(ask);
    struct entry *entry = find(guests, ask->name);
    if (entry && is_fresh(guests, entry)) {
        sk_list_remove(&entry->link);
        sk_list_append(entry->verdict == GOOD ? &guests->good : &guests->bad, &entry->link);
        (void)!say(entry, &ask->guest, out_err);
        return true;
    }
    /* Who was known may always ask: strangers neither keep them out, nor let them in without an answer. */
    bool was_known = entry && entry->verdict == GOOD;
    if (!was_known && guests->questions >= SK_GUESTS_ASKED_MAX && !is_asked_for(guests, ask)) {
        unanswered(out_err);
        return true;
    }
    join(guests, ask);
    return false;
}

/* --- what is under way ----------------------------------------------------------- */

static struct sk_instant fresh_until(void *arg, const char *name)
{
    const struct entry *entry = find(arg, name);

    if (!entry || entry->verdict != GOOD || entry->is_doubted)
        return (struct sk_instant){0};
    return sk_instant_add(entry->told, SK_GUEST_GOOD_FOR);
}

static void ask_again(void *arg, struct sk_guest_ask *ask)
{
    struct sk_guests *guests = arg;
    struct sk_err err = {0};

    ask->guests = guests;
    if (guests->terms.open) {
        join(guests, ask);
        return;
    }
    unanswered(&err);
    sk_done_later(guests->options.loop, ask->done, &err);
}

static void on_guest_lost(void *arg, const struct sk_guest *guest)
{
    const struct sk_guests *guests = arg;

    sk_log(guests->options.log, SK_INFO, "identity.lost", SK_STR("key", guest->key_id),
           SK_STR("tenant", guest->tenant));
}

static void on_use_lost(void *arg, struct sk_guest_use *use)
{
    const struct sk_guests *guests = arg;

    if (guests->events.on_lost)
        guests->events.on_lost(guests->arg, use);
}

static const struct sk_guest_uses_ops uses_ops = {fresh_until, ask_again, on_guest_lost, on_use_lost,
                                                  free_if_idle};

void sk_guests_hold(struct sk_guests *guests, struct sk_guest_use *use, const struct sk_guest_ask *ask)
{
    sk_guest_uses_hold(&guests->uses, use, ask);
}

/* --- other terms ------------------------------------------------------------------ */

static bool has_same_entities(const struct sk_entity_table *a, const struct sk_entity_table *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (strcmp(a->rows[i].name, b->rows[i].name) != 0 ||
            strcmp(a->rows[i].tenant, b->rows[i].tenant) != 0)
            return false;
    return true;
}

static bool may_stay(void *arg, const struct sk_guest *guest)
{
    const struct sk_guests *guests = arg;
    const struct sk_entity_table *table = &guests->terms.entities;

    for (size_t i = 0; guests->terms.open && i < table->len; i++)
        if (strcmp(table->rows[i].name, guest->entity) == 0)
            return strcmp(table->rows[i].tenant, guest->tenant) == 0;
    return false;
}

/* An entity that is new may be one of theirs, and go before that by which they came in. */
static void doubt_all(struct sk_guests *guests)
{
    forget_bad(guests);
    sk_list_each(&guests->good, link)
    {
        struct entry *entry = sk_list_entry(link, struct entry, link);
        entry->is_doubted = true;
        if (!may_stay(guests, &entry->guest))
            forget(guests, entry);
    }
}

void sk_guests_configure(struct sk_guests *guests, const struct sk_guests_terms *terms, bool is_other)
{
    bool moves = is_other || terms->open != guests->terms.open;
    bool is_new = moves || !has_same_entities(&terms->entities, &guests->terms.entities);
    bool opens = terms->open && !guests->were_open;

    guests->terms = *terms;
    guests->were_open |= terms->open;
    guests->round += moves;
    if (moves)
        forget_all(guests);
    else if (is_new)
        doubt_all(guests);
    if (is_new)
        sk_guest_uses_sift(&guests->uses, may_stay, guests);
    if (is_new && terms->open)
        sk_guest_uses_doubt(&guests->uses);
    if (opens && guests->events.on_open)
        guests->events.on_open(guests->arg);
}
