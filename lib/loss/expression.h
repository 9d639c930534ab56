/* The inside of a parsed expression, shared by expression.c (text to terms and back) and evaluate*.c. */
#ifndef LOSS_EXPRESSION_H
#define LOSS_EXPRESSION_H

#include "lib/loss/loss.h"

typedef struct {
    const loss_type *type;
    double weight;
    double values[SPEC_MAX_PARAMS];
    unsigned written; /* bit i: the expression gives parameter i */
} loss_term;

struct loss {
    size_t count;
    loss_term terms[LOSS_MAX_TERMS];
    char text[LOSS_MAX_TERMS * SPEC_MAX_TEXT], label[LOSS_MAX_TERMS * SPEC_MAX_TEXT];
};

/* The parameter of this term that still is `auto`, or NULL. */
const param *loss_term_unresolved(const loss_term *term);

/* How many numbers this term learns beside the net. */
size_t loss_term_states(const loss_term *term);

/* The kinds of batch that a type can be evaluated on, as bits 1 << loss_kind. */
unsigned loss_type_forms(const loss_type *type);

loss_region_options loss_term_options(const loss_term *term);

/* `values` of the type, or what value_shape says. */
loss_value_shape loss_term_shape(const loss_term *term);

#endif
