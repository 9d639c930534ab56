/* The score of an image from the logits of its pixels: the mean of the k largest, found with a heap of k. */
#include "lib/metrics/mask_metrics.h"

#include "lib/metrics/mask_check.h"

/* heap[k] has its smallest element first: heap[i] <= heap[2i+1], heap[2i+2]. Restores that where only heap[i] may be
   too large. */
static void sift_down(float *heap, size_t k, size_t i) {
    const float own = heap[i];
    for (size_t child; (child = 2 * i + 1) < k; i = child) {
        if (child + 1 < k && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= own) break;
        heap[i] = heap[child];
    }
    heap[i] = own;
}

/* Moves the smallest of the heap behind the others until they stand in descending order. */
static void unwind(float *heap, size_t k) {
    while (k-- > 1) {
        const float smallest = heap[0];
        heap[0] = heap[k];
        heap[k] = smallest;
        sift_down(heap, k, 0);
    }
}

float metric_top_mean(const float *logit, size_t n, size_t k, float *room) {
    if (first_not_finite(logit, n) < n) return NAN;
    for (size_t i = 0; i < k; i++) room[i] = logit[i];
    for (size_t i = k / 2; i-- > 0;) sift_down(room, k, i);
    for (size_t i = k; i < n; i++) {
        if (logit[i] <= room[0]) continue;
        room[0] = logit[i];
        sift_down(room, k, 0);
    }
    unwind(room, k);
    double sum = 0.0;
    for (size_t i = 0; i < k; i++) sum += (double)room[i];
    return (float)(sum / (double)k);
}
