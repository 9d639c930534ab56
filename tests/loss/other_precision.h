/* The double build, for tests in float. */
#ifndef TESTS_LOSS_OTHER_PRECISION_H
#define TESTS_LOSS_OTHER_PRECISION_H

/* Mean and gradient of the weighted mixed sample of samples.h in the double build. `form` is a loss_kind. */
double double_sample_mean(const char *expression, int form, double *grad);

#endif
