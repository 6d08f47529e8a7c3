#include "wire/http_list.h"

#include <string.h>

static bool is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool http_list_is_token(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char(s.p[i]))
            return false;
    }
    return s.n != 0;
}

/* Where the element at the front of `s` ends: s.n or a separator's place. */
static size_t element_end(struct slice s, char separator)
{
    bool is_quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && s.p[i] == '\\')
            i++;
        else if (!is_quoted && s.p[i] == separator)
            return i;
    }
    return s.n;
}

bool http_list_next(struct slice *rest, char separator, struct slice *element)
{
    if (rest->p == NULL)
        return false;
    size_t end = element_end(*rest, separator);

    *element = slice_trim((struct slice){rest->p, end});
    if (end == rest->n)
        *rest = (struct slice){0};
    else
        *rest = (struct slice){rest->p + end + 1, rest->n - end - 1};
    return true;
}

static bool list_has(struct slice list, struct slice token)
{
    struct slice element;

    while (http_list_next(&list, ',', &element)) {
        if (slice_eq_nocase(element, token))
            return true;
    }
    return false;
}

bool http_list_has(const struct field *fields, uint32_t count,
                   struct slice name, struct slice token)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slice_eq_nocase(fields[i].name, name) &&
            list_has(fields[i].value, token))
            return true;
    }
    return false;
}
