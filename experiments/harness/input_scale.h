/* What a pixel is to a net: (pixel - mean) * scale, from the training pixels alone. Training and whoever asks a stored
   net again must agree on it to the bit. */
#ifndef HARNESS_INPUT_SCALE_H
#define HARNESS_INPUT_SCALE_H

#include "datasets/dataset.h"

typedef struct {
    float mean, scale;
} input_scale;

/* Numbers of one input: height x width x channels. */
size_t input_size(const dataset *d);

/* Mean and 1/sd of the training pixels; integer sums, so exact. Float values come standardised by their importer: 0
   and 1. */
input_scale input_scale_of(const dataset *d);

/* One item of a set as a net takes it; input is [height][width][channels]. */
void input_load(const input_scale *s, const dataset *d, const dataset_items *set, size_t item, float *input);

#endif
