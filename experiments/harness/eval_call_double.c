/* eval_call.c for the library in double. */
#include "lib/loss/loss_double.h"

#include "experiments/harness/eval_call.c"
