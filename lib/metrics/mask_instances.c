/* True and predicted instances, and the average precision of the predicted ones by the rule of COCO (coco.h;
   evaluateImg of pycocotools), without its limit of predictions per image, its crowds and its ranges of area.

   Images are labelled twice: to count what has to be allocated, and to fill it. */
#include "lib/metrics/mask_metrics.h"

#include "lib/base/repro_math.h"
#include "lib/metrics/coco.h"
#include "lib/metrics/mask_check.h"

#include <stdlib.h>

/* --- labels of one image ----------------------------------------------------------------------------------------- */

typedef struct {
    size_t pixels;               /* of one image */
    uint32_t *truth, *predicted; /* [height][width]; predicted may be NULL */
    unsigned char *inside;       /* [height][width] */
} label_room;

static void label_room_free(label_room *room) {
    free(room->truth);
    free(room->inside);
}

/* Room for the labels of `maps` maps of one image, truth first. Free also after a failure. */
static int label_room_new(label_room *room, const metric_masks *m, size_t maps, lb_error *error) {
    const size_t pixels = m->height * m->width;
    *room = (label_room){.pixels = pixels};
    room->truth = malloc(maps * pixels * sizeof *room->truth + 1);
    room->inside = malloc(pixels + 1);
    if (!room->truth || !room->inside) return lb_fail_memory(error, "the labels of an image");
    if (maps > 1) room->predicted = room->truth + pixels;
    return LB_OK;
}

static size_t label_truth(const metric_masks *m, size_t image, label_room *room) {
    const unsigned char *mask = m->mask + image * room->pixels;
    for (size_t i = 0; i < room->pixels; i++) room->inside[i] = mask[i] > METRIC_MASK_ABOVE;
    return metric_components(room->inside, m->height, m->width, room->truth);
}

static size_t label_predicted(const metric_masks *m, size_t image, float threshold, label_room *room) {
    const float *logit = m->logit + image * room->pixels;
    for (size_t i = 0; i < room->pixels; i++) room->inside[i] = logit[i] > threshold;
    return metric_components(room->inside, m->height, m->width, room->predicted);
}

/* --- true instances ---------------------------------------------------------------------------------------------- */

static void measure_truth(const metric_masks *m, size_t image, const label_room *room, metric_instance *own) {
    const float *logit = m->logit + image * room->pixels;
    for (size_t i = 0; i < room->pixels; i++) {
        if (!room->truth[i]) continue;
        metric_instance *const instance = own + room->truth[i] - 1;
        if (instance->area++ == 0 || logit[i] > instance->score) instance->score = logit[i];
    }
}

static int collect_truths(const metric_masks *m, label_room *room, metric_instance **out, size_t *count,
                          lb_error *error) {
    size_t total = 0, first = 0;
    for (size_t image = 0; image < m->images; image++) total += label_truth(m, image, room);
    metric_instance *const list = malloc(total * sizeof *list + 1);
    if (!list) return lb_fail_memory(error, "true instances");
    for (size_t image = 0; image < m->images; image++) {
        const size_t own = label_truth(m, image, room);
        for (size_t i = 0; i < own; i++) list[first + i] = (metric_instance){.image = (uint32_t)image};
        measure_truth(m, image, room, list + first);
        first += own;
    }
    *out = list;
    *count = total;
    return LB_OK;
}

int metric_instances(const metric_masks *m, metric_instance **out, size_t *count, lb_error *error) {
    label_room room;
    *out = NULL;
    *count = 0;
    if (check_logits(m->logit, m->images * m->height * m->width, error)) return LB_INVALID;
    int code = label_room_new(&room, m, 1, error);
    if (!code) code = collect_truths(m, &room, out, count, error);
    label_room_free(&room);
    return code;
}

/* --- predicted instances and what they share with true ones ------------------------------------------------------ */

typedef struct {
    double score;               /* mean probability; its sum while the pixels are being counted */
    size_t place;               /* among all, by image, then label */
    size_t area;                /* pixels */
    size_t first_truth, truths; /* the true instances of its image */
    double *iou;                /* [truths]; pixels shared while they are being counted */
} prediction;

typedef struct {
    size_t predictions, truths, pairs; /* pairs: of a prediction and a true instance of its image */
    prediction *prediction;            /* [predictions] */
    size_t *truth_area;                /* [truths] by image, then label */
    double *iou;                       /* [pairs] */
    unsigned char *taken, *hit;        /* [truths], [predictions] at the level being looked at */
} matching;

static void matching_free(matching *all) {
    free(all->prediction);
    free(all->truth_area);
    free(all->iou);
    free(all->taken);
}

/* Counts, and allocates what is as long. Free also after a failure. */
static int matching_new(matching *all, const metric_masks *m, float threshold, label_room *room, lb_error *error) {
    *all = (matching){0};
    for (size_t image = 0; image < m->images; image++) {
        const size_t predictions = label_predicted(m, image, threshold, room), truths = label_truth(m, image, room);
        all->predictions += predictions;
        all->truths += truths;
        all->pairs += predictions * truths;
    }
    all->prediction = malloc(all->predictions * sizeof *all->prediction + 1);
    all->truth_area = malloc(all->truths * sizeof *all->truth_area + 1);
    all->iou = malloc(all->pairs * sizeof *all->iou + 1);
    all->taken = malloc(all->truths + all->predictions + 1);
    if (!all->prediction || !all->truth_area || !all->iou || !all->taken)
        return lb_fail_memory(error, "predicted instances");
    all->hit = all->taken + all->truths;
    for (size_t i = 0; i < all->truths; i++) all->truth_area[i] = 0;
    for (size_t i = 0; i < all->pairs; i++) all->iou[i] = 0.0;
    return LB_OK;
}

static double probability(float logit) { return 1.0 / (1.0 + repro_exp(-(double)logit)); }

static void count_pixels(const float *logit, const label_room *room, prediction *predicted, size_t *truth_area) {
    for (size_t i = 0; i < room->pixels; i++) {
        const uint32_t truth = room->truth[i], label = room->predicted[i];
        if (truth) truth_area[truth - 1]++;
        if (!label) continue;
        predicted[label - 1].area++;
        predicted[label - 1].score += probability(logit[i]);
        if (truth) predicted[label - 1].iou[truth - 1] += 1.0;
    }
}

/* Makes means and IoU of the sums. */
static void finish(prediction *p, const size_t *truth_area) {
    p->score /= (double)p->area;
    for (size_t t = 0; t < p->truths; t++) p->iou[t] /= (double)(p->area + truth_area[t]) - p->iou[t];
}

static void measure_predictions(matching *all, const metric_masks *m, float threshold, label_room *room) {
    prediction *own = all->prediction;
    size_t first_truth = 0;
    double *iou = all->iou;
    for (size_t image = 0; image < m->images; image++) {
        const size_t predictions = label_predicted(m, image, threshold, room), truths = label_truth(m, image, room);
        for (size_t i = 0; i < predictions; i++, iou += truths)
            own[i] = (prediction){
                .place = (size_t)(own - all->prediction) + i, .first_truth = first_truth, .truths = truths, .iou = iou};
        count_pixels(m->logit + image * room->pixels, room, own, all->truth_area + first_truth);
        for (size_t i = 0; i < predictions; i++) finish(own + i, all->truth_area + first_truth);
        own += predictions;
        first_truth += truths;
    }
}

/* --- average precision ------------------------------------------------------------------------------------------- */

static int compare_predictions(const void *a, const void *b) {
    const prediction *p = a, *q = b;
    if (p->score != q->score) return p->score < q->score ? 1 : -1;
    return p->place < q->place ? -1 : p->place > q->place;
}

/* Takes for one prediction the free true instance with the largest IoU, of equals the last, as pycocotools; whether
   there is one. */
static int take_truth(const prediction *p, double level, unsigned char *taken) {
    double least = level;
    size_t best = p->truths;
    for (size_t t = 0; t < p->truths; t++) {
        if (taken[p->first_truth + t] || p->iou[t] < least) continue;
        least = p->iou[t];
        best = t;
    }
    if (best == p->truths) return 0;
    taken[p->first_truth + best] = 1;
    return 1;
}

static double precision_at(matching *all, double level) {
    for (size_t t = 0; t < all->truths; t++) all->taken[t] = 0;
    for (size_t i = 0; i < all->predictions; i++)
        all->hit[i] = (unsigned char)take_truth(all->prediction + i, level, all->taken);
    return metric_coco_precision(all->hit, all->predictions, all->truths);
}

static int instance_ap(const metric_masks *m, float threshold, const double *level, size_t levels, label_room *room,
                       double *ap, lb_error *error) {
    matching all;
    const int code = matching_new(&all, m, threshold, room, error);
    if (!code) {
        measure_predictions(&all, m, threshold, room);
        qsort(all.prediction, all.predictions, sizeof *all.prediction, compare_predictions);
        for (size_t i = 0; i < levels; i++) ap[i] = precision_at(&all, level[i]);
    }
    matching_free(&all);
    return code;
}

int metric_instance_ap(const metric_masks *m, float threshold, const double *level, size_t levels, double *ap,
                       lb_error *error) {
    label_room room;
    if (check_logits(m->logit, m->images * m->height * m->width, error)) return LB_INVALID;
    int code = label_room_new(&room, m, 2, error);
    if (!code) code = instance_ap(m, threshold, level, levels, &room, ap, error);
    label_room_free(&room);
    return code;
}
