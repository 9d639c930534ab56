/* A text in memory line by line, for the readers of list, label and number files. */
#ifndef DATASETS_PUBLIC_TEXT_LINES_H
#define DATASETS_PUBLIC_TEXT_LINES_H

#include <stddef.h>

/* Start with {.name, .at, .end}; the bytes stay the caller's and are not terminated. */
typedef struct {
    const char *name;         /* for sentences */
    const char *at, *end;     /* what is left */
    const char *start, *stop; /* the line, without its LF or CRLF */
    size_t number;            /* of the line, from 1 */
} text_lines;

/* Goes to the next line, empty or not; 0 at the end of the text. */
int text_lines_next(text_lines *l);

/* The first byte of at..stop that is neither a blank nor a tab; stop when there is none. */
const char *text_skip_blanks(const char *at, const char *stop);

#endif
