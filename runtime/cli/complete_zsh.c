/* complete_zsh.c - the completion for zsh. */
#include <ctype.h>
#include <string.h>

#include "cli/complete.h"

static const char head[] =
    "#compdef moonkeep\n"
    "# zsh completion of moonkeep: as _moonkeep in a folder of $fpath, or for "
    "this\n"
    "# shell, after compinit:\n"
    "#   source <(moonkeep completion zsh)\n\n"
    "# What the data has, a word a line.\n"
    "_moonkeep_ask() {\n"
    "  local -a found data\n"
    "  local i\n"
    "  for ((i = 1; i < $#words; i++)); do\n"
    "    case $words[i] in\n"
    "    --data|--config) data+=($words[i] ${(Q)words[i + 1]}) ;;\n"
    "    --data=*|--config=*) data+=(${(Q)words[i]}) ;;\n"
    "    esac\n"
    "  done\n"
    "  found=(${(f)\"$(${(Q)moonkeep} completion $@ $data 2>/dev/null)\"})\n"
    "  compadd -a found\n"
    "}\n\n"
    "_moonkeep_class() { _moonkeep_ask classes }\n"
    "_moonkeep_name() { _moonkeep_ask names ${(Q)line[1]} ${(Q)PREFIX} }\n\n"
    "_moonkeep() {\n"
    "  local -a commands specs line\n"
    "  local moonkeep=$words[1] curcontext=$curcontext state\n"
    "  typeset -A opt_args\n";

static const char body[] = "  if ((CURRENT == 2)); then\n"
                           "    _describe -t commands command commands\n"
                           "    return\n"
                           "  fi\n";

static const char tail[] = "  shift words\n"
                           "  ((CURRENT--))\n"
                           "  _arguments -S : $specs\n"
                           "}\n\n"
                           "_moonkeep_command() {\n"
                           "  _describe -t commands command commands\n"
                           "}\n\n"
                           "if [[ $funcstack[1] == _moonkeep ]]; then\n"
                           "  _moonkeep \"$@\"\n"
                           "else\n"
                           "  compdef _moonkeep moonkeep\n"
                           "fi\n";

/* In a spec of _arguments or _describe, within single quotes. */
static void add_text(struct buf *out, struct slice text)
{
    struct buf escaped = {0};

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '\n' ||
            (c == ' ' && i != 0 && isspace((unsigned char)text.p[i - 1])))
            c = c == '\n' ? ' ' : '\0';
        if (c != '\0' && strchr(":[]\\", c) != NULL)
            buf_add_byte(&escaped, '\\');
        if (c != '\0')
            buf_add_byte(&escaped, c);
    }
    complete_quote(out, buf_slice(&escaped));
    buf_fini(&escaped);
}

/* What completes it: "_files", "(a b)". */
static void add_action(struct buf *out, enum complete_kind kind,
                       struct slice words)
{
    static const char *const actions[] = {[COMPLETE_NOTHING] = " ",
                                          [COMPLETE_CLASS] = "_moonkeep_class",
                                          [COMPLETE_NAME] = "_moonkeep_name",
                                          [COMPLETE_FILE] = "_files",
                                          [COMPLETE_COMMAND] =
                                              "_moonkeep_command"};

    if (kind != COMPLETE_WORDS) {
        buf_add_text(out, actions[kind]);
        return;
    }
    buf_add_byte(out, '(');
    for (size_t i = 0; i < words.n; i++)
        buf_add_byte(out, words.p[i] == '|' ? ' ' : words.p[i]);
    buf_add_byte(out, ')');
}

static void on_option(void *arg, const struct complete_option *o)
{
    struct buf *out = arg;

    buf_printf(out, "      '%.*s%s[", (int)o->name.n, o->name.p,
               o->title.n == 0 ? "" : "=");
    add_text(out, o->text);
    buf_add_byte(out, ']');
    if (o->title.n != 0) {
        buf_add_byte(out, ':');
        add_text(out, o->title);
        buf_add_byte(out, ':');
        add_action(out, o->kind, o->words);
    }
    buf_add_text(out, "'\n");
}

static void on_operand(void *arg, const struct complete_operand *o)
{
    struct buf *out = arg;

    buf_add_text(out, "      ':");
    add_text(out, o->title);
    buf_add_byte(out, ':');
    add_action(out, o->kind, o->words);
    buf_add_text(out, "'\n");
}

void complete_zsh(struct buf *out)
{
    buf_add_text(out, head);
    buf_add_text(out, "  commands=(\n");
    for (const struct command *const *c = commands; *c != NULL; c++) {
        buf_printf(out, "    '%s:", (*c)->name);
        add_text(out, slice_of((*c)->summary));
        buf_add_text(out, "'\n");
    }
    buf_add_text(out, "  )\n");
    buf_add_text(out, body);
    buf_add_text(out, "  case $words[2] in\n");
    for (const struct command *const *c = commands; *c != NULL; c++) {
        buf_printf(out, "  %s)\n    specs=(\n", (*c)->name);
        complete_options(*c, on_option, out);
        complete_operands(*c, on_operand, out);
        buf_add_text(out, "    )\n    ;;\n");
    }
    buf_add_text(out, "  esac\n");
    buf_add_text(out, tail);
}
