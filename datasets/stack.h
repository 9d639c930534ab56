/* Image stacks on disk, a form that inspection tools and ImageJ read and that anyone can write. A folder with

       images.tif  one page per image, all of one size, 8 bit, grey or RGB
       labels.csv  index,type,part,set    one row per page, in any order
       masks.tif   optional: one grey page per image, defect where > 127
       boxes.csv   optional: index,type,x1,y1,x2,y2    pixels, x2 and y2 exclusive, any number per image

   index counts pages from 0. type is `good` or the name of a defect. part names the physical part that the image shows
   (images of one part stay in one set); empty: a part of its own. set is train, select, calibrate or test, in all rows,
   or empty in all: then every seed splits by part as split_usual says.

   Limits: sides of 4096 pixels, 1,000,000 pages, 255 types, 2 GiB of pixels. Identical images are kept once, or left
   out when their types differ. */
#ifndef DATASETS_STACK_H
#define DATASETS_STACK_H

#include "datasets/dataset.h"

/* Writes all sets of `d` with their parts, sets, and masks and boxes where it has them. The directory is made if it is
   missing (not its parents). labels.csv comes last: a folder where writing was interrupted is not taken for a stack. */
int stack_write(const dataset *d, const char *directory, lb_error *error);

/* request.search is the folder. */
extern const dataset_type dataset_stack;

#endif
