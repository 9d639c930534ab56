#include "datasets/public/text_lines.h"

#include <string.h>

int text_lines_next(text_lines *l) {
    if (l->at == l->end) return 0;
    const char *end = memchr(l->at, '\n', (size_t)(l->end - l->at));
    l->start = l->at;
    l->stop = end ? end : l->end;
    l->at = end ? end + 1 : l->end;
    if (l->stop > l->start && l->stop[-1] == '\r') l->stop--;
    l->number++;
    return 1;
}

const char *text_skip_blanks(const char *at, const char *stop) {
    while (at < stop && (*at == ' ' || *at == '\t')) at++;
    return at;
}
