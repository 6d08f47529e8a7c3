#include "cli/complete.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_AT = 20 /* column of what an option does */ };

/* ---- words ---- */

/* Take the next word off `*rest`, which spaces part. */
static bool next_word(struct slice *rest, struct slice *out)
{
    while (rest->n != 0 && *rest->p == ' ')
        *rest = (struct slice){rest->p + 1, rest->n - 1};
    const char *end = rest->n == 0 ? NULL : memchr(rest->p, ' ', rest->n);
    size_t n = end == NULL ? rest->n : (size_t)(end - rest->p);

    *out = (struct slice){rest->p, n};
    *rest = (struct slice){rest->p + n, rest->n - n};
    return n != 0;
}

/* Without brackets and dots around it. */
static struct slice bare(struct slice word)
{
    while (word.n != 0 && *word.p == '[')
        word = (struct slice){word.p + 1, word.n - 1};
    while (word.n != 0 && strchr("].", word.p[word.n - 1]) != NULL)
        word.n--;
    return word;
}

static bool is_word(struct slice s, const char *text)
{
    return slice_eq(s, slice_of(text));
}

static enum complete_kind kind_of(struct slice title)
{
    static const char *const files[] = {"DIR", "FILE", "SCRIPT|DIR", "PATH"};

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        if (is_word(title, files[i]))
            return COMPLETE_FILE;
    }
    if (is_word(title, "CLASS"))
        return COMPLETE_CLASS;
    if (is_word(title, "NAME"))
        return COMPLETE_NAME;
    if (is_word(title, "COMMAND"))
        return COMPLETE_COMMAND;
    return title.n != 0 && islower((unsigned char)*title.p) ? COMPLETE_WORDS
                                                            : COMPLETE_NOTHING;
}

/* What follows the command's own name. */
static struct slice usage_of(const struct command *c)
{
    struct slice rest = slice_of(c->usage);
    struct slice name;

    next_word(&rest, &name);
    return rest;
}

/* ---- operands ---- */

static bool ends_group(struct slice word)
{
    return word.n != 0 && word.p[word.n - 1] == ']';
}

void complete_operands(const struct command *c,
                       void (*each)(void *arg,
                                    const struct complete_operand *o),
                       void *arg)
{
    struct slice rest = usage_of(c);
    struct slice word;
    bool is_option = false;

    while (next_word(&rest, &word)) {
        struct slice title = bare(word);

        is_option |= title.n > 2 && memcmp(title.p, "--", 2) == 0;
        if (!is_option && !is_word(title, "OPTION"))
            each(arg, &(struct complete_operand){kind_of(title), title, title});
        if (ends_group(word))
            is_option = false;
    }
}

/* ---- options ---- */

/* "a|b", where the usage says "[--name a|b]". */
static struct slice words_of(const struct command *c, struct slice name)
{
    struct slice rest = usage_of(c);
    struct slice word;

    while (next_word(&rest, &word)) {
        if (!slice_eq(bare(word), name) || ends_group(word))
            continue;
        next_word(&rest, &word);
        word = bare(word);
        if (memchr(word.p, '|', word.n) != NULL)
            return word;
    }
    return (struct slice){0};
}

/* What an option does begins at `text` and goes on in lines that are indented
 * as far. */
static struct slice first_words(const char *text)
{
    static const char indent[] = "\n                    ";
    const char *end = strchrnul(text, '\n');

    while (strncmp(end, indent, sizeof(indent) - 1) == 0)
        end = strchrnul(end + 1, '\n');
    const char *semicolon = memchr(text, ';', (size_t)(end - text));

    if (semicolon != NULL)
        end = semicolon;
    return (struct slice){text, (size_t)(end - text)};
}

static void read_option(const struct command *c, struct slice line,
                        struct complete_option *out)
{
    struct slice head = {line.p, line.n < TEXT_AT ? line.n : TEXT_AT};

    *out = (struct complete_option){0};
    next_word(&head, &out->name);
    next_word(&head, &out->title);
    if (line.n > TEXT_AT)
        out->text = first_words(line.p + TEXT_AT);
    out->kind = kind_of(out->title);
    if (out->kind == COMPLETE_NAME || out->kind == COMPLETE_CLASS)
        out->kind = COMPLETE_NOTHING; /* whose it is is not known yet */
    out->words = words_of(c, out->name);
    if (out->words.n != 0)
        out->kind = COMPLETE_WORDS;
}

void complete_options(const struct command *c,
                      void (*each)(void *arg, const struct complete_option *o),
                      void *arg)
{
    const char *line = c->details;

    while (*line != '\0') {
        const char *end = strchrnul(line, '\n');
        struct complete_option o;

        if (strncmp(line, "  --", 4) == 0) {
            read_option(c, (struct slice){line, (size_t)(end - line)}, &o);
            each(arg, &o);
        }
        line = *end == '\0' ? end : end + 1;
    }
    each(arg, &(struct complete_option){.name = SLICE("--help"),
                                        .text = SLICE("explain the command")});
}

void complete_quote(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\'')
            buf_add_text(out, "'\\''");
        else
            buf_add_byte(out, text.p[i]);
    }
}
