#include "experiments/harness/sheet_images.h"

#include "datasets/contact_sheet.h"

int sheet_has(const uint32_t *items, size_t count, uint32_t item) {
    for (size_t i = 0; i < count; i++)
        if (items[i] == item) return 1;
    return 0;
}

size_t sheet_worst_goods(const trial_array *scores, size_t most, uint32_t *items) {
    size_t count = 0;
    while (count < most && count < scores->goods) {
        uint32_t best = scores->goods;
        for (uint32_t i = 0; i < scores->goods; i++)
            if (!sheet_has(items, count, i) && (best == scores->goods || scores->data[i] > scores->data[best]))
                best = i;
        items[count++] = best;
    }
    return count;
}

size_t sheet_spread(size_t k, size_t shown, size_t count) {
    return shown > 1 ? (2 * k * (count - 1) + shown - 1) / (2 * (shown - 1)) : 0;
}

void sheet_picture(const dataset *d, size_t item, unsigned char *rgb) {
    const size_t area = d->height * d->width, channels = d->channels;
    for (size_t i = 0; i < area; i++)
        for (size_t k = 0; k < 3; k++)
            rgb[3 * i + k] = dataset_shade(&d->sets[SET_TEST], (item * area + i) * channels + (channels >= 3 ? k : 0));
}
