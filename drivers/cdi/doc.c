#include "drivers/cdi/doc.h"

#include <errno.h>
#include <string.h>

/* libyaml's work grows with the square of each. */
#define DEPTH_MAX      64
#define ANCHORS_MAX    1000
#define DIRECTIVES_MAX 100

struct shape {
    size_t depth, anchors;
};

/* False: there is no more of the document. */
static bool take_event(struct shape *shape, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        shape->anchors += event->data.sequence_start.anchor != NULL;
        shape->depth++;
        break;
    case YAML_MAPPING_START_EVENT:
        shape->anchors += event->data.mapping_start.anchor != NULL;
        shape->depth++;
        break;
    case YAML_SCALAR_EVENT:
        shape->anchors += event->data.scalar.anchor != NULL;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        shape->depth--;
        break;
    default:
        break;
    }
    return event->type != YAML_DOCUMENT_END_EVENT && event->type != YAML_STREAM_END_EVENT;
}

static bool begins_line(const char *text, size_t at)
{
    static const char *const breaks[] = {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

    for (size_t i = 0; i < sk_array_len(breaks); i++) {
        size_t len = strlen(breaks[i]);
        if (at >= len && memcmp(text + at - len, breaks[i], len) == 0)
            return true;
    }
    return at == 0;
}

/* Before any parser, which is done with all of them before it tells of one. In UTF-16 they would not be seen
 * here. */
static enum sk_code check_directives(const char *text, size_t len, struct sk_err *err)
{
    size_t count = 0;

    if (memchr(text, '\0', len))
        return sk_fail(err, SK_INVALID_ARGUMENT, "it is not UTF-8, or has a NUL");
    for (size_t at = 0; at < len; at++)
        count += text[at] == '%' && begins_line(text, at);
    if (count > DIRECTIVES_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "it has more than %d directives", DIRECTIVES_MAX);
    return SK_OK;
}

/* What is no YAML is for the loader to say, which comes no further. */
static enum sk_code check_shape(const char *text, size_t len, struct sk_err *err)
{
    struct shape shape = {0};
    yaml_parser_t parser;
    yaml_event_t event;
    bool goes_on = true;

    if (!yaml_parser_initialize(&parser))
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no memory for a parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    while (goes_on && shape.depth <= DEPTH_MAX && shape.anchors <= ANCHORS_MAX &&
           yaml_parser_parse(&parser, &event)) {
        goes_on = take_event(&shape, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (shape.depth > DEPTH_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "it is nested too deeply");
    if (shape.anchors > ANCHORS_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "it has more than %d anchors", ANCHORS_MAX);
    return SK_OK;
}

enum sk_code sk_cdi_doc_load(struct sk_cdi_doc *doc, const char *text, size_t len, struct sk_err *err)
{
    yaml_parser_t parser;
    enum sk_code code = check_directives(text, len, err);

    if (code == SK_OK)
        code = check_shape(text, len, err);
    if (code != SK_OK)
        return code;
    if (!yaml_parser_initialize(&parser))
        return sk_fail(err, SK_RESOURCE_EXHAUSTED, "no memory for a parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    doc->loaded = yaml_parser_load(&parser, &doc->yaml);
    if (!doc->loaded)
        code = sk_fail(err, SK_INVALID_ARGUMENT, "line %zu: %s", parser.problem_mark.line + 1,
                       parser.problem ? parser.problem : "not YAML");
    yaml_parser_delete(&parser);
    if (code == SK_OK && !yaml_document_get_root_node(&doc->yaml))
        return sk_fail(err, SK_INVALID_ARGUMENT, "the file is empty");
    return code;
}

void sk_cdi_doc_fini(struct sk_cdi_doc *doc)
{
    if (doc->loaded)
        yaml_document_delete(&doc->yaml);
    doc->loaded = false;
}

yaml_node_t *sk_cdi_doc_root(struct sk_cdi_doc *doc)
{
    return yaml_document_get_root_node(&doc->yaml);
}

static bool is_text(const yaml_node_t *node, const char *text)
{
    return node && node->type == YAML_SCALAR_NODE && node->data.scalar.length == strlen(text) &&
           memcmp(node->data.scalar.value, text, node->data.scalar.length) == 0;
}

yaml_node_t *sk_cdi_member(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *at = map->data.mapping.pairs.start; at < map->data.mapping.pairs.top; at++)
        if (is_text(yaml_document_get_node(&doc->yaml, at->key), name))
            return yaml_document_get_node(&doc->yaml, at->value);
    return NULL;
}

enum sk_code sk_cdi_count(const yaml_node_t *list, const char *name, size_t *out_count, struct sk_err *err)
{
    *out_count = 0;
    if (!list)
        return SK_OK;
    if (list->type != YAML_SEQUENCE_NODE)
        return sk_fail(err, SK_INVALID_ARGUMENT, "line %zu: %s is not a list", list->start_mark.line + 1,
                       name);
    size_t count = (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
    if (count > SK_CDI_LIST_MAX)
        return sk_fail(err, SK_INVALID_ARGUMENT, "%s has more than %zu elements", name, SK_CDI_LIST_MAX);
    *out_count = count;
    return SK_OK;
}

yaml_node_t *sk_cdi_element(struct sk_cdi_doc *doc, const yaml_node_t *list, size_t n)
{
    return yaml_document_get_node(&doc->yaml, list->data.sequence.items.start[n]);
}

static enum sk_code take_text(const yaml_node_t *node, const char *name, struct sk_arena *arena,
                              const char **out_text, struct sk_err *err)
{
    if (node->type != YAML_SCALAR_NODE)
        return sk_fail(err, SK_INVALID_ARGUMENT, "line %zu: %s is not a text", node->start_mark.line + 1,
                       name);
    const char *text = (const char *)node->data.scalar.value;
    size_t len = node->data.scalar.length;
    if (len > SK_CDI_TEXT_MAX || memchr(text, '\0', len))
        return sk_fail(err, SK_INVALID_ARGUMENT, "line %zu: %s is too long, or has a NUL",
                       node->start_mark.line + 1, name);
    *out_text = sk_arena_strndup(arena, text, len);
    return SK_OK;
}

enum sk_code sk_cdi_text(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name,
                         struct sk_arena *arena, const char **out_text, struct sk_err *err)
{
    const yaml_node_t *node = sk_cdi_member(doc, map, name);

    *out_text = "";
    return node ? take_text(node, name, arena, out_text, err) : SK_OK;
}

enum sk_code sk_cdi_texts(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name,
                          struct sk_arena *arena, const char *const **out_list, struct sk_err *err)
{
    const yaml_node_t *node = sk_cdi_member(doc, map, name);
    size_t count = 0;
    enum sk_code code = sk_cdi_count(node, name, &count, err);
    const char **list = sk_arena_alloc(arena, (count + 1) * sizeof(list[0]));

    *out_list = list;
    for (size_t i = 0; code == SK_OK && i < count; i++)
        code = take_text(sk_cdi_element(doc, node, i), name, arena, &list[i], err);
    return code;
}

enum sk_code sk_cdi_number(struct sk_cdi_doc *doc, const yaml_node_t *map, const char *name, int64_t *out,
                           struct sk_err *err)
{
    const yaml_node_t *node = sk_cdi_member(doc, map, name);
    char *end;

    if (!node)
        return SK_OK;
    const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
    errno = 0;
    /* As YAML 1.1 writes them, modes are octal when they begin with 0. */
    long long number = strtoll(text, &end, 0);
    if (errno || end == text || *end || number < 0)
        return sk_fail(err, SK_INVALID_ARGUMENT, "line %zu: %s is not a whole number",
                       node->start_mark.line + 1, name);
    *out = number;
    return SK_OK;
}
