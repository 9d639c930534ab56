/* What the generator (synthetic.c) and its ceiling (ceiling.c) share. */
#ifndef DATASETS_SYNTHETIC_SYNTHETIC_H
#define DATASETS_SYNTHETIC_SYNTHETIC_H

#include "datasets/dataset.h"
#include "datasets/synthetic/defect.h"

/* Parameters, in table order. */
enum {
    PARAM_TEXTURE,
    PARAM_DEFECT,
    PARAM_SIZE,
    PARAM_CONTRAST,
    PARAM_LENGTH,
    PARAM_TEXTURE_SD,
    PARAM_SENSOR_SD,
    PARAM_SHADING_SD,
    PARAM_LABEL_NOISE,
    PARAM_MISSED,
    PARAM_SCALE,
    PARAM_COUNT
};

enum { DEFECT_MIXED = DEFECT_COUNT }; /* the value of defect=mixed */

typedef struct {
    texture surface;
    unsigned seed;
    size_t defect_choice;   /* a defect_kind or DEFECT_MIXED */
    float length, contrast; /* contrast 0: the calibrated one */
} synthetic_source;

/* Checks the parameters as a whole. */
int synthetic_source_init(synthetic_source *s, const double *params, unsigned seed, lb_error *error);

/* Image `index` among the goods or defects of a set. Each has streams of its own, so that it depends on nothing else:
   neither on the ratio nor on how many there are. image is [size][size] grey levels before rounding. */
typedef struct {
    dataset_set set;
    int is_defect;
    size_t index;
} synthetic_item;

/* signal and mask are [size][size], see defect_draw. */
defect_kind synthetic_draw_defect(const synthetic_source *s, synthetic_item item, float *signal, unsigned char *mask);

void synthetic_count(const double *params, unsigned ratio, size_t goods[SET_COUNT], size_t defects[SET_COUNT]);

/* Recall at false rejection rate fr of an oracle, see ceiling.c. */
int synthetic_ceiling(const double *params, const dataset_request *request, double fr, double *recall, lb_error *error);

extern const dataset_type dataset_synthetic;

#endif
