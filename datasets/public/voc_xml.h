/* Annotations of Pascal VOC, one XML file per image:

       <annotation>
         <size> <width>200</width> <height>200</height> ... </size>
         <object> <name>scratches</name> ...
           <bndbox> <xmin>2</xmin> <ymin>2</ymin> <xmax>193</xmax> <ymax>194</ymax> </bndbox> </object>
         ...                                       one per box, in any number
       </annotation>

   Other elements are skipped, also the boxes of an object's <part>s. Pascal VOC itself counts pixels from 1 and
   includes both ends; the tools that made later sets write edges between pixels, from 0 to width, and put 1 for 0.
   Numbers are taken as such edges here: xmin and ymin inclusive, xmax and ymax exclusive, which is at most one pixel
   too small for a file that is counted from 1. */
#ifndef DATASETS_PUBLIC_VOC_XML_H
#define DATASETS_PUBLIC_VOC_XML_H

#include "lib/base/error.h"

#include <stddef.h>

enum { VOC_NAME = 64, VOC_MOST_OBJECTS = 1000, VOC_MOST_BYTES = 1 << 20 };

typedef struct {
    char name[VOC_NAME];
    int xmin, ymin, xmax, ymax; /* pixels; 0 <= xmin < xmax <= width, and so for y */
} voc_object;

typedef struct {
    size_t width, height; /* of the image, in pixels */
    voc_object *objects;  /* in the order of the file, owned */
    size_t count;
    size_t bad; /* boxes with an edge outside the image, inverted or without area: left out of `objects` */
} voc_annotation;

/* Reads a file, or `size` bytes called `name` in sentences; free *out with voc_free, which is safe after a failure.
   LB_FORMAT, with file and line, for broken XML, an element that is missing or given twice, a number that is none, and
   more than VOC_MOST_OBJECTS objects or VOC_MOST_BYTES bytes. A document type is refused where it begins, and with it
   every entity that a file could declare: nothing is expanded or fetched. */
int voc_read(const char *path, voc_annotation *out, lb_error *error);
int voc_parse(const char *bytes, size_t size, const char *name, voc_annotation *out, lb_error *error);
void voc_free(voc_annotation *a);

#endif
