/* The two kinds of text in DeepPCB. A list names the pairs of a set, one a line:

       group20085/20085/20085291.jpg group20085/20085_not/20085291.txt

   (the pair's images are 20085291_test.jpg and 20085291_temp.jpg), and a label file the boxes of a tested board:

       466 441 493 470 3         x1 y1 x2 y2 type, in pixels; between blanks or commas

   Lines end in LF or CRLF; empty ones are skipped. `name` is for sentences, which give the line: LB_FORMAT. */
#ifndef DATASETS_PUBLIC_PCB_TEXT_H
#define DATASETS_PUBLIC_PCB_TEXT_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { PCB_SIDE = 640, PCB_TYPES = 6, PCB_PATH = 100 };

/* Paths of letters, digits, '_' and '-' between single '/', from the folder of the list: none leads out of it. */
typedef struct {
    uint32_t number;       /* below 10^9, the last part of both paths */
    char image[PCB_PATH];  /* without ".jpg" */
    char labels[PCB_PATH]; /* without ".txt" */
} pcb_pair;

/* *pairs[*count] is the caller's to free; after a failure there are none. */
int pcb_list_read(const char *bytes, size_t size, const char *name, pcb_pair **pairs, size_t *count, lb_error *error);

typedef struct {
    int32_t x1, y1, x2, y2; /* as written; x2 and y2 exclusive */
    uint16_t type;          /* 1 to PCB_TYPES */
    uint16_t bad;           /* 1: inverted, without area, or not within PCB_SIDE x PCB_SIDE */
} pcb_box;

/* Boxes that are bad are told, not refused; an empty text has none. *boxes[*count] is the caller's to free; after a
   failure there are none. */
int pcb_labels_read(const char *bytes, size_t size, const char *name, pcb_box **boxes, size_t *count, lb_error *error);

#endif
