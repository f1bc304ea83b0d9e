#include "base/roff.h"

#include <stdbool.h>
#include <string.h>

static void put(struct sk_roff *r, const char *text, size_t len)
{
    if (r->code == SK_OK)
        r->code = sk_buf_append(r->out, text, len);
}

static void put_word(struct sk_roff *r, const char *text)
{
    put(r, text, strlen(text));
}

/* No character means anything to troff; no line begins with one that would. */
static void put_plain(struct sk_roff *r, const char *text)
{
    bool at_start = true;

    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            put_word(r, "\\&");
        if (*text == '\\')
            put_word(r, "\\e");
        else if (*text == '-')
            put_word(r, "\\-");
        else if (*text == '"')
            put_word(r, "\\(dq");
        else
            put(r, text, 1);
        at_start = *text == '\n';
    }
}

static void put_line(struct sk_roff *r, const char *before, const char *text, const char *after)
{
    put_word(r, before);
    put_plain(r, text);
    put_word(r, after);
}

void sk_roff_begin(struct sk_roff *r, struct sk_buf *out, const char *title, int section, const char *name,
                   const char *what)
{
    char number[] = {(char)('0' + section), '\0'};

    *r = (struct sk_roff){.out = out};
    put_line(r, ".TH ", title, " ");
    put_word(r, number);
    put_word(r, " \"\" \"Sandkeep " SK_VERSION "\" \"Sandkeep\"\n.nh\n.ad l\n");
    sk_roff_heading(r, "NAME");
    put_plain(r, name);
    put_line(r, " \\- ", what, "\n");
}

void sk_roff_heading(struct sk_roff *r, const char *text)
{
    put_line(r, ".SH ", text, "\n");
}

void sk_roff_subheading(struct sk_roff *r, const char *text)
{
    put_line(r, ".SS ", text, "\n");
}

void sk_roff_text(struct sk_roff *r, const char *text)
{
    put_line(r, ".PP\n", text, "\n");
}

void sk_roff_item(struct sk_roff *r, const char *term, const char *text)
{
    put_line(r, ".TP\n\\fB", term, "\\fR\n");
    put_line(r, "", text, "\n");
}

void sk_roff_usage(struct sk_roff *r, const char *name, const char *words)
{
    put_line(r, ".PP\n\\fB", name, "\\fR");
    put_line(r, *words ? " \\fI" : "\\fI", words, "\\fR\n");
}

void sk_roff_sample(struct sk_roff *r, const char *text)
{
    put_line(r, ".PP\n.RS 4\n.nf\n", text, "\n.fi\n.RE\n");
}

enum sk_code sk_roff_end(const struct sk_roff *r)
{
    return r->code;
}
