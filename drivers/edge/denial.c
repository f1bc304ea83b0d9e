#include "drivers/edge/denial.h"

#include "net/domain.h"

#include <string.h>

#define FIELDS 7

/* HAProxy's word for it, and the contract's. */
static const char *const whys[][2] = {{"name", "name"}, {"unreadable", "no name"}, {"hidden", "hidden name"}};

static bool split(char *line, char *fields[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = line;
        line = line ? strchr(line, '|') : NULL;
        if (!fields[i])
            return false;
        if (line)
            *line++ = '\0';
    }
    return line == NULL;
}

static bool read_port(const char *text, uint16_t *out_port)
{
    unsigned port = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || port > UINT16_MAX)
            return false;
        port = port * 10 + (unsigned)(*c - '0');
    }
    *out_port = (uint16_t)port;
    return *text && port > 0 && port <= UINT16_MAX;
}

static const char *read_why(const char *text)
{
    for (size_t i = 0; i < sk_array_len(whys); i++) {
        if (strcmp(whys[i][0], text) == 0)
            return whys[i][1];
    }
    return NULL;
}

static bool read_name(const char *text, char out_name[SK_DOMAIN_MAX])
{
    if (strcmp(text, "-") == 0)
        return true;
    for (const char *c = text; *c; c++) {
        if (!sk_domain_is_letter(*c) && *c != '.')
            return false;
    }
    (void)snprintf(out_name, SK_DOMAIN_MAX, "%s", text);
    return *text && strlen(text) < SK_DOMAIN_MAX;
}

bool sk_denial_read(const char *line, struct sk_edge_denial *out_denial)
{
    char copy[512], *fields[FIELDS];
    struct sk_edge_denial denial = {0};
    if (strlen(line) >= sizeof(copy))
        return false;
    memcpy(copy, line, strlen(line) + 1);
    if (!split(copy, fields) || strcmp(fields[0], "gate") != 0)
        return false;
    if (sk_ip_parse(fields[1], &denial.source, NULL) != SK_OK ||
        sk_ip_parse(fields[2], &denial.destination, NULL) != SK_OK)
        return false;
    denial.why = read_why(fields[5]);
    if (fields[6][strspn(fields[6], "0123456789")])
        return false;
    if (!read_port(fields[3], &denial.port) || !read_name(fields[4], denial.name) || !denial.why)
        return false;
    *out_denial = denial;
    return true;
}
