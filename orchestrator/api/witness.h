/* witness.h: what the audit is told of calls: which method does what, what a
 * call is about, and how it ended.
 *
 * Threads: loop only. */
#ifndef SK_API_WITNESS_H
#define SK_API_WITNESS_H

#include "base/clock.h"
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* How many calls of strangers, and of those who are turned away, came within a second. */
struct sk_strangers {
    struct sk_instant since;
    unsigned count;
};

struct sk_call;
struct sk_method;

/* What a method does to the node. */
enum sk_deed {
    SK_DEED_LOOKS, /* sees names and states: told only when reads are to be */
    SK_DEED_HOLDS, /* renews what would end without it: told like reads, never refused for the audit's sake */
    SK_DEED_TAKES, /* takes contents out: files, output */
    SK_DEED_CHANGES, /* refused while the audit cannot be written and is required */
    SK_DEED_ENDS,    /* ends something, or runs the node: refused only when nothing more can be kept */
};

struct sk_rule_of_audit {
    const char *name;  /* of the method */
    const char *event; /* as the audit calls it */
    enum sk_deed deed;
};

/* What a call is about; texts in its arena, NULL = has none. */
struct sk_about {
    const struct sk_rule_of_audit *rule; /* never NULL once the call is known */
    const char *sandbox, *session, *image, *path, *name;
    char **command;
    size_t command_len;
    bool is_noted;
    bool is_turned_away; /* refused for the audit's sake: the tenant's quota of it is full, or all of it is */
    bool is_beyond; /* the tenant's quota of it is full, and it goes on: to renew, or if it ends something */
    bool ends;      /* … which it does */
    int64_t taken;  /* of the tenant's quota, until its line is written */
};

/* Never NULL; a method that is not known changes things. */
const struct sk_rule_of_audit *sk_witness_rule(const struct sk_method *method, bool is_known);
/* Whether the call may go on; else SK_UNAVAILABLE + AUDIT_UNAVAILABLE, or, for who is no admin, that the
 * tenant's quota of the audit is full, or that it reads faster than an audit that is required is written. */
SK_MUST_CHECK enum sk_code sk_witness_admit(struct sk_call *call, struct sk_err *err);
/* Of a method that ends things, as soon as it is known whether this call `ends` one that nobody has ended
 * before. Such a call goes beyond its tenant's quota of the audit, and is told of: nobody is kept from
 * cleaning up, and there are as many of them as calls that were within the quota. Others get the quota's
 * error. */
SK_MUST_CHECK enum sk_code sk_witness_end(struct sk_call *call, bool ends, struct sk_err *err);
/* The first message of the call that says what it is about. */
void sk_witness_request(struct sk_call *call, const ProtobufCMessage *message);
/* The call is about to be answered; message may be NULL. */
void sk_witness_answer(struct sk_call *call, const ProtobufCMessage *message, enum sk_code code);

#endif
