#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>

int lb_fail(lb_error *error, lb_code code, const char *format, ...) {
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        for (char *c = error->message; *c; c++) /* names come from files and terminals: a sentence is one line */
            if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    }
    return (int)code;
}

int lb_fail_memory(lb_error *error, const char *what) {
    return lb_fail(error, LB_MEMORY, "not enough memory for %s", what);
}
