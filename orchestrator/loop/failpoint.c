#include "loop/failpoint.h"

#ifdef SK_FAILPOINTS

#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct sk_failpoint {
    struct sk_log log;
    bool lists; /* every point that is passed */
    char point[96];
    unsigned long left; /* times it is passed until it acts */
    int signo;
};

static void refuse(const char *wish)
{
    (void)fprintf(stderr, "SANDKEEP_FAILPOINT: cannot read \"%s\"\n", wish);
    abort();
}

/* The point itself has one colon. */
static void parse(struct sk_failpoint *f, const char *wish)
{
    const char *side = strchr(wish, ':');
    size_t len = side ? (size_t)(side + 1 - wish) + strcspn(side + 1, ":") : 0;
    char *rest = NULL;

    if (!side || len >= sizeof(f->point))
        refuse(wish);
    memcpy(f->point, wish, len);
    f->left = 1;
    f->signo = SIGKILL;
    if (wish[len] == '\0')
        return;
    f->left = strtoul(wish + len + 1, &rest, 10);
    if (strcmp(rest, ":stop") == 0)
        f->signo = SIGSTOP;
    else if (*rest)
        refuse(wish);
}

struct sk_failpoint *sk_failpoint_from_environment(void)
{
    const char *wish = getenv("SANDKEEP_FAILPOINT");

    if (!wish)
        return NULL;
    struct sk_failpoint *f = sk_alloc(sizeof(*f));
    sk_log_init(&f->log, STDERR_FILENO, SK_DEBUG);
    f->lists = strcmp(wish, "list") == 0;
    if (!f->lists)
        parse(f, wish);
    return f;
}

void sk_failpoint_free(struct sk_failpoint *failpoint)
{
    free(failpoint);
}

void sk_failpoint_pass(struct sk_loop *loop, const char *flow, const char *step, const char *side)
{
    struct sk_failpoint *f = sk_loop_failpoint(loop);
    char point[sizeof(f->point)];

    if (!f || !flow)
        return;
    (void)snprintf(point, sizeof(point), "%s.%s:%s", flow, step, side);
    if (f->lists)
        sk_log(&f->log, SK_DEBUG, "failpoint", SK_STR("point", point));
    else if (f->left > 0 && strcmp(point, f->point) == 0 && --f->left == 0)
        (void)raise(f->signo);
}

#endif
