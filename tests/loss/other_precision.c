#include "lib/loss/loss_double.h"

#include <math.h>

#include "tests/loss/other_precision.h"
#include "tests/loss/samples.h"

double double_sample_mean(const char *expression, int form, double *grad) {
    static sample s;
    lb_error error = {0};
    double value = (double)NAN;
    loss *l = sample_loss(expression, &error);
    sample_fill(&s, (loss_kind)form, SAMPLE_MIXED);
    for (size_t i = 0; i < SAMPLE_SIZE; i++) { /* the very numbers that float sees */
        s.input[i] = (double)(float)s.input[i];
        s.target[i] = (double)(float)s.target[i];
        s.weight[i] = (double)(float)s.weight[i];
    }
    s.batch.weight = s.weight;
    if (l && sample_eval(l, &s.batch, LOSS_MEAN, &value, NULL, grad, &error)) value = (double)NAN;
    loss_free(l);
    return value;
}
