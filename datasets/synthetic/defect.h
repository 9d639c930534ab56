/* The four defects, as the change they make to the image. All of them are additive, so that d' is known. */
#ifndef DATASETS_SYNTHETIC_DEFECT_H
#define DATASETS_SYNTHETIC_DEFECT_H

#include "datasets/synthetic/texture.h"

typedef enum { DEFECT_SCRATCH, DEFECT_DENT, DEFECT_CONTAMINATION, DEFECT_MISSING, DEFECT_COUNT } defect_kind;

/* Draws one defect from `stream`:
   scratch        bright, slightly bent line of `length`, 1.6 px wide, at any angle
   dent           dimple lit from the upper left, dark on one side and bright on the other, `length` across
   contamination  dark soft-edged blob grown from four drops, about `length` across
   missing        printed: one dot not printed; woven: one yarn absent over t->feature pixels
   signal is [size][size] in grey levels, `amplitude` at its peak; mask is [size][size], 0 or 255, never empty. */
void defect_draw(defect_kind kind, const texture *t, texture_phase phase, float length, float amplitude, rng *stream,
                 float *signal, unsigned char *mask);

#endif
