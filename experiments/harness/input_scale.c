#include "experiments/harness/input_scale.h"

#include <math.h>
#include <string.h>

size_t input_size(const dataset *d) { return d->height * d->width * d->channels; }

input_scale input_scale_of(const dataset *d) {
    const dataset_items *train = &d->sets[SET_TRAIN];
    if (!train->pixels) return (input_scale){0, 1};
    const size_t n = train->count * input_size(d);
    uint64_t sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += train->pixels[i];
        squares += (uint64_t)train->pixels[i] * train->pixels[i];
    }
    const double mean = (double)sum / (double)n, variance = (double)squares / (double)n - mean * mean;
    return (input_scale){(float)mean, (float)(1 / sqrt(variance > 1e-6 ? variance : 1e-6))};
}

void input_load(const input_scale *s, const dataset *d, const dataset_items *set, size_t item, float *input) {
    const size_t size = input_size(d);
    if (set->values) {
        memcpy(input, set->values + item * size, size * sizeof *input);
        return;
    }
    const unsigned char *pixel = set->pixels + item * size;
    for (size_t i = 0; i < size; i++) input[i] = ((float)pixel[i] - s->mean) * s->scale;
}
