/* What focal losses share: their first parameters and the divisor of their mean. Own parameters follow from
   FOCAL_PARAM_COUNT on. */
#ifndef LOSS_FOCAL_H
#define LOSS_FOCAL_H

#include "lib/loss/elements.h"

enum { GAMMA, ALPHA, MEAN_DIVISOR, FOCAL_PARAM_COUNT };
enum { FOCAL_ALPHA_OFF = -1, FOCAL_ALPHA_AUTO = -2 };

extern const param_word loss_focal_alpha_words[]; /* off, auto */
extern const param_word loss_divisor_words[];     /* elements 0, positives 1 */

#define FOCAL_PARAMS                                                                                                   \
    [GAMMA] = {.name = "gamma",                                                                                        \
               .fallback = 2,                                                                                          \
               .low = 0,                                                                                               \
               .high = 10,                                                                                             \
               .scale = PARAM_LINEAR,                                                                                  \
               .tune_low = 0,                                                                                          \
               .tune_high = 5,                                                                                         \
               .summary = "how strongly well-classified elements are played down"},                                    \
    [ALPHA] = {.name = "alpha",                                                                                        \
               .fallback = FOCAL_ALPHA_OFF,                                                                            \
               .low = 0,                                                                                               \
               .high = 1,                                                                                              \
               .scale = PARAM_LOGIT,                                                                                   \
               .tune_low = 0.05,                                                                                       \
               .tune_high = 0.999,                                                                                     \
               .words = loss_focal_alpha_words,                                                                        \
               .summary = "weight of defects, 1-alpha that of goods; auto: goods / all of the training set"},          \
    [MEAN_DIVISOR] = LOSS_DIVISOR_PARAM

#define LOSS_DIVISOR_PARAM                                                                                             \
    {                                                                                                                  \
        .name = "mean_divisor", .fallback = 0, .low = 0, .high = 1, .scale = PARAM_CHOICE,                             \
        .words = loss_divisor_words,                                                                                   \
        .summary = "what the mean divides by: all elements, or the sum of labels (at least 1)"                         \
    }

/* What the words of mean_divisor stand for; ignored elements do not count. */
double loss_count_divisor(int by_positives, const loss_batch *batch);

double loss_focal_divisor(const double *values, const loss_batch *batch);
void loss_focal_resolve(double *values, const loss_counts *counts);

#endif
