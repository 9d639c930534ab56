/* The losses there are, in the order of `lossbench list`. A new loss is its file, its declaration and its line. */
#include "lib/loss/loss.h"

#include <string.h>

extern const loss_type loss_bce, loss_weighted_bce, loss_focal, loss_class_balanced, loss_logit_adjusted, loss_asl;

const loss_type *const loss_types[] = {
    &loss_bce,            /**/
    &loss_weighted_bce,   /**/
    &loss_focal,          /**/
    &loss_class_balanced, /**/
    &loss_logit_adjusted, /**/
    &loss_asl,            /**/
    NULL,
};

const loss_type *loss_type_find(const char *name) {
    for (const loss_type *const *type = loss_types; *type; type++)
        if (strcmp((*type)->name, name) == 0) return *type;
    return NULL;
}
