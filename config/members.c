#include "config/members.h"

#include <stdio.h>
#include <string.h>

bool sk_members_count(const char *key, const struct sk_json *value, size_t max, const char *what,
                      size_t *out_count, struct sk_faults *faults)
{
    size_t count = 0;

    for (const struct sk_json *item = value->first; item; item = item->next)
        count++;
    if (count > max)
        sk_faults_add(faults, value->line, key, "has %zu %s, give up to %zu", count, what, max);
    *out_count = count;
    return count <= max;
}

bool sk_members_begin(const char *key, const struct sk_json *value, size_t max, const char *what,
                      size_t *out_count, struct sk_faults *faults)
{
    if (value->kind == SK_JSON_OBJECT)
        return sk_members_count(key, value, max, what, out_count, faults);
    sk_faults_add(faults, value->line, key, "is %s, give an object in { }", sk_json_kind_name(value->kind));
    return false;
}

void sk_member_path(const char *key, const struct sk_json *member, char out_path[SK_MEMBER_PATH])
{
    (void)snprintf(out_path, SK_MEMBER_PATH, "%.64s.\"%.255s\"", key, member->key);
}

bool sk_member_is_repeated(const struct sk_json *object, const struct sk_json *member, const char *path,
                           struct sk_faults *faults)
{
    for (const struct sk_json *other = object->first; other != member; other = other->next) {
        if (strcmp(other->key, member->key) == 0) {
            sk_faults_add(faults, member->line, path, "stands there already, give it once");
            return true;
        }
    }
    return false;
}
