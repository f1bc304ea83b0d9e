#include "drivers/containerd/shims.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct group {
    struct sk_list link;
    uint64_t number;
    unsigned members; /* leaving ones included: their shim still has them */
    unsigned staying;
    bool closed;
};

struct member {
    struct sk_map_node node;
    struct group *group;
    bool leaving;
    char id[];
};

void sk_shims_init(struct sk_shims *shims, unsigned ceiling, uint64_t used)
{
    *shims = (struct sk_shims){.ceiling = ceiling, .last_number = used};
    sk_map_init(&shims->members);
    sk_list_init(&shims->groups);
    sk_list_init(&shims->ended);
}

static struct member *find(const struct sk_shims *shims, const char *id)
{
    struct sk_map_node *node = sk_map_find(&shims->members, id);
    return node ? sk_map_entry(node, struct member, node) : NULL;
}

static struct group *find_group(struct sk_shims *shims, uint64_t number)
{
    sk_list_each(&shims->groups, node)
    {
        struct group *g = sk_list_entry(node, struct group, link);
        if (g->number == number)
            return g;
    }
    return NULL;
}

static struct group *find_open(struct sk_shims *shims)
{
    sk_list_each(&shims->groups, node)
    {
        struct group *g = sk_list_entry(node, struct group, link);
        if (!g->closed && g->members < shims->ceiling)
            return g;
    }
    return NULL;
}

static struct group *add_group(struct sk_shims *shims, uint64_t number)
{
    struct group *g = sk_alloc(sizeof(*g));
    g->number = number;
    sk_list_append(&shims->groups, &g->link);
    if (number > shims->last_number)
        shims->last_number = number;
    return g;
}

static void add_member(struct sk_shims *shims, struct group *group, const char *id)
{
    size_t size = strlen(id) + 1;
    struct member *m = sk_alloc(sizeof(*m) + size);
    memcpy(m->id, id, size);
    m->group = group;
    group->members++;
    group->staying++;
    sk_map_add(&shims->members, &m->node, m->id);
}

static void mark_leaving(struct member *member)
{
    if (member->leaving)
        return;
    member->leaving = true;
    member->group->staying--;
    if (member->group->staying == 0)
        member->group->closed = true;
}

static void remember(struct sk_shims *shims, const char *name)
{
    struct sk_shim_name *n = sk_alloc(sizeof(*n));
    (void)snprintf(n->text, sizeof(n->text), "%s", name);
    sk_list_append(&shims->ended, &n->link);
}

static void name_group(uint64_t number, char out[SK_SHIM_GROUP_MAX])
{
    (void)snprintf(out, SK_SHIM_GROUP_MAX, "sk-%" PRIu64, number);
}

static void drop(struct sk_shims *shims, struct member *member)
{
    struct group *group = member->group;
    mark_leaving(member);
    sk_map_remove(&shims->members, &member->node);
    free(member);
    group->members--;
    if (group->members)
        return;
    char name[SK_SHIM_GROUP_MAX];
    name_group(group->number, name);
    remember(shims, name);
    sk_list_remove(&group->link);
    free(group);
}

void sk_shims_fini(struct sk_shims *shims)
{
    struct sk_map_node *node;
    while ((node = sk_map_any(&shims->members)))
        drop(shims, sk_map_entry(node, struct member, node));
    sk_map_fini(&shims->members);
    sk_list_each(&shims->ended, link) free(sk_list_entry(link, struct sk_shim_name, link));
    sk_list_init(&shims->ended);
}

void sk_shims_join(struct sk_shims *shims, const char *id, char out_group[SK_SHIM_GROUP_MAX])
{
    *out_group = '\0';
    if (shims->ceiling <= 1)
        return;
    struct member *member = find(shims, id);
    if (!member) {
        struct group *group = find_open(shims);
        add_member(shims, group ? group : add_group(shims, shims->last_number + 1), id);
        member = find(shims, id);
    }
    name_group(member->group->number, out_group);
}

/* 7 for "sk-7"; 0 for what we never write. */
static uint64_t parse_group(const char *group)
{
    uint64_t number = 0;
    if (strncmp(group, "sk-", 3) != 0 || strlen(group) > 3 + 18)
        return 0;
    for (const char *c = group + 3; *c; c++) {
        if (*c < '0' || *c > '9')
            return 0;
        number = number * 10 + (uint64_t)(*c - '0');
    }
    return number;
}

void sk_shims_note(struct sk_shims *shims, const char *id, const char *group)
{
    uint64_t number = parse_group(group);
    if (!number || shims->ceiling <= 1 || find(shims, id))
        return;
    struct group *known = find_group(shims, number);
    if (!known)
        known = add_group(shims, number);
    known->closed = true;
    add_member(shims, known, id);
}

void sk_shims_leaving(struct sk_shims *shims, const char *id)
{
    struct member *member = find(shims, id);
    if (member)
        mark_leaving(member);
}

void sk_shims_leave(struct sk_shims *shims, const char *id)
{
    struct member *member = find(shims, id);
    if (member)
        drop(shims, member);
    else if (shims->ceiling <= 1)
        remember(shims, id);
}

void sk_shims_forget(struct sk_shims *shims, const char *name)
{
    sk_list_each(&shims->ended, node)
    {
        struct sk_shim_name *n = sk_list_entry(node, struct sk_shim_name, link);
        if (strcmp(n->text, name) != 0)
            continue;
        sk_list_remove(&n->link);
        free(n);
    }
}
