/* The importer of NEU-DET: on the pack itself, where it is there, and on small packs that are made here, one for each
   of its rules. */
#include "tests/datasets/failing_open.h"
#include "tests/datasets/fake_pictures.h"
#include "tests/datasets/mask_sets.h"
#include "tests/datasets/scratch.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TYPES = 6 };
static const char *const types[TYPES] = {"crazing",        "inclusion",       "patches",
                                         "pitted_surface", "rolled-in_scale", "scratches"};

static dataset open_boxes(const char *expression, unsigned seed) {
    const dataset_request request = {.seed = seed, .want = DATASET_MASKS | DATASET_BOXES, .search = public_data()};
    lb_error error = {0};
    dataset d;
    const int code = dataset_open(expression, &request, &d, &error);
    if (code == LB_NOT_FOUND) cr_skip_test("%s is not fetched", expression);
    cr_assert(eq(int, code, LB_OK), "%s", error.message);
    return d;
}

static size_t count_boxes(const dataset *d, uint32_t type) {
    size_t count = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t b = 0; b < d->sets[set].box_count; b++) count += type == 0 || d->sets[set].boxes[b].type == type;
    return count;
}

static size_t count_left_out(const dataset *d) {
    return d->duplicates + d->conflicts + d->absent + d->cut + d->bad_boxes + d->unmarked + d->vanished + d->empty +
           d->between + d->train_dropped;
}

/* Boxes are by item and inside the image, every item has one, and is of the type of its largest. */
static void expect_sound_boxes(const dataset *d) {
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        size_t b = 0;
        cr_assert(set->boxes && !set->masks && set->goods == 0);
        for (uint32_t i = 0; i < set->count; i++) {
            float largest = 0;
            uint32_t type = 0;
            for (; b < set->box_count && set->boxes[b].item == i; b++) {
                const dataset_box *box = &set->boxes[b];
                const float area = (box->x2 - box->x1) * (box->y2 - box->y1);
                cr_assert(0 <= box->x1 && box->x1 < box->x2 && box->x2 <= (float)d->width);
                cr_assert(0 <= box->y1 && box->y1 < box->y2 && box->y2 <= (float)d->height);
                cr_assert(1 <= box->type && box->type <= TYPES);
                if (area > largest) type = box->type;
                if (area > largest) largest = area;
            }
            cr_assert(eq(u32, set->types[i], type), "%s item %u", dataset_set_names[which], i);
        }
        cr_assert(eq(sz, b, set->box_count));
    }
}

static int by_number(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void expect_parts_of_one(const dataset *d) {
    uint32_t parts[1800];
    size_t n = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++) parts[n++] = d->sets[set].parts[i];
    qsort(parts, n, sizeof *parts, by_number);
    for (size_t i = 1; i < n; i++) cr_assert(parts[i] != parts[i - 1], "part %u twice", parts[i]);
}

/* --- the pack itself --- */

/* Boxes of each type, 4,189 in all, and images of one box, 483, are from the pack's description; it also says that
   patches_105 is patches_101 again, so that its three boxes, of patches, are left out. Images by the type of their
   largest box are counted by a few lines of Python with regular expressions. */
static const size_t boxes_of[TYPES] = {689, 1011, 881 - 3, 432, 628, 548};
static const size_t single_of[TYPES] = {43, 58, 45, 164, 63, 110};
static const size_t images_of[TYPES] = {300, 309, 300 - 1, 301, 300, 290};

Test(neu_det, has_the_images_and_boxes_of_its_description) {
    dataset d = open_boxes("neu_det", 1);
    cr_expect(d.height == 64 && d.width == 64 && d.channels == 1 && d.clean == 0 && d.independent == 0);
    cr_expect(eq(str, (char *)d.type_names[0], "good"));
    cr_expect(eq(sz, count_type(&d, -1), 1800 - 1));
    cr_expect(eq(sz, count_boxes(&d, 0), 4189 - 3));
    for (int type = 0; type < TYPES; type++) {
        cr_expect(eq(str, (char *)d.type_names[1 + type], (char *)types[type]));
        cr_expect(eq(sz, count_boxes(&d, (uint32_t)type + 1), boxes_of[type]), "boxes of %s", types[type]);
        cr_expect(eq(sz, count_type(&d, type + 1), images_of[type]), "images of %s", types[type]);
    }
    cr_expect(eq(sz, d.duplicates, 1));
    cr_expect(eq(sz, count_left_out(&d), 1));
    dataset_free(&d);
    dataset_forget();
}

Test(neu_det, has_the_single_boxes_of_its_description) {
    dataset d = open_boxes("neu_det(boxes=single, size=128)", 1);
    cr_expect(d.height == 128 && d.width == 128);
    cr_expect(eq(sz, count_type(&d, -1), 483));
    cr_expect(eq(sz, count_boxes(&d, 0), 483));
    for (int type = 0; type < TYPES; type++) {
        cr_expect(eq(sz, count_boxes(&d, (uint32_t)type + 1), single_of[type]), "%s", types[type]);
        cr_expect(eq(sz, count_type(&d, type + 1), single_of[type]), "%s", types[type]);
    }
    cr_expect(eq(sz, count_left_out(&d), 0));
    expect_sound_boxes(&d);
    dataset_free(&d);
    dataset_forget();
}

Test(neu_det, splits_whatever_the_seed) {
    for (unsigned seed = 0; seed < 5; seed++) {
        dataset d = open_boxes("neu_det", seed);
        expect_sound_boxes(&d);
        expect_parts_of_one(&d);
        const double all = (double)count_type(&d, -1);
        cr_expect(epsilon_eq(dbl, (double)d.sets[SET_TRAIN].count / all, 0.50, 0.005));
        cr_expect(epsilon_eq(dbl, (double)d.sets[SET_SELECT].count / all, 0.15, 0.005));
        cr_expect(eq(sz, d.sets[SET_CALIBRATE].count, 0));
        dataset_free(&d);
    }
    dataset_forget();
}

/* crazing_1.xml: one box, 2 2 193 194, in an image of 200 x 200. */
Test(neu_det, scales_a_box_that_is_known) {
    for (int size = 64; size <= 200; size += 136) {
        char expression[60];
        snprintf(expression, sizeof expression, "neu_det(size=%d)", size);
        dataset d = open_boxes(expression, 1);
        int found = 0;
        for (int which = 0; which < SET_COUNT; which++)
            for (size_t b = 0; b < d.sets[which].box_count; b++) {
                const dataset_box *box = &d.sets[which].boxes[b];
                if (d.sets[which].parts[box->item] != 100001) continue;
                found++;
                cr_expect(epsilon_eq(dbl, (double)box->x1, 2 * size / 200.0, 1e-5));
                cr_expect(epsilon_eq(dbl, (double)box->y1, 2 * size / 200.0, 1e-5));
                cr_expect(epsilon_eq(dbl, (double)box->x2, 193 * size / 200.0, 1e-5));
                cr_expect(epsilon_eq(dbl, (double)box->y2, 194 * size / 200.0, 1e-5));
            }
        cr_expect(eq(int, found, 1));
        dataset_free(&d);
    }
    dataset_forget();
}

/* --- small packs --- */

/* Images of noise, 40 wide and 80 high, EACH named after each type, with one box: [4, 20) x [8, 48). */
enum { EACH = 8, HEIGHT = 80, WIDTH = 40, AREA = HEIGHT * WIDTH };

#define BOX(name, x1, y1, x2, y2)                                                                                      \
    "<object><name>" name "</name><bndbox><xmin>" #x1 "</xmin><ymin>" #y1 "</ymin><xmax>" #x2 "</xmax><ymax>" #y2      \
    "</ymax></bndbox></object>"

static const char *path_of(const char *folder, const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/NEU-DET/%s/%s", root, folder, name);
    return path;
}

static void write_annotation(const char *stem, const char *objects) {
    char name[60], text[2000];
    snprintf(name, sizeof name, "%s.xml", stem);
    snprintf(text, sizeof text, "<annotation><size><width>40</width><height>80</height></size>%s</annotation>\n",
             objects);
    write_text_file(path_of("ANNOTATIONS", name), text);
}

static void write_image(const char *stem, unsigned key, size_t height, size_t width) {
    unsigned char pixels[AREA];
    char name[60];
    fill_noise(pixels, height * width, key);
    snprintf(name, sizeof name, "%s.jpg", stem);
    write_grey_jpeg(path_of("IMAGES", name), pixels, height, width);
}

static void make_folders(void) {
    char path[100];
    make_root();
    snprintf(path, sizeof path, "%s/NEU-DET", root);
    cr_assert(eq(int, mkdir(path, 0777), 0));
    cr_assert(eq(int, mkdir(path_of("IMAGES", ""), 0777), 0));
    cr_assert(eq(int, mkdir(path_of("ANNOTATIONS", ""), 0777), 0));
}

static void write_sample(unsigned type, unsigned number) {
    char stem[40], object[300];
    snprintf(stem, sizeof stem, "%s_%u", types[type], number);
    snprintf(object, sizeof object, BOX("%s", 4, 8, 20, 48), types[type]);
    write_image(stem, 100 * type + number, HEIGHT, WIDTH);
    write_annotation(stem, object);
}

static void make_pack(void) {
    make_folders();
    for (unsigned type = 0; type < TYPES; type++)
        for (unsigned number = 1; number <= EACH; number++) write_sample(type, number);
}

static int try_pack(const char *expression, unsigned ratio, dataset *d, lb_error *error) {
    const dataset_request request = {.ratio = ratio, .want = DATASET_BOXES, .search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open(expression, &request, d, error);
}

static dataset open_pack(const char *expression) {
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_pack(expression, 0, &d, &error), LB_OK), "%s", error.message);
    return d;
}

static void expect_refused(const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("neu_det", 0, &d, &error), LB_FORMAT), "%s: %s", words, error.message);
    cr_expect(strstr(error.message, words) != NULL, "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
}

Test(small_steel, is_read_and_scaled, .init = make_pack, .fini = remove_root) {
    dataset d = open_pack("neu_det(size=32)");
    cr_expect(eq(sz, count_type(&d, -1), TYPES * EACH));
    cr_expect(eq(sz, count_left_out(&d), 0));
    expect_sound_boxes(&d);
    expect_parts_of_one(&d);
    for (size_t b = 0; b < d.sets[SET_TRAIN].box_count; b++) {
        const dataset_box *box = &d.sets[SET_TRAIN].boxes[b];
        cr_expect(epsilon_eq(dbl, (double)box->x1, 3.2, 1e-6));
        cr_expect(epsilon_eq(dbl, (double)box->y1, 3.2, 1e-6));
        cr_expect(epsilon_eq(dbl, (double)box->x2, 16, 1e-6));
        cr_expect(epsilon_eq(dbl, (double)box->y2, 19.2, 1e-6));
    }
    dataset_free(&d);
}

Test(small_steel, without_clean_images_has_its_natural_ratio_alone, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("neu_det", 10, &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "'neu_det' has no clean images") && strstr(error.message, "natural"), "%s",
              error.message);
    d = open_pack("neu_det");
    cr_expect(eq(int, d.clean, 0));
    cr_expect(d.sets[SET_TRAIN].goods == 0 && d.sets[SET_CALIBRATE].count == 0 && d.sets[SET_TEST].count > 0);
    dataset_free(&d);
}

Test(small_steel, that_is_too_small_to_split_is_refused, .init = make_folders, .fini = remove_root) {
    for (unsigned type = 0; type < TYPES; type++) write_sample(type, 1);
    expect_refused("set train has 0 goods and 0 defects; it needs at least one defect");
}

Test(small_steel, that_lacks_a_side_is_absent, .init = make_pack, .fini = remove_root) {
    write_annotation("crazing_7000", BOX("crazing", 1, 2, 3, 4));
    write_image("scratches_9", 7, HEIGHT, WIDTH);
    cr_assert(eq(int, unlink(path_of("IMAGES", "patches_3.jpg")), 0));
    dataset d = open_pack("neu_det");
    cr_expect(eq(sz, d.absent, 3));
    cr_expect(eq(sz, count_left_out(&d), 3));
    cr_expect(eq(sz, count_type(&d, -1), TYPES * EACH - 1));
    cr_expect(eq(sz, count_type(&d, 3), EACH - 1));
    dataset_free(&d);
}

/* One image keeps a box, two keep none, of which one had none. */
Test(small_steel, bad_boxes_and_images_without_boxes_are_left_out, .init = make_pack, .fini = remove_root) {
    write_annotation("crazing_1",
                     BOX("crazing", 1, 2, 41, 4) BOX("crazing", 0, 0, 40, 80) BOX("crazing", 30, 4, 20, 8));
    write_annotation("crazing_2", BOX("crazing", 5, 5, 5, 9));
    write_annotation("crazing_3", "");
    dataset all = open_pack("neu_det"), single = open_pack("neu_det(boxes=single)");
    cr_expect(eq(sz, all.bad_boxes, 3));
    cr_expect(eq(sz, all.unmarked, 2));
    cr_expect(eq(sz, count_left_out(&all), 5));
    cr_expect(eq(sz, count_boxes(&all, 1), EACH - 2));
    cr_expect(eq(sz, count_type(&all, 1), EACH - 2));
    cr_expect(eq(sz, count_type(&single, 1), EACH - 3)); /* not what has lost a box */
    cr_expect(eq(sz, single.bad_boxes, 3));
    cr_expect(eq(sz, single.unmarked, 2));
    expect_sound_boxes(&all);
    dataset_free(&all);
    dataset_free(&single);
}

Test(small_steel, an_image_is_of_the_type_of_its_largest_box, .init = make_pack, .fini = remove_root) {
    write_annotation("crazing_1",
                     BOX("crazing", 1, 2, 11, 12) BOX("patches", 1, 2, 12, 12) BOX("scratches", 3, 3, 4, 5));
    write_annotation("crazing_2", BOX("inclusion", 1, 2, 11, 12) BOX("patches", 2, 2, 12, 12)); /* the first of two */
    write_annotation("crazing_3", BOX("scratches", 1, 2, 11, 12));
    dataset d = open_pack("neu_det"), single = open_pack("neu_det(boxes=single)");
    static const size_t images[TYPES] = {EACH - 3, EACH + 1, EACH + 1, EACH, EACH, EACH + 1},
                        boxes[TYPES] = {EACH - 2, EACH + 1, EACH + 2, EACH, EACH, EACH + 2};
    for (int type = 0; type < TYPES; type++) {
        cr_expect(eq(sz, count_type(&d, type + 1), images[type]), "%s", types[type]);
        cr_expect(eq(sz, count_boxes(&d, (uint32_t)type + 1), boxes[type]), "%s", types[type]);
    }
    cr_expect(eq(sz, count_boxes(&single, 0), TYPES * EACH - 2));
    dataset_free(&d);
    dataset_free(&single);
}

Test(small_steel, copies_are_dropped_with_their_boxes, .init = make_pack, .fini = remove_root) {
    write_image("patches_4", 206, HEIGHT, WIDTH);        /* as patches_6 */
    write_image("pitted_surface_2", 401, HEIGHT, WIDTH); /* as rolled-in_scale_1 */
    dataset d = open_pack("neu_det");
    cr_expect(eq(sz, d.duplicates, 1));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(eq(sz, count_type(&d, -1), TYPES * EACH - 3));
    cr_expect(eq(sz, count_boxes(&d, 0), TYPES * EACH - 3));
    expect_sound_boxes(&d);
    dataset_free(&d);
}

static const struct {
    const char *text, *words;
} bad_files[] = {
    {"<annotation>\n<size>", "ANNOTATIONS/inclusion_3.xml', line 2: broken XML"},
    {"<!DOCTYPE annotation [<!ENTITY x \"1\">]><annotation/>", "line 1: a document type, and so any entity"},
    {"<annotation><size><width>40</width></size></annotation>", "lacks its <height>"},
    {"<annotation><size><width>80</width><height>40</height></size>" BOX("crazing", 1, 2, 3, 4) "</annotation>",
     "IMAGES/inclusion_3.jpg' is 40 x 80 pixels, its annotation for 80 x 40"},
    {"<annotation><size><width>40</width><height>80</height></size>" BOX("rust", 1, 2, 3, 4) "</annotation>",
     "inclusion_3.xml' names 'rust', which is none of the six types"},
    {"<annotation><size><width>40</width><height>80</height></size>" BOX("good", 1, 2, 3, 4) "</annotation>",
     "inclusion_3.xml' names 'good', which is none of the six types"},
};

Test(small_steel, damaged_files_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        write_text_file(path_of("ANNOTATIONS", "inclusion_3.xml"), bad_files[i].text);
        expect_refused(bad_files[i].words);
    }
    write_annotation("inclusion_3", BOX("inclusion", 1, 2, 3, 4));
    write_text_file(path_of("IMAGES", "inclusion_3.jpg"), "no image");
    expect_refused("IMAGES/inclusion_3.jpg'");
}

static const char *const foreign_names[] = {"crazing_01.xml", "crazing.xml",         "rust_1.xml", "crazing_1.jpg",
                                            "good_1.xml",     "crazing_1000000.xml", "_1.xml",     "crazing_-1.xml"};

Test(small_steel, foreign_files_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    for (size_t i = 0; i < sizeof foreign_names / sizeof *foreign_names; i++) {
        char words[100];
        write_text_file(path_of("ANNOTATIONS", foreign_names[i]), "x");
        snprintf(words, sizeof words, "/%s' is not named <type>_<number>.xml", foreign_names[i]);
        expect_refused(words);
        cr_assert(eq(int, unlink(path_of("ANNOTATIONS", foreign_names[i])), 0));
    }
}

Test(small_steel, without_files_is_refused, .init = make_folders, .fini = remove_root) {
    expect_refused("holds no image with its annotation");
    write_image("crazing_1", 1, HEIGHT, WIDTH);
    write_annotation("crazing_1", "");
    expect_refused("ANNOTATIONS' holds no box to use");
    cr_assert(eq(int, unlink(path_of("IMAGES", "crazing_1.jpg")), 0));
    cr_assert(eq(int, rmdir(path_of("IMAGES", "")), 0));
    expect_refused("IMAGES': No such file or directory");
}

Test(small_steel, that_is_not_there_is_named_with_the_remedy, .init = make_root, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("neu_det", 0, &d, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "'neu_det'") && strstr(error.message, "DATASETS="), "%s", error.message);
}

Test(small_steel, other_sizes_are_refused, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_pack("neu_det(size=24)", 0, &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("neu_det(size=208)", 0, &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("neu_det(boxes=some)", 0, &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_pack("neu_det(size=68)", 0, &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "ask for 64 or 72") != NULL, "%s", error.message);
}

Test(small_steel, every_reading_gives_the_same_content, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    char first[300], again[300];
    cr_assert(eq(int, dataset_text("neu_det", &request, first, sizeof first, NULL), LB_OK));
    dataset_forget();
    cr_assert(eq(int, dataset_text("neu_det", &request, again, sizeof again, NULL), LB_OK));
    cr_expect(eq(str, first, again));
    write_annotation("patches_2", BOX("patches", 4, 8, 20, 47));
    dataset_forget();
    cr_assert(eq(int, dataset_text("neu_det", &request, again, sizeof again, NULL), LB_OK));
    cr_expect(ne(str, first, again), "a box that is changed");
}

Test(small_steel, survives_a_failed_allocation, .init = make_pack, .fini = remove_root) {
#if FAILING_MALLOC
    open_while_memory_fails("neu_det", root, DATASET_BOXES, 100, 37);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
