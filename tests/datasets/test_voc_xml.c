/* Pascal VOC annotations: what is read, what is counted, and one sentence with the line for everything else. */
#include "datasets/public/voc_xml.h"

#include "lib/base/rng.h"
#include "tests/datasets/fake_pictures.h"
#include "tests/datasets/scratch.h"
#include "tests/failing_malloc.h"

#include <string.h>

#define SIZE "<size><width>200</width><height>100</height><depth>1</depth></size>\n"
#define BOX(x1, y1, x2, y2)                                                                                            \
    "<bndbox><xmin>" #x1 "</xmin><ymin>" #y1 "</ymin><xmax>" #x2 "</xmax><ymax>" #y2 "</ymax></bndbox>"
#define OBJECT(name, x1, y1, x2, y2) "<object><name>" name "</name>" BOX(x1, y1, x2, y2) "</object>\n"
#define WHOLE(inside) "<annotation>\n" inside "</annotation>\n"

/* From memory of just this size, so that a sanitizer sees a step outside. */
static int parse(const char *text, size_t size, voc_annotation *a, lb_error *error) {
    char *bytes = malloc(size ? size : 1);
    cr_assert(bytes != NULL);
    memcpy(bytes, text, size);
    *error = (lb_error){0};
    const int code = voc_parse(bytes, size, "a.xml", a, error);
    free(bytes);
    return code;
}

/* Each holds a box of `scratches`, [2, 193) x [0, 94), in an image of 200 x 100. */
static const char *const good_texts[] = {
    WHOLE(SIZE OBJECT("scratches", 2, 0, 193, 94)),
    WHOLE(OBJECT("scratches", 2, 0, 193, 94) SIZE), /* any order */
    "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!-- a comment -->\n"
    "<annotation verified='no'><folder>cr &amp; co</folder>" SIZE
    "<object>\n\t<bndbox>\n<ymax> 94 </ymax><xmax>\n193</xmax><ymin>-0</ymin><xmin>002</xmin></bndbox>"
    "<pose>Unspecified</pose><name>\n\tscra&#116;ches<![CDATA[]]> </name></object></annotation>",
    /* a box of a part, elements of our names elsewhere, and words longer than any of ours */
    WHOLE(SIZE "<object><part><name>head</name>" BOX(1, 2, 3, 4) "</part><name>scratches</name>" BOX(
        2, 0, 193, 94) "<distance><xmin>9</xmin></distance></object><name>x</name><width>7</width><xmin/>"
                       "<some_word_that_is_longer_than_any_of_the_words_that_are_read><name>y</name>"
                       "</some_word_that_is_longer_than_any_of_the_words_that_are_read>"
                       "<annotation><size><width>3</width></size></annotation>"),
};

Test(voc_xml, reads_size_and_boxes) {
    for (size_t i = 0; i < sizeof good_texts / sizeof *good_texts; i++) {
        voc_annotation a;
        lb_error error;
        cr_assert(eq(int, parse(good_texts[i], strlen(good_texts[i]), &a, &error), LB_OK), "%zu: %s", i, error.message);
        cr_expect(eq(sz, a.width, 200));
        cr_expect(eq(sz, a.height, 100));
        cr_assert(eq(sz, a.count, 1));
        cr_expect(eq(sz, a.bad, 0));
        const voc_object *o = &a.objects[0];
        cr_expect(eq(str, (char *)o->name, "scratches"));
        cr_expect(o->xmin == 2 && o->ymin == 0 && o->xmax == 193 && o->ymax == 94, "text %zu: %d %d %d %d", i, o->xmin,
                  o->ymin, o->xmax, o->ymax);
        voc_free(&a);
    }
}

Test(voc_xml, keeps_the_order_of_boxes_and_drops_bad_ones) {
    static const char text[] =
        WHOLE(OBJECT("whole", 0, 0, 200, 100) OBJECT("left", -1, 0, 9, 9) OBJECT("over", 0, -1, 9, 9)
                  OBJECT("right", 0, 0, 201, 9) OBJECT("under", 0, 0, 9, 101) OBJECT("inverted", 9, 1, 8, 3)
                      OBJECT("upside down", 1, 9, 3, 8) OBJECT("flat", 1, 9, 3, 9) OBJECT("thin", 3, 1, 3, 9)
                          OBJECT("far", 999999999, 0, -999999999, 9) OBJECT("pixel", 199, 99, 200, 100) SIZE);
    voc_annotation a;
    lb_error error;
    cr_assert(eq(int, parse(text, sizeof text - 1, &a, &error), LB_OK), "%s", error.message);
    cr_assert(eq(sz, a.count, 2));
    cr_expect(eq(sz, a.bad, 9));
    cr_expect(eq(str, a.objects[0].name, "whole"));
    cr_expect(eq(str, a.objects[1].name, "pixel"));
    cr_expect(a.objects[1].xmin == 199 && a.objects[1].ymax == 100);
    voc_free(&a);
}

Test(voc_xml, may_have_no_objects) {
    static const char text[] = WHOLE(SIZE);
    voc_annotation a;
    lb_error error;
    cr_assert(eq(int, parse(text, sizeof text - 1, &a, &error), LB_OK), "%s", error.message);
    cr_expect(a.count == 0 && a.bad == 0 && a.width == 200);
    voc_free(&a);
}

#define NAME_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *text, *words;
} bad_texts[] = {
    {"", "line 1: broken XML (no element found)"},
    {"<annotation>\n" SIZE, "line 3: broken XML"},
    {"<annotation>\n</annotatio>", "line 2: broken XML (mismatched tag)"},
    {WHOLE(SIZE) "<annotation/>", "line 4: broken XML"},
    {"\x89PNG\r\n", "line 1: broken XML"},
    {"<html></html>", "line 1: the first element is not <annotation>"},
    {WHOLE("<size><height>2</height></size>"), "line 2: the annotation lacks its <width>"},
    {WHOLE("<size><width>2</width></size>\n"), "line 3: the annotation lacks its <height>"},
    {WHOLE("<size><width>0</width></size>"), "line 2: <width> must be 1 to 4096"},
    {WHOLE("<size><height>4097</height></size>"), "line 2: <height> must be 1 to 4096"},
    {WHOLE(SIZE SIZE), "line 3: <width> is given twice"},
    {WHOLE(SIZE "<object>\n" BOX(1, 2, 3, 4) "\n</object>"), "line 5: the object lacks its <name>"},
    {WHOLE(SIZE "<object><name>x</name></object>"), "line 3: the object lacks its <xmin>"},
    {WHOLE(SIZE OBJECT("x", 1, 2, 3, 4) "<object><name>x</name><bndbox><xmin>1</xmin></bndbox></object>"),
     "line 4: the object lacks its <ymin>"},
    {WHOLE(SIZE "<object><name>x</name>\n" BOX(1, 2, 3, 4) "\n" BOX(1, 2, 3, 4) "</object>"),
     "line 5: <xmin> is given twice"},
    {WHOLE(SIZE "<object><name>x</name><name>y</name></object>"), "line 3: <name> is given twice"},
    {WHOLE(SIZE OBJECT("", 1, 2, 3, 4)), "line 3: the <name> is empty"},
    {WHOLE(SIZE OBJECT("two\nlines", 1, 2, 3, 4)), "line 4: the <name> is more than one line"},
    {WHOLE(SIZE OBJECT(NAME_64, 1, 2, 3, 4)), "line 3: <name> is longer than 63 bytes"},
    {WHOLE(SIZE OBJECT("x", one, 2, 3, 4)), "line 3: <xmin> is no whole number"},
    {WHOLE(SIZE OBJECT("x", 1, 2.5, 3, 4)), "line 3: <ymin> is no whole number"},
    {WHOLE(SIZE OBJECT("x", 1, 2, , 4)), "line 3: <xmax> is no whole number"},
    {WHOLE(SIZE OBJECT("x", 1, 2, 3, 4000000000)), "line 3: <ymax> is no whole number"},
    {WHOLE(SIZE OBJECT("x", 1, 2, 3 4, 5)), "line 3: <xmax> is no whole number"},
    {WHOLE(SIZE OBJECT("x", +1, 2, 3, 4)), "line 3: <xmin> is no whole number"},
    {WHOLE(SIZE OBJECT("x", --1, 2, 3, 4)), "line 3: <xmin> is no whole number"},
    {WHOLE(SIZE "<object><bndbox><xmin>1<b/></xmin></bndbox></object>"), "line 3: <xmin> holds more than text"},
    {WHOLE(SIZE OBJECT("&x;", 1, 2, 3, 4)), "line 3: broken XML (undefined entity)"},
    /* entities: of a name, of a file, that grow, and a document type alone */
    {"<!DOCTYPE annotation [<!ENTITY x \"scratches\">]>\n" WHOLE(SIZE OBJECT("&x;", 1, 2, 3, 4)),
     "line 1: a document type, and so any entity, is not allowed"},
    {"<?xml version=\"1.0\"?>\n<!DOCTYPE annotation [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n" WHOLE(
         SIZE OBJECT("&x;", 1, 2, 3, 4)),
     "line 2: a document type"},
    {"<!DOCTYPE a [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">"
     "<!ENTITY % d SYSTEM \"http://localhost/d\">%d;]>\n<annotation>&c;</annotation>",
     "line 1: a document type"},
    {"<!DOCTYPE annotation SYSTEM \"voc.dtd\">\n" WHOLE(SIZE), "line 1: a document type"},
};

Test(voc_xml, refuses_everything_else_with_the_line) {
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        voc_annotation a;
        lb_error error;
        cr_expect(eq(int, parse(bad_texts[i].text, strlen(bad_texts[i].text), &a, &error), LB_FORMAT), "%s",
                  bad_texts[i].words);
        cr_expect(strstr(error.message, bad_texts[i].words) && strstr(error.message, "'a.xml', line"),
                  "wanted '%s': %s", bad_texts[i].words, error.message);
        cr_expect(strchr(error.message, '\n') == NULL && a.objects == NULL && a.count == 0, "%s", error.message);
    }
}

Test(voc_xml, refuses_too_many_objects) {
    static char text[(VOC_MOST_OBJECTS + 1) * 130 + 300];
    for (int more = 0; more < 2; more++) {
        voc_annotation a;
        lb_error error;
        strcpy(text, "<annotation>\n" SIZE);
        char *at = text + strlen(text);
        for (int i = 0; i < VOC_MOST_OBJECTS + more; i++) at = stpcpy(at, OBJECT("x", 1, 2, 3, 4));
        strcpy(at, "</annotation>");
        const int code = parse(text, strlen(text), &a, &error);
        cr_expect(eq(int, code, more ? LB_FORMAT : LB_OK), "%s", error.message);
        if (more)
            cr_expect(strstr(error.message, "line 1003: there are more than 1000 objects") != NULL, "%s",
                      error.message);
        cr_expect(eq(sz, a.count, (size_t)(more ? 0 : VOC_MOST_OBJECTS)));
        voc_free(&a);
    }
}

Test(voc_xml, refuses_a_file_of_another_size, .init = make_root, .fini = remove_root) {
    char path[100];
    voc_annotation a;
    lb_error error = {0};
    static char blank[VOC_MOST_BYTES + 2];
    snprintf(path, sizeof path, "%s/a.xml", root);
    cr_expect(eq(int, voc_read(path, &a, &error), LB_NOT_FOUND), "%s", error.message);
    memset(blank, ' ', VOC_MOST_BYTES + 1);
    write_text_file(path, blank);
    cr_expect(eq(int, voc_read(path, &a, &error), LB_FORMAT));
    cr_expect(strstr(error.message, path) && strstr(error.message, "1048576 bytes"), "%s", error.message);
    cr_expect(eq(int, voc_parse(blank, VOC_MOST_BYTES + 1, "a.xml", &a, &error), LB_FORMAT));
    cr_expect(strstr(error.message, "'a.xml' has 1048577 bytes") != NULL, "%s", error.message);
    cr_expect(eq(int, voc_read(root, &a, &error), LB_FORMAT), "%s", error.message);
    write_text_file(path, WHOLE(SIZE OBJECT("x", 1, 2, 3, 4)));
    cr_assert(eq(int, voc_read(path, &a, &error), LB_OK), "%s", error.message);
    cr_expect(eq(sz, a.count, 1));
    voc_free(&a);
}

/* --- damage --- */

/* Refused with a sentence, or read with boxes that can be. */
static void expect_sane(const char *text, size_t size) {
    voc_annotation a;
    lb_error error;
    const int code = parse(text, size, &a, &error);
    if (code) {
        cr_assert(code == LB_FORMAT && !a.objects && strlen(error.message) > 20 && !strchr(error.message, '\n'), "%s",
                  error.message);
        return;
    }
    for (size_t i = 0; i < a.count; i++) {
        const voc_object *o = &a.objects[i];
        cr_assert(0 <= o->xmin && o->xmin < o->xmax && o->xmax <= (int)a.width);
        cr_assert(0 <= o->ymin && o->ymin < o->ymax && o->ymax <= (int)a.height);
        cr_assert(o->name[0] && strlen(o->name) < VOC_NAME);
    }
    voc_free(&a);
}

static const char sample[] =
    "<?xml version=\"1.0\"?>\n" WHOLE(SIZE OBJECT("patches", 1, 2, 30, 40) OBJECT("inclusion", 5, 6, 70, 80));

Test(voc_xml, a_text_cut_short_is_refused_wherever_it_is_cut) {
    const size_t whole = sizeof sample - 2; /* without the last end of line */
    for (size_t size = 0; size < whole; size++) {
        voc_annotation a;
        lb_error error;
        cr_assert(eq(int, parse(sample, size, &a, &error), LB_FORMAT), "%zu bytes", size);
        cr_assert(strstr(error.message, "broken XML") && !a.objects, "%s", error.message);
    }
    voc_annotation a;
    lb_error error;
    cr_assert(eq(int, parse(sample, whole, &a, &error), LB_OK), "%s", error.message);
    cr_expect(eq(sz, a.count, 2));
    voc_free(&a);
}

Test(voc_xml, no_flipped_bit_or_changed_byte_crashes_it) {
    char text[sizeof sample];
    rng stream = rng_from_text("damage");
    memcpy(text, sample, sizeof sample);
    for (size_t bit = 0; bit < 8 * (sizeof sample - 1); bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        expect_sane(text, sizeof sample - 1);
        text[bit / 8] = sample[bit / 8];
    }
    for (int round = 0; round < 20000; round++) {
        memcpy(text, sample, sizeof sample);
        for (uint64_t changes = 1 + rng_below(&stream, 4); changes > 0; changes--) {
            const size_t at = rng_below(&stream, sizeof sample - 1), from = rng_below(&stream, sizeof sample - 1);
            text[at] = changes % 2 ? (char)rng_below(&stream, 256) : sample[from];
        }
        expect_sane(text, sizeof sample - 1);
    }
}

Test(voc_xml, survives_a_failed_allocation) {
#if FAILING_MALLOC
    voc_annotation a;
    lb_error error = {0};
    long n = 0;
    for (int code = LB_MEMORY; code != LB_OK; n++) {
        cr_assert(lt(long, n, 1000));
        fail_malloc_after(n);
        code = voc_parse(sample, sizeof sample - 1, "a.xml", &a, &error);
        fail_malloc_after(-1);
        cr_assert(code == LB_OK || (code == LB_MEMORY && !a.objects), "%s", error.message);
    }
    cr_expect(gt(long, n, 5));
    voc_free(&a);
#else
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
