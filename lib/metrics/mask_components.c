/* Connected components by union and find (Rosenfeld & Pfaltz, J. ACM 13(4), 1966, two passes), the forest kept in the
   labels themselves. First pass: label = 1 + index of the pixel's parent, and parents come no later than their
   children in row-major order, so that the root is a component's first pixel. Second pass: a root takes the next
   number, any other pixel the number that its parent has already. */
#include "lib/metrics/mask_metrics.h"

static uint32_t find_root(uint32_t *label, uint32_t pixel) {
    while (label[pixel] != pixel + 1) {
        label[pixel] = label[label[pixel] - 1]; /* halves the path for later */
        pixel = label[pixel] - 1;
    }
    return pixel;
}

static void join(uint32_t *label, uint32_t a, uint32_t b) {
    a = find_root(label, a);
    b = find_root(label, b);
    if (a < b)
        label[b] = a + 1;
    else
        label[a] = b + 1;
}

/* Joins the pixel to its neighbours that were seen before it: to the one above alone, as it touches the other three
   itself, else to the left ones and the one above right, which may be apart. */
static void join_seen(uint32_t *label, size_t y, size_t x, size_t width) {
    const uint32_t pixel = (uint32_t)(y * width + x), above = pixel - (uint32_t)width;
    const int has_left = x > 0, has_right = x + 1 < width;
    if (y > 0 && label[above]) {
        join(label, pixel, above);
        return;
    }
    if (has_left && label[pixel - 1])
        join(label, pixel, pixel - 1);
    else if (y > 0 && has_left && label[above - 1])
        join(label, pixel, above - 1);
    if (y > 0 && has_right && label[above + 1]) join(label, pixel, above + 1);
}

size_t metric_components(const unsigned char *inside, size_t height, size_t width, uint32_t *label) {
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            const size_t pixel = y * width + x;
            label[pixel] = inside[pixel] ? (uint32_t)pixel + 1 : 0;
            if (label[pixel]) join_seen(label, y, x, width);
        }
    uint32_t count = 0;
    for (size_t pixel = 0; pixel < height * width; pixel++) {
        if (label[pixel] == 0) continue;
        label[pixel] = label[pixel] == pixel + 1 ? ++count : label[label[pixel] - 1];
    }
    return count;
}
