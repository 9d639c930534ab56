/* What losses of sums over a region share. Those that are one ratio (dice, iou, tversky) have the same first
   parameters, and their own from REGION_PARAM_COUNT on. */
#ifndef LOSS_REGION_H
#define LOSS_REGION_H

#include "lib/loss/real.h"

enum { SMOOTH_NR, SMOOTH_DR, BATCH, SQUARED, AVERAGE, DEN_MIN, EMPTY_ZERO, LOG_LOSS, LOG_EPS, REGION_PARAM_COUNT };

extern const param_word loss_switch_words[];  /* off 0, on 1 */
extern const param_word loss_average_words[]; /* macro 0, micro 1 */

#define REGION_SMOOTHING_PARAMS                                                                                        \
    [SMOOTH_NR] = {.name = "smooth_nr",                                                                                \
                   .fallback = 1e-5,                                                                                   \
                   .low = 0,                                                                                           \
                   .high = 1e6,                                                                                        \
                   .scale = PARAM_LOG,                                                                                 \
                   .summary = "added to the numerator, in pixels"},                                                    \
    [SMOOTH_DR] = {.name = "smooth_dr",                                                                                \
                   .fallback = 1e-5,                                                                                   \
                   .low = 0,                                                                                           \
                   .high = 1e6,                                                                                        \
                   .scale = PARAM_LOG,                                                                                 \
                   .summary = "added to the denominator, in pixels"},                                                  \
    [BATCH] = {.name = "batch",                                                                                        \
               .fallback = 0,                                                                                          \
               .low = 0,                                                                                               \
               .high = 1,                                                                                              \
               .scale = PARAM_CHOICE,                                                                                  \
               .words = loss_switch_words,                                                                             \
               .summary = "on: one region over all images of the batch"}

#define REGION_PARAMS                                                                                                  \
    REGION_SMOOTHING_PARAMS,                                                                                           \
        [SQUARED] = {.name = "squared",                                                                                \
                     .fallback = 0,                                                                                    \
                     .low = 0,                                                                                         \
                     .high = 1,                                                                                        \
                     .scale = PARAM_CHOICE,                                                                            \
                     .words = loss_switch_words,                                                                       \
                     .summary = "on: P and T are sums of squares"},                                                    \
        [AVERAGE] = {.name = "average",                                                                                \
                     .fallback = 0,                                                                                    \
                     .low = 0,                                                                                         \
                     .high = 1,                                                                                        \
                     .scale = PARAM_CHOICE,                                                                            \
                     .words = loss_average_words,                                                                      \
                     .summary = "micro: one region over all channels"},                                                \
        [DEN_MIN] = {.name = "den_min",                                                                                \
                     .fallback = 0,                                                                                    \
                     .low = 0,                                                                                         \
                     .high = 1,                                                                                        \
                     .scale = PARAM_LOG,                                                                               \
                     .summary = "the denominator is at least this; without gradient below"},                           \
        [EMPTY_ZERO] = {.name = "empty_zero",                                                                          \
                        .fallback = 0,                                                                                 \
                        .low = 0,                                                                                      \
                        .high = 1,                                                                                     \
                        .scale = PARAM_CHOICE,                                                                         \
                        .words = loss_switch_words,                                                                    \
                        .summary = "on: regions without foreground cost nothing, false alarms in them go unpunished"}, \
        [LOG_LOSS] = {.name = "log_loss",                                                                              \
                      .fallback = 0,                                                                                   \
                      .low = 0,                                                                                        \
                      .high = 1,                                                                                       \
                      .scale = PARAM_CHOICE,                                                                           \
                      .words = loss_switch_words,                                                                      \
                      .summary = "on: -log(score) in place of 1 - score"},                                             \
        [LOG_EPS] = {.name = "log_eps",                                                                                \
                     .fallback = 1e-7,                                                                                 \
                     .low = 1e-30,                                                                                     \
                     .high = 1,                                                                                        \
                     .scale = PARAM_LOG,                                                                               \
                     .summary = "of log_loss: the score is at least this; without gradient below"}

/* A quantity with its derivatives by intersection and prediction. */
typedef struct {
    double value, by_intersection, by_prediction;
} region_term;

/* region_options of the losses that are one ratio. */
void loss_ratio_options(const double *params, loss_region_options *options);

/* score = numerator / denominator with its derivatives, den_min applied. 0/0 (nothing there, nothing predicted, no
   smoothing) is a perfect score without gradient. */
region_term loss_ratio_score(const double *params, region_term numerator, region_term denominator);

/* 1 - score or -log(score), empty_zero applied; smoothing is in numerator and denominator. */
loss_cell loss_ratio_cost(const double *params, const loss_sums *sums, region_term numerator, region_term denominator);

/* Dice loss. */
loss_cell loss_dice_cost(const double *params, const loss_sums *sums);

/* cost^exponent; from 1e-16 down to 0 the chord, so that the slope is finite for exponents below 1 too. At 0 and below
   (rounding) it is 0 with slope 0. */
loss_cell loss_cost_power(loss_cell cost, double exponent);

/* A logit as two classes, probabilities 1-p of the background and p of the foreground: what each misses to overlap
   wholly, 1 - (tp + smooth) / (tp + delta fn + (1-delta) fp + smooth). */
typedef struct {
    loss_cell background, foreground;
} region_pair;
region_pair loss_pair_costs(const loss_sums *sums, double delta, double smooth);

#endif
