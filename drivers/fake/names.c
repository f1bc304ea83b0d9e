#include "drivers/fake/names.h"

#include "base/arena.h"

#include <assert.h>
#include <string.h>

struct saying {
    struct sk_list link;
    const char *name;
    const struct sk_network_grant *grants;
    size_t count;
};

struct question {
    struct sk_fake_names *fake;
    struct sk_ip asker;
    struct sk_fake_asked asked;
    const struct saying *saying;
    struct sk_done done;
};

struct sk_fake_names {
    struct sk_names base;
    struct sk_loop *loop;
    struct sk_names_events events; /* may_ask NULL: nobody listens */
    void *arg;
    struct sk_arena arena;
    struct sk_list sayings; /* the last comes first */
    size_t under_way;
};

static struct sk_fake_names *of(struct sk_names *base)
{
    return sk_container_of(base, struct sk_fake_names, base);
}

static void op_listen(struct sk_names *base, const struct sk_names_events *events, void *arg)
{
    of(base)->events = events ? *events : (struct sk_names_events){0};
    of(base)->arg = arg;
}

static const struct sk_names_ops ops = {.listen = op_listen};

struct sk_fake_names *sk_fake_names_new(struct sk_loop *loop)
{
    struct sk_fake_names *fake = sk_alloc(sizeof(*fake));
    fake->base.ops = &ops;
    fake->loop = loop;
    sk_list_init(&fake->sayings);
    return fake;
}

void sk_fake_names_free(struct sk_fake_names *fake)
{
    if (!fake)
        return;
    assert(!fake->under_way);
    sk_arena_fini(&fake->arena);
    free(fake);
}

struct sk_names *sk_fake_names_base(struct sk_fake_names *fake)
{
    return &fake->base;
}

void sk_fake_names_say(struct sk_fake_names *fake, const char *name,
                       const struct sk_network_grant *stands_for, size_t count)
{
    struct saying *saying = sk_arena_alloc(&fake->arena, sizeof(*saying));
    saying->name = sk_arena_strdup(&fake->arena, name);
    saying->grants = sk_arena_memdup(&fake->arena, stands_for, count * sizeof(*stands_for));
    saying->count = count;
    sk_list_prepend(&fake->sayings, &saying->link);
}

static const struct saying *find(struct sk_fake_names *fake, const char *name)
{
    static const struct sk_network_grant one = {{.bytes = {1, 2, 3, 4}}, 60};
    sk_list_each(&fake->sayings, node)
    {
        const struct saying *saying = sk_list_entry(node, struct saying, link);
        if (strcmp(saying->name, name) == 0)
            return saying;
    }
    sk_fake_names_say(fake, name, &one, 1);
    return find(fake, name);
}

static void answer(struct question *question)
{
    question->asked.is_over = true;
    question->asked.told = question->saying->grants;
    question->asked.told_count = question->saying->count;
}

static void on_granted(struct sk_done *done, const struct sk_err *err)
{
    struct question *question = sk_container_of(done, struct question, done);
    question->fake->under_way--;
    if (!err) {
        answer(question);
        return;
    }
    question->asked.is_over = true;
    question->asked.err = *err;
}

static void ask_for_grant(struct question *question)
{
    struct sk_fake_names *fake = question->fake;
    fake->under_way++;
    sk_done_init(&question->done, on_granted);
    fake->events.on_granted(fake->arg, &question->asker, question->saying->name, question->saying->grants,
                            question->saying->count, &question->done);
}

const struct sk_fake_asked *sk_fake_names_ask(struct sk_fake_names *fake, const struct sk_ip *asker,
                                              const char *name)
{
    struct question *question = sk_arena_alloc(&fake->arena, sizeof(*question));
    question->fake = fake;
    question->asker = *asker;
    question->saying = find(fake, name);
    if (fake->events.may_ask)
        question->asked.leave = fake->events.may_ask(fake->arg, asker, name);
    enum sk_name_leave leave = question->asked.leave;
    if (leave == SK_NAME_REFUSED)
        sk_fake_names_deny(fake, asker, name, "refused");
    if (leave == SK_NAME_GRANTED && question->saying->count > 0)
        ask_for_grant(question);
    else if (leave == SK_NAME_GRANTED || leave == SK_NAME_ANSWERED)
        answer(question);
    else
        question->asked.is_over = true;
    return &question->asked;
}

void sk_fake_names_deny(struct sk_fake_names *fake, const struct sk_ip *asker, const char *name,
                        const char *why)
{
    if (fake->events.may_ask)
        fake->events.on_denied(fake->arg, asker, name, why);
}
