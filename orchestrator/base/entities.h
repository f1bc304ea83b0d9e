/* entities.h: which tenants here stand for entities (people and teams) of another server. Pure; a value. */
#ifndef SK_BASE_ENTITIES_H
#define SK_BASE_ENTITIES_H

#include <stddef.h>

#define SK_ENTITY_MAX 128 /* bytes of a name */

struct sk_entity {
    const char *name;
    const char *tenant;
};

struct sk_entity_table {
    struct sk_entity *rows;
    size_t len;
};

#endif
