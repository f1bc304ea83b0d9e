/* driver.h: what the driver is made of. Private to drivers/edge/. */
#ifndef SK_EDGE_DRIVER_H
#define SK_EDGE_DRIVER_H

#include "drivers/edge/admin.h"
#include "drivers/edge/certificate.h"
#include "drivers/edge/maps.h"
#include "drivers/edge/meters.h"
#include "drivers/edge/program.h"
#include "drivers/edge/voice.h"

enum sk_haproxy_state {
    SK_HAPROXY_DOWN,     /* it has ended, or was told to; it is started after a pause */
    SK_HAPROXY_STARTING, /* asked again and again whether it is there */
    SK_HAPROXY_READING,  /* its maps are read: after a start, or when a batch has failed */
    SK_HAPROXY_UP,       /* its maps are changed as they should be */
    SK_HAPROXY_ENDING,   /* for good */
};

struct sk_haproxy {
    struct sk_edge base;
    struct sk_loop *loop;
    const struct sk_log *log; /* may be NULL */
    struct sk_arena arena;    /* of the options */
    struct sk_haproxy_options options;
    char *program, *dir;      /* absolute paths */
    char *entering, *entered; /* what is in front of the program where it runs elsewhere; NULL = nothing */
    struct sk_haproxy_host host;
    bool has[SK_MAP_COUNT];

    enum sk_haproxy_state state;
    struct sk_program process;
    struct sk_voice voice;
    struct sk_haproxy_meters meters;
    struct sk_admin admin;
    struct sk_done asked;      /* the question under way, … */
    bool is_asking;            /* … if there is one */
    struct sk_buf line;        /* the next question */
    enum sk_haproxy_map reads; /* the map that is read */
    struct sk_timer timer;     /* of the state: the next try */
    struct sk_instant began;   /* the last start */
    unsigned failures;         /* in a row */
    char fault[256];           /* what it said last that was an error */

    struct sk_maps maps;
    struct sk_list waiters;

    struct sk_certificate certificate; /* path NULL = none */
    struct sk_timer look;
    struct sk_done looked;
    enum { SK_CERTIFICATE_RESTS, SK_CERTIFICATE_LOOKS, SK_CERTIFICATE_READY, SK_CERTIFICATE_KEEPS } reload;
    bool is_given; /* READY: HAProxy has the text, and must be told to use it */

    void (*on_denied)(void *arg, const struct sk_edge_denial *denial);
    void *on_denied_arg;
    struct sk_instant told_since;
    unsigned told; /* since then */

    struct sk_done *closed;
    struct sk_timer patience; /* with its end */
};

/* --- start.c: blocking, at open ---------------------------------------------------------- */
SK_MUST_CHECK enum sk_code sk_haproxy_start(struct sk_haproxy *edge, struct sk_err *err);
/* Starts the program, and notes its id; also later. */
SK_MUST_CHECK enum sk_code sk_haproxy_spawn(struct sk_haproxy *edge, struct sk_err *err);

/* --- revive.c: from the end of HAProxy to its being up again ------------------------------- */
/* Its process is watched from here on. */
SK_MUST_CHECK enum sk_code sk_haproxy_watch(struct sk_haproxy *edge, struct sk_err *err);
/* The maps are read, soon; a pause first when that has failed before. */
void sk_haproxy_reread(struct sk_haproxy *edge);
void sk_haproxy_end(struct sk_haproxy *edge); /* for good: then sk_haproxy_ended */

/* --- change.c: calls, and what HAProxy is told --------------------------------------------- */
/* Tells HAProxy what is to be told next, if it is up and there is anything; answers who waits. */
void sk_haproxy_pump(struct sk_haproxy *edge);
/* Asks what is in edge->line. `fn` clears is_asking. */
void sk_haproxy_ask(struct sk_haproxy *edge, void (*fn)(struct sk_done *done, const struct sk_err *err));
void sk_haproxy_fail_waiters(struct sk_haproxy *edge, const struct sk_err *err);
extern const struct sk_edge_ops sk_haproxy_ops;

/* --- reload.c: certificates ------------------------------------------------------------------ */
void sk_haproxy_watch_certificate(struct sk_haproxy *edge);
/* Whether it asked HAProxy something; only when up and nothing is asked. */
bool sk_haproxy_give_certificate(struct sk_haproxy *edge);

/* --- edge.c ------------------------------------------------------------------------------------- */
void sk_haproxy_said(void *arg, const char *line);
/* The next step of closing, if the driver is being closed. */
void sk_haproxy_advance_close(struct sk_haproxy *edge);
void sk_haproxy_ended(struct sk_haproxy *edge);

#endif
