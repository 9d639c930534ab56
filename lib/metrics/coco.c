/* Lin et al., "Microsoft COCO: Common objects in context", ECCV 2014; `accumulate` of pycocotools. Where recall meets
   one of the 101 recalls exactly, pycocotools compares two rounded numbers; here whole numbers decide. */
#include "lib/metrics/coco.h"

#include <math.h>

/* Walks up the list from its end: `best` is the largest precision behind item i, and so the precision of the recalls
   that i does not reach. */
double metric_coco_precision(const unsigned char *hit, size_t n, size_t truths) {
    if (truths == 0) return (double)NAN;
    size_t found = 0, reached = 101; /* recalls below reached / 100 are still to be summed */
    double best = 0.0, sum = 0.0;
    for (size_t i = 0; i < n; i++) found += hit[i];
    for (size_t i = n; i-- > 0; found -= hit[i]) {
        const double precision = (double)found / (double)(i + 1);
        for (; 100 * found < (reached - 1) * truths; reached--) sum += best;
        if (precision > best) best = precision;
    }
    return (sum + (double)reached * best) / 101.0;
}
