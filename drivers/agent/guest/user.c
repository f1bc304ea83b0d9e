#include "drivers/agent/guest/user.h"

#include "drivers/agent/guest/lines.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define NAME_MAX_LEN 256

/* One half of "user:group": a number or a name. */
struct part {
    char name[NAME_MAX_LEN + 1]; /* "" when it is a number */
    uint32_t number;
};

/* Decimal digits up to 2^31-1 and nothing else, so that no number means another one, 0 above all, to whoever
 * reads it as octal, signed or too short. */
static bool number_parse(const char *text, uint32_t *out_number)
{
    uint64_t value = 0;
    if (!text[0] || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
        return false;
    if (text[0] == '0' && text[1])
        return false;
    for (const char *c = text; *c; c++)
        value = value * 10 + (uint64_t)(*c - '0');
    if (value > INT32_MAX)
        return false;
    *out_number = (uint32_t)value;
    return true;
}

static bool name_is_valid(const char *text)
{
    if (!isalpha((unsigned char)text[0]) && text[0] != '_')
        return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.-$@", *c))
            return false;
    return true;
}

static bool part_parse(const char *text, size_t len, struct part *out_part)
{
    if (len == 0 || len > NAME_MAX_LEN || memchr(text, 0, len))
        return false;
    memcpy(out_part->name, text, len);
    out_part->name[len] = 0;
    if (!isdigit((unsigned char)out_part->name[0]))
        return name_is_valid(out_part->name);
    bool valid = number_parse(out_part->name, &out_part->number);
    out_part->name[0] = 0;
    return valid;
}

/* Cuts a line at its colons; false unless there are exactly `count` fields. */
static bool fields_cut(char *line, char **fields, size_t count)
{
    size_t n = 0;
    char *rest = line, *field;
    while ((field = strsep(&rest, ":"))) {
        if (n == count)
            return false;
        fields[n++] = field;
    }
    return n == count;
}

static bool part_matches(const struct part *part, const char *name, uint32_t number)
{
    return part->name[0] ? strcmp(part->name, name) == 0 : part->number == number;
}

/* The first well-formed line for the user; its name goes to `out_name` if it is one. */
static bool passwd_find(const char *path, const struct part *part, struct sk_user *user,
                        char out_name[static NAME_MAX_LEN + 1])
{
    struct sk_lines lines;
    char *line, *fields[7];
    uint32_t uid, gid;
    bool found = false;
    sk_lines_open(&lines, path);
    while (!found && (line = sk_lines_next(&lines))) {
        if (!fields_cut(line, fields, 7) || !number_parse(fields[2], &uid) || !number_parse(fields[3], &gid))
            continue;
        found = strlen(fields[0]) <= NAME_MAX_LEN && part_matches(part, fields[0], uid);
    }
    if (found) {
        user->uid = uid;
        user->gid = gid;
        memcpy(out_name, fields[0], strlen(fields[0]) + 1);
        if (fields[5][0] == '/' && strlen(fields[5]) < sizeof user->home)
            memcpy(user->home, fields[5], strlen(fields[5]) + 1);
    }
    sk_lines_close(&lines);
    return found;
}

static bool lists_member(char *members, const char *name)
{
    char *member;
    while ((member = strsep(&members, ",")))
        if (strcmp(member, name) == 0)
            return true;
    return false;
}

/* Adds the groups that list `name`; those beyond the maximum are left out. */
static void groups_of_member(const char *path, const char *name, struct sk_user *user)
{
    struct sk_lines lines;
    char *line, *fields[4];
    uint32_t gid;
    sk_lines_open(&lines, path);
    while (user->group_count < SK_USER_GROUPS_MAX && (line = sk_lines_next(&lines)))
        if (fields_cut(line, fields, 4) && number_parse(fields[2], &gid) && lists_member(fields[3], name))
            user->groups[user->group_count++] = gid;
    sk_lines_close(&lines);
}

static bool group_find(const char *path, const struct part *part, struct sk_user *user)
{
    struct sk_lines lines;
    char *line, *fields[4];
    uint32_t gid = part->number;
    bool found = !part->name[0];
    sk_lines_open(&lines, path);
    while (!found && (line = sk_lines_next(&lines)))
        found = fields_cut(line, fields, 4) && number_parse(fields[2], &gid) &&
                strcmp(part->name, fields[0]) == 0;
    sk_lines_close(&lines);
    if (found)
        user->gid = gid;
    return found;
}

bool sk_user_resolve(const char *text, const char *passwd_path, const char *group_path,
                     struct sk_user *out_user)
{
    const char *colon = strchr(text, ':');
    struct part user = {0}, group = {0};
    char name[NAME_MAX_LEN + 1] = "";
    out_user->uid = out_user->gid = 0;
    out_user->group_count = 0;
    memcpy(out_user->home, "/", sizeof "/");
    if (text[0] && !part_parse(text, colon ? (size_t)(colon - text) : strlen(text), &user))
        return false;
    if (colon && !part_parse(colon + 1, strlen(colon + 1), &group))
        return false;
    if (!passwd_find(passwd_path, &user, out_user, name)) {
        if (user.name[0])
            return false;
        out_user->uid = user.number; /* a number needs no entry; its group is then root's, as elsewhere */
    }
    if (colon)
        return group_find(group_path, &group, out_user);
    if (name[0])
        groups_of_member(group_path, name, out_user);
    return true;
}
