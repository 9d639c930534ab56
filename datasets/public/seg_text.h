/* Berkeley segmentation text (.seg), the runs of pixels of each segment:

       width 480
       height 320
       segments 2
       format ascii cr
       data
       0 0 0 479          segment, row, first column, last column; from 0, both columns included

   Lines of the header come in any order, those with other words are skipped. A run may repeat. */
#ifndef DATASETS_PUBLIC_SEG_TEXT_H
#define DATASETS_PUBLIC_SEG_TEXT_H

#include "datasets/public/picture.h"

/* *mask receives 255 where a segment above 0 lies, 0 where only segment 0 (the background) does; free it with
   picture_free. `name` is for sentences, which give the line. LB_FORMAT for anything else, also where a pixel belongs
   to no segment: a text cut short must not pass for one with fewer defects. */
int seg_text_read(const char *bytes, size_t size, const char *name, picture *mask, lb_error *error);

#endif
