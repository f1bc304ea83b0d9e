#include "cli/top_screen.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)8 << 20)

#define DEFAULT_WIDTH  80
#define DEFAULT_HEIGHT 24

#define INVERSE "\x1b[7m"
#define PLAIN   "\x1b[0m"

/* The bytes of the first `columns` characters; never a part of one. */
static size_t fit(const char *line, size_t len, size_t columns)
{
    size_t at = 0;

    for (size_t shown = 0; at < len; at++) {
        bool begins = ((unsigned char)line[at] & 0xc0) != 0x80;
        if (begins && shown++ == columns)
            break;
    }
    return at;
}

static bool is_title(const char *line)
{
    return strncmp(line, "SANDBOX ", 8) == 0 || strncmp(line, "SESSION ", 8) == 0;
}

static enum sk_code draw_line(const char *line, size_t len, size_t width, struct sk_buf *out)
{
    bool marked = is_title(line);

    return sk_buf_printf(out, "%s%.*s%s\x1b[K\r\n", marked ? INVERSE : "", (int)fit(line, len, width), line,
                         marked ? PLAIN : "");
}

/* As many lines as there is room for. */
static enum sk_code draw_lines(const char *text, size_t width, size_t height, struct sk_buf *out)
{
    enum sk_code code = SK_OK;

    for (size_t row = 0; *text && row < height && code == SK_OK; row++) {
        size_t len = strcspn(text, "\n");
        code = draw_line(text, len, width, out);
        text += len + (text[len] == '\n');
    }
    return code;
}

static enum sk_code write_text(Sandkeep__V1__NodeStatus *status, const struct sk_top_view *view,
                               struct sk_wall now, struct sk_buf *out)
{
    enum sk_code code = sk_node_print_summary(status, now, out);

    if (code == SK_OK)
        code = sk_buf_append(out, "\n", 1);
    if (code == SK_OK)
        code = view->shows_sessions ? sk_node_print_sessions(status, now, out)
                                    : sk_node_print_sandboxes(status, view->order, now, out);
    return code;
}

static enum sk_code draw_foot(const struct sk_top_view *view, size_t width, struct sk_buf *out)
{
    char foot[256];

    if (view->fault)
        (void)snprintf(foot, sizeof(foot), "%s", view->fault);
    else
        (void)snprintf(foot, sizeof(foot), "q quit  c cpu  m memory  a age  s %s",
                       view->shows_sessions ? "sandboxes" : "sessions");
    for (char *c = foot; *c; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    }
    return sk_buf_printf(out, INVERSE "%.*s" PLAIN "\x1b[K\x1b[J", (int)fit(foot, strlen(foot), width), foot);
}

enum sk_code sk_top_draw(Sandkeep__V1__NodeStatus *status, const struct sk_top_view *view,
                         struct sk_window window, struct sk_wall now, struct sk_buf *out)
{
    size_t width = window.width ? window.width : DEFAULT_WIDTH;
    size_t height = window.height ? window.height : DEFAULT_HEIGHT;
    SK_CLEANUP(sk_buf_fini) struct sk_buf text;
    enum sk_code code = SK_OK;

    sk_buf_init(&text, TEXT_MAX);
    if (status)
        code = write_text(status, view, now, &text);
    if (code == SK_OK)
        code = sk_buf_append(&text, "", 1); /* the end */
    if (code == SK_OK)
        code = sk_buf_append(out, "\x1b[H", 3);
    if (code == SK_OK)
        code = draw_lines((const char *)text.data, width, height - 1, out);
    return code == SK_OK ? draw_foot(view, width, out) : code;
}
