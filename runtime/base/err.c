#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *e, int code, const char *format, ...)
{
    va_list args;

    if (e == NULL)
        return code;
    e->code = code;
    va_start(args, format);
    vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    return code;
}

const char *err_name(int code)
{
    switch (code) {
    case ERR_OK:
        return "OK";
#define X(name, num, text)                                                     \
    case num:                                                                  \
        return #name;
        ERR_MAP(X)
#undef X
    default:
        return "UNKNOWN";
    }
}

const char *err_text(int code)
{
    switch (code) {
    case ERR_OK:
        return "no error";
#define X(name, num, text)                                                     \
    case num:                                                                  \
        return text;
        ERR_MAP(X)
#undef X
    default:
        return "unknown error";
    }
}
