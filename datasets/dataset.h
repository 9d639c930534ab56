/* The one contract of all data sets: generators, importers of public data, and a user's own image stacks. */
#ifndef DATASETS_DATASET_H
#define DATASETS_DATASET_H

#include "lib/base/error.h"
#include "lib/base/spec.h"

#include <stddef.h>
#include <stdint.h>

/* Four sets by physical part: train; select (hyper-parameters); calibrate (threshold only, its defects are not used);
 * test (once). */
typedef enum { SET_TRAIN, SET_SELECT, SET_CALIBRATE, SET_TEST, SET_COUNT } dataset_set;
extern const char *const dataset_set_names[SET_COUNT];

typedef struct {
    uint32_t item;        /* index within its set */
    uint32_t type;        /* index into dataset.type_names */
    float x1, y1, x2, y2; /* pixels, x2 and y2 exclusive */
} dataset_box;

/* One set: goods first, then defects. */
typedef struct {
    size_t count, goods;   /* items; the first `goods` are good */
    unsigned char *pixels; /* [count][height][width][channels], or NULL */
    float *values; /* instead of pixels, float data: [count][height][width][channels], standardised; tabular: 1 x 1 x
                      columns */
    unsigned char
        *masks;      /* [count][height][width], 0 or 255; NULL unless DATASET_MASKS was asked for and there are any */
    uint16_t *types; /* [count], 0 = good, else index into type_names */
    uint32_t *parts; /* [count], physical part; never shared by two sets */
    dataset_box *boxes; /* [box_count], by item; NULL unless DATASET_BOXES was asked for */
    size_t box_count;
} dataset_items;

enum { DATASET_MASKS = 1, DATASET_BOXES = 2 };

typedef struct {
    size_t height, width, channels;
    const char *const *type_names; /* NULL-terminated, [0] is "good" */
    dataset_items sets[SET_COUNT];
    int clean; /* 1: there are goods; 0: no clean class, all items are defects, and calibrate may be empty */
    /* What the importer left out, for the data table. */
    size_t train_dropped, duplicates, conflicts;
    size_t vanished, empty, between; /* with masks: defects whose mask has no pixel at this size, or none in the source;
                                        tiles with too few defect pixels to be a defect, and not none */
    size_t absent;    /* images that a list or label file names and that are not there, or that lack their labels */
    size_t cut;       /* tiles that cut a box */
    size_t bad_boxes; /* boxes that reach outside their image, are inverted or have no area */
    size_t unmarked;  /* without a clean class, images in which no usable box is left: they are not known to be good */
    int independent;  /* every seed draws fresh data (plain t intervals), else it re-splits a fixed set (Nadeau-Bengio)
                       */
} dataset;

typedef struct {
    unsigned ratio; /* goods per defect in train (1:ratio); 0: as the data are */
    unsigned seed;
    unsigned want;      /* DATASET_MASKS | DATASET_BOXES */
    const char *search; /* directories with public data, separated by ':'; for `stack` the directory itself */
} dataset_request;

/* A data set: one file, one line in registry.c. */
typedef struct dataset_type {
    const char *name;
    int version;
    const char *summary, *tasks, *source, *licence, *citation;
    const param *params;
    size_t param_count;
    int no_clean;                          /* 1: the data set has no clean images, at any parameter (dataset.clean) */
    int (*is_clean)(const double *params); /* where the parameters decide, what dataset.clean is; else NULL */

    /* Text that pins the content ("content=<hash>" for files, "" for a generator, whose version does it). LB_NOT_FOUND:
     * not fetched. */
    int (*identify)(const double *params, const dataset_request *request, char *out, size_t size, lb_error *error);

    int (*open)(const double *params, const dataset_request *request, dataset *out, lb_error *error);

    /* Recall at false rejection rate `fr` that no detector can exceed, and how it is known; NULL where unknown. */
    int (*ceiling)(const double *params, const dataset_request *request, double fr, double *recall, lb_error *error);
    const char *ceiling_note;

    void (*forget)(void); /* frees what the importer keeps between calls; NULL: nothing */
} dataset_type;

extern const dataset_type *const dataset_types[]; /* NULL-terminated */
const dataset_type *dataset_type_find(const char *name);

/* Canonical text of "name(args)" with version, content and ratio: the data's part of a trial key. */
int dataset_text(const char *expression, const dataset_request *request, char *out, size_t size, lb_error *error);
/* Opens "name(args)"; on success free with dataset_free. Checks what every data set must hold: no part and no identical
   image in two sets, goods before defects, at least one good and one defect in train, select and test; without a
   clean class, no good at all and at least one defect in train, select and test. */
int dataset_open(const char *expression, const dataset_request *request, dataset *out, lb_error *error);
int dataset_ceiling(const char *expression, const dataset_request *request, double fr, double *recall, lb_error *error);
void dataset_free(dataset *d);

/* Importers read their files once per process and keep them (not thread-safe: one thread opens data sets; forked
   workers inherit what is kept). This frees it. */
void dataset_forget(void);

#endif
