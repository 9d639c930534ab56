/* Any bytes as a Pascal VOC annotation: refused with a sentence; or an image with boxes inside it that, written again
   as such an annotation, reads back the same. */
#include "datasets/public/voc_xml.h"

#include "datasets/public/picture.h"
#include "tests/fuzz/fuzz.h"

static void expect_inside(const voc_annotation *a) {
    fuzz_require(a->width >= 1 && a->width <= PICTURE_MAX_SIDE && a->height >= 1 && a->height <= PICTURE_MAX_SIDE,
                 "%zu x %zu", a->width, a->height);
    fuzz_require(a->count + a->bad <= VOC_MOST_OBJECTS, "%zu and %zu", a->count, a->bad);
    for (size_t i = 0; i < a->count; i++) {
        const voc_object *o = &a->objects[i];
        fuzz_require(0 <= o->xmin && o->xmin < o->xmax && o->xmax <= (int)a->width, "box %zu", i);
        fuzz_require(0 <= o->ymin && o->ymin < o->ymax && o->ymax <= (int)a->height, "box %zu", i);
        fuzz_require(o->name[0] && memchr(o->name, '\0', VOC_NAME), "name %zu", i);
    }
}

static size_t write_name(char *out, const char *name) {
    char *at = out;
    for (; *name; name++)
        if (strchr("<>&", *name))
            at += sprintf(at, "&#%d;", *name);
        else
            *at++ = *name;
    return (size_t)(at - out);
}

static void expect_same_again(const voc_annotation *a) {
    const size_t room = 200 + a->count * (VOC_NAME * 5 + 200);
    char *text = fuzz_room(room);
    size_t size =
        (size_t)sprintf(text, "<annotation><size><width>%zu</width><height>%zu</height></size>", a->width, a->height);
    for (size_t i = 0; i < a->count; i++) {
        const voc_object *o = &a->objects[i];
        size += (size_t)sprintf(text + size, "<object><name>");
        size += write_name(text + size, o->name);
        size += (size_t)sprintf(text + size,
                                "</name><bndbox><xmin>%d</xmin><ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox>"
                                "</object>",
                                o->xmin, o->ymin, o->xmax, o->ymax);
    }
    size += (size_t)sprintf(text + size, "</annotation>");
    voc_annotation again;
    lb_error error = {0};
    fuzz_require(voc_parse(text, size, "again", &again, &error) == LB_OK, "%s", error.message);
    fuzz_require(again.width == a->width && again.height == a->height && again.count == a->count && again.bad == 0,
                 "%zu boxes", again.count);
    for (size_t i = 0; i < a->count; i++)
        fuzz_require(strcmp(again.objects[i].name, a->objects[i].name) == 0 &&
                         memcmp(&again.objects[i].xmin, &a->objects[i].xmin, 4 * sizeof(int)) == 0,
                     "box %zu", i);
    voc_free(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    voc_annotation a;
    lb_error error = {0};
    const int code = voc_parse((const char *)data, size, "input", &a, &error);
    if (code) {
        fuzz_require_sentence(code, &error, "voc_parse");
        fuzz_require(code == LB_FORMAT && !a.objects && !a.count, "code %d", code);
        return 0;
    }
    expect_inside(&a);
    expect_same_again(&a);
    voc_free(&a);
    return 0;
}
