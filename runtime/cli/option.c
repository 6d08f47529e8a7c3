#include "cli/option.h"

#include <string.h>

#include "base/nearest.h"

enum { OPTIONS_MAX = 16 };

/* Where the arguments are being read. */
struct cursor {
    const struct command *command;
    char **argv;
    int argc, at;
};

static int unknown(const struct cursor *c, const char *word,
                   const struct option *options, size_t count)
{
    const char *names[OPTIONS_MAX];

    for (size_t i = 0; i < count; i++)
        names[i] = options[i].name;
    const char *meant = nearest_word(word, names, count);

    if (meant == NULL)
        return command_misused(c->command, "unknown option '%s'", word);
    return command_misused(
        c->command, "unknown option '%s'; did you mean '%s'?", word, meant);
}

/* `value` is what follows '=' in the word, or NULL. */
static int take(struct cursor *c, const struct option *o, const char *value)
{
    if (o->flag != NULL) {
        *o->flag = true;
        return value == NULL
                   ? 0
                   : command_misused(c->command, "%s takes no value", o->name);
    }
    if (value == NULL && c->at == c->argc)
        return command_misused(c->command, "%s needs a value", o->name);
    *o->value = value != NULL ? value : c->argv[c->at++];
    if (**o->value == '\0')
        return command_misused(c->command, "%s needs a value", o->name);
    return 0;
}

static int parse_option(struct cursor *c, const char *word,
                        const struct option *options, size_t count)
{
    size_t n = strcspn(word, "=");

    for (size_t i = 0; i < count; i++) {
        if (strncmp(options[i].name, word, n) == 0 &&
            options[i].name[n] == '\0')
            return take(c, &options[i], word[n] == '=' ? word + n + 1 : NULL);
    }
    return unknown(c, word, options, count);
}

static int parse_operand(const struct cursor *c, const char *word,
                         const char **operands, size_t most, size_t *count)
{
    if (most == 0)
        return command_misused(c->command, "takes no argument, got '%s'", word);
    if (*count == most && most == 1)
        return command_misused(c->command,
                               "one argument expected, got '%s' and '%s'",
                               operands[0], word);
    if (*count == most)
        return command_misused(c->command,
                               "at most %zu arguments expected, got '%s' too",
                               most, word);
    operands[(*count)++] = word;
    return 0;
}

/* A negative number is none, nor is SQL that begins with a comment. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' &&
           (word[1] < '0' || word[1] > '9') && strncmp(word, "-- ", 3) != 0;
}

int option_parse_words(const struct command *self, int argc, char **argv,
                       const struct option_terms *terms, size_t *operand_count)
{
    struct cursor c = {self, argv, argc, 0};
    bool ended = false;
    int rc = 0;

    *operand_count = 0;
    while (rc == 0 && c.at < c.argc) {
        const char *word = c.argv[c.at++];

        if (!ended && strcmp(word, "--") == 0)
            ended = true;
        else if (!ended && is_option(word))
            rc = parse_option(&c, word, terms->options, terms->count);
        else
            rc = parse_operand(&c, word, terms->operands, terms->most,
                               operand_count);
    }
    return rc;
}

int option_parse(const struct command *self, int argc, char **argv,
                 const struct option *options, size_t count,
                 const char **operand)
{
    size_t operand_count;

    return option_parse_words(
        self, argc, argv,
        &(struct option_terms){options, count, operand, operand != NULL},
        &operand_count);
}
