#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/jsonrow.h"
#include "host/row.h"

enum { OPTIONS_MAX = 16, OPTIONS_OWN = 4 };

int ask_parse(struct ask *a, const struct command *self, int argc, char **argv,
              const struct ask_terms *terms)
{
    struct option options[OPTIONS_MAX] = {
        {"--data", &a->data, NULL},
        {"--config", &a->file, NULL},
        {"--json", NULL, &a->json},
        {"--no-pager", NULL, &a->no_pager},
    };

    *a = (struct ask){.self = self};
    for (size_t i = 0; i < terms->option_count; i++)
        options[OPTIONS_OWN + i] = terms->options[i];
    return option_parse_words(
        self, argc, argv,
        &(struct option_terms){options, OPTIONS_OWN + terms->option_count,
                               a->words, terms->most},
        &a->word_count);
}

int ask_configure(struct ask *a)
{
    struct error err = {0};
    int rc = config_load(NULL, a->file, &a->config, &err);

    /* The script need not be there; a configuration that was named must. */
    bool is_found = a->file == NULL || a->config.file != NULL;
    if (rc != 0 && a->data == NULL && !(rc == ERR_NOT_FOUND && is_found))
        return command_failed(a->self, "%s", err.text);
    if (a->data == NULL)
        return 0;
    free(a->config.data);
    a->config.data = mem_dup(a->data, strlen(a->data));
    return 0;
}

int ask_open(struct ask *a)
{
    struct error err = {0};
    int rc = ask_configure(a);

    if (rc != 0)
        return rc;
    if (client_open(&a->config, a->need, &a->client, &err) != 0)
        return command_failed(a->self, "%s", err.text);
    return 0;
}

void ask_close(struct ask *a)
{
    client_close(a->client);
    config_fini(&a->config);
    buf_fini(&a->question);
}

int ask_needs_object(struct ask *a, const char *id)
{
    if (a->word_count == 2 && id == NULL)
        return 0;
    if (a->word_count == 1 && id != NULL)
        return 0;
    if (a->word_count == 2)
        return command_misused(a->self, "a name or --id expected, got both");
    return command_misused(a->self, "a class and a name expected");
}

void ask_add_object(struct ask *a, const char *id)
{
    if (a->word_count > 0)
        row_add_text(&a->question, "class", slice_of(a->words[0]));
    if (id != NULL)
        row_add_text(&a->question, "id", slice_of(id));
    else if (a->word_count > 1)
        row_add_text(&a->question, "name", slice_of(a->words[1]));
}

int ask_rows(struct ask *a, int (*row)(void *arg, struct slice row), void *arg)
{
    struct error err = {0};

    if (client_ask(a->client, buf_slice(&a->question), row, arg, &err) == 0)
        return 0;
    return command_failed(a->self, "%s", err.text);
}

int ask_one_object(struct ask *a, const struct command *self, int argc,
                   char **argv, int (*row)(void *arg, struct slice row),
                   void *arg)
{
    const char *id = NULL;
    const struct option more[] = {{"--id", &id, NULL}};
    int rc = ask_parse(a, self, argc, argv, &(struct ask_terms){more, 1, 2});

    if (rc == 0)
        rc = ask_needs_object(a, id);
    if (rc == 0)
        rc = ask_open(a);
    if (rc != 0)
        return rc;
    row_begin(&a->question, self->name);
    ask_add_object(a, id);
    return ask_rows(a, row, arg);
}

/* ---- lists ---- */

struct listing {
    bool json;
    struct table table;
    struct pager pager;
    struct buf line;
    size_t count;
};

static int on_row(void *arg, struct slice row)
{
    struct listing *l = arg;

    l->count++;
    if (!l->json)
        return table_add(&l->table, row);
    l->line.n = 0;
    jsonrow_add(&l->line, row);
    return pager_line(&l->pager, buf_slice(&l->line));
}

int ask_table(struct ask *a, const struct table_column *columns, size_t count,
              const char *nothing)
{
    struct listing l = {.json = a->json};

    pager_init(&l.pager, a->no_pager || a->json ? PAGER_NEVER : PAGER_IF_LONG);
    table_init(&l.table, columns, count, "", &l.pager);
    int rc = ask_rows(a, on_row, &l);
    table_end(&l.table);
    if (rc == 0 && l.count == 0 && !a->json)
        pager_line(&l.pager, slice_of(nothing));
    pager_close(&l.pager);
    buf_fini(&l.line);
    return rc;
}
