/* complete_bash.c - the completion for bash. */
#include "cli/complete.h"

static const char head[] =
    "# bash completion of moonkeep.  For this shell:\n"
    "#   source <(moonkeep completion bash)\n"
    "# For all to come, write that line into ~/.bashrc.\n"
    "\n"
    "# A word without its quotes into $current; $quote is the one that it "
    "begins\n"
    "# with.\n"
    "_moonkeep_plain() {\n"
    "  local rest=$1\n"
    "  current= quote=\n"
    "  if [[ $rest == [\\'\\\"]* ]]; then\n"
    "    quote=${rest:0:1} current=${rest:1}\n"
    "    current=${current%\"$quote\"}\n"
    "    return\n"
    "  fi\n"
    "  while [[ $rest == *\\\\* ]]; do\n"
    "    current+=${rest%%\\\\*}\n"
    "    rest=${rest#*\\\\}\n"
    "    current+=${rest:0:1}\n"
    "    rest=${rest:1}\n"
    "  done\n"
    "  current+=$rest\n"
    "}\n"
    "\n"
    "# $1 as it is typed.\n"
    "_moonkeep_typed() {\n"
    "  case $quote in\n"
    "  \"'\") printf %s \"${1//\\'/\\'\\\\\\'\\'}\" ;;\n"
    "  '\"') printf %s \"$1\" | sed 's/[\\\\\"$`]/\\\\&/g' ;;\n"
    "  *) printf %q \"$1\" ;;\n"
    "  esac\n"
    "}\n"
    "\n"
    "# Lines of what the data has become words that begin with $current.\n"
    "_moonkeep_ask() {\n"
    "  local line\n"
    "  while IFS= read -r line; do\n"
    "    [[ $line == \"$current\"* ]] && COMPREPLY+=(\"$(_moonkeep_typed "
    "\"$line\")\")\n"
    "  done < <(\"${words[0]}\" completion \"$@\" \"${data[@]}\" 2>/dev/null)\n"
    "}\n"
    "\n"
    "_moonkeep_files() {\n"
    "  compopt -o filenames 2>/dev/null\n"
    "  mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
    "}\n"
    "\n"
    "_moonkeep_words() {\n"
    "  mapfile -t COMPREPLY < <(compgen -W \"$*\" -- \"$current\")\n"
    "}\n"
    "\n"
    "# The words up to the one that is typed; bash breaks them at colons, "
    "which are\n"
    "# usual in names.\n"
    "_moonkeep_join() {\n"
    "  local i word\n"
    "  for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "    word=${COMP_WORDS[i]}\n"
    "    if [[ $i -gt 1 && $COMP_WORDBREAKS == *:* &&\n"
    "      ($word == :* || ${COMP_WORDS[i - 1]} == *:) &&\n"
    "      ! ($i == \"$COMP_CWORD\" && ${COMP_LINE:0:COMP_POINT} == *' ') ]]; "
    "then\n"
    "      words[${#words[@]} - 1]+=$word\n"
    "    else\n"
    "      words+=(\"$word\")\n"
    "    fi\n"
    "  done\n"
    "  last=$((${#words[@]} - 1))\n"
    "}\n"
    "\n"
    "# Of what is offered, the part behind the last colon that bash breaks "
    "at.\n"
    "_moonkeep_behind_colon() {\n"
    "  local typed=${words[last]} i\n"
    "  [[ -n $quote || $COMP_WORDBREAKS != *:* || $typed != *:* ]] && return\n"
    "  for i in \"${!COMPREPLY[@]}\"; do\n"
    "    COMPREPLY[i]=${COMPREPLY[i]#\"${typed%\"${typed##*:}\"}\"}\n"
    "  done\n"
    "}\n"
    "\n"
    "_moonkeep() {\n"
    "  local current quote previous command class= word kind i n=0 last\n"
    "  local options= valued= values= commands\n"
    "  local -a words=() operands=() data=()\n"
    "  COMPREPLY=()\n"
    "  _moonkeep_join\n"
    "  previous=${words[last - 1]}\n"
    "  command=${words[1]}\n";

static const char body[] =
    "  if ((last == 1)); then\n"
    "    current=${words[last]}\n"
    "    _moonkeep_words $commands --help --version\n"
    "    return\n"
    "  fi\n"
    "  for ((i = 2; i < last; i++)); do\n"
    "    word=${words[i]}\n"
    "    if [[ $valued == *\" $word \"* ]]; then\n"
    "      ((i++))\n"
    "      [[ ${words[i]} == '=' ]] && ((i++))\n"
    "      [[ $word == --data || $word == --config ]] && ((i < last)) &&\n"
    "        _moonkeep_plain \"${words[i]}\" && data+=(\"$word\" "
    "\"$current\")\n"
    "    elif [[ $word != -* ]]; then\n"
    "      ((n++ == 0)) && class=$word\n"
    "    fi\n"
    "  done\n"
    "  _moonkeep_plain \"${words[last]}\"\n"
    "  # \"--data=x\" comes as three words.\n"
    "  [[ $current == '=' ]] && current=\n"
    "  [[ $previous == '=' ]] && previous=${words[last - 2]}\n"
    "  if [[ $valued == *\" $previous \"* ]]; then\n"
    "    kind=${values##* \"$previous\":}\n"
    "    kind=${kind%% *}\n"
    "  elif [[ $current == -* ]]; then\n"
    "    _moonkeep_words $options\n"
    "    return\n"
    "  else\n"
    "    kind=${operands[n]}\n"
    "  fi\n"
    "  case $kind in\n"
    "  class) _moonkeep_ask classes ;;\n"
    "  name) _moonkeep_ask names \"$class\" \"$current\" ;;\n"
    "  file) _moonkeep_files ;;\n"
    "  command) _moonkeep_words $commands ;;\n"
    "  *'|'*) _moonkeep_words ${kind//|/ } ;;\n"
    "  esac\n"
    "  _moonkeep_behind_colon\n"
    "}\n"
    "\n"
    "complete -F _moonkeep moonkeep\n";

struct generating {
    struct buf options, valued, values, operands;
};

static void add_kind(struct buf *out, enum complete_kind kind,
                     struct slice words)
{
    static const char *const names[] = {[COMPLETE_NOTHING] = "-",
                                        [COMPLETE_CLASS] = "class",
                                        [COMPLETE_NAME] = "name",
                                        [COMPLETE_FILE] = "file",
                                        [COMPLETE_COMMAND] = "command"};

    if (kind == COMPLETE_WORDS)
        complete_quote(out, words);
    else
        buf_add_text(out, names[kind]);
}

static void on_option(void *arg, const struct complete_option *o)
{
    struct generating *g = arg;

    buf_printf(&g->options, " %.*s", (int)o->name.n, o->name.p);
    if (o->title.n == 0)
        return;
    buf_printf(&g->valued, "%.*s ", (int)o->name.n, o->name.p);
    buf_printf(&g->values, "%.*s:", (int)o->name.n, o->name.p);
    add_kind(&g->values, o->kind, o->words);
    buf_add_byte(&g->values, ' ');
}

static void on_operand(void *arg, const struct complete_operand *o)
{
    struct generating *g = arg;

    buf_add_text(&g->operands, g->operands.n == 0 ? "'" : " '");
    add_kind(&g->operands, o->kind, o->words);
    buf_add_byte(&g->operands, '\'');
}

static void add_command(struct buf *out, const struct command *c)
{
    struct generating g = {0};

    complete_options(c, on_option, &g);
    complete_operands(c, on_operand, &g);
    buf_printf(out, "  %s)\n    options='%.*s'\n", c->name,
               (int)g.options.n - 1, g.options.p + 1);
    if (g.valued.n != 0)
        buf_printf(out, "    valued=' %.*s' values=' %.*s'\n", (int)g.valued.n,
                   g.valued.p, (int)g.values.n, g.values.p);
    if (g.operands.n != 0)
        buf_printf(out, "    operands=(%.*s)\n", (int)g.operands.n,
                   g.operands.p);
    buf_add_text(out, "    ;;\n");
    buf_fini(&g.options);
    buf_fini(&g.valued);
    buf_fini(&g.values);
    buf_fini(&g.operands);
}

void complete_bash(struct buf *out)
{
    buf_add_text(out, head);
    buf_add_text(out, "  commands='");
    for (const struct command *const *c = commands; *c != NULL; c++)
        buf_printf(out, "%s%s", c == commands ? "" : " ", (*c)->name);
    buf_add_text(out, "'\n  case $command in\n");
    for (const struct command *const *c = commands; *c != NULL; c++)
        add_command(out, *c);
    buf_add_text(out, "  esac\n");
    buf_add_text(out, body);
}
