/* The library in double: the same sources compiled with LOSS_DOUBLE, for checking formulas (`lossbench eval`, central
   differences) and for simulations. Included in place of loss.h; a file sees one of the two. */
#ifndef LOSS_LOSS_DOUBLE_H
#define LOSS_LOSS_DOUBLE_H

#ifndef LOSS_DOUBLE
#define LOSS_DOUBLE
#endif

#define loss_kind_names loss_double_kind_names
#define loss_type_at loss_double_type_at
#define loss_type_find loss_double_type_find
#define loss_register loss_double_register
#define loss_aliases loss_double_aliases
#define loss_parse loss_double_parse
#define loss_copy loss_double_copy
#define loss_free loss_double_free
#define loss_kind_of loss_double_kind_of
#define loss_takes loss_double_takes
#define loss_text loss_double_text
#define loss_label loss_double_label
#define loss_resolve loss_double_resolve
#define loss_tunables loss_double_tunables
#define loss_tunable loss_double_tunable
#define loss_set_tunable loss_double_set_tunable
#define loss_scratch loss_double_scratch
#define loss_value_count loss_double_value_count
#define loss_state_count loss_double_state_count
#define loss_state_start loss_double_state_start
#define loss_state_name loss_double_state_name
#define loss_eval loss_double_eval
#define loss_prior_logit loss_double_prior_logit

#include "lib/loss/loss.h"

#endif
