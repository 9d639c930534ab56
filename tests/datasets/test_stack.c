/* Image stacks: what is written is read back, what others write is understood, and what is damaged is refused. */
#include "tests/datasets/scratch.h"
#include "datasets/stack.h"

#include "datasets/items.h"
#include "datasets/tiff_pages.h"
#include "lib/base/rng.h"
#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tiffio.h>

static const char *path_of(const char *file) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", root, file);
    return path;
}

static int is_there(const char *file) { return access(path_of(file), F_OK) == 0; }

static size_t read_file(const char *file, unsigned char *bytes, size_t size) {
    FILE *in = fopen(path_of(file), "rb");
    cr_assert(in != NULL);
    const size_t n = fread(bytes, 1, size, in);
    fclose(in);
    return n;
}

static void write_file(const char *file, const void *bytes, size_t size) {
    FILE *out = fopen(path_of(file), "wb");
    cr_assert(out && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
}

static void write_text(const char *file, const char *content) { write_file(file, content, strlen(content)); }

static int open_with(unsigned ratio, unsigned seed, unsigned want, dataset *d, lb_error *error) {
    const dataset_request request = {.ratio = ratio, .seed = seed, .want = want, .search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open("stack", &request, d, error);
}

static dataset opened(unsigned ratio, unsigned seed, unsigned want) {
    lb_error error;
    dataset d;
    cr_assert(eq(int, open_with(ratio, seed, want, &d, &error), LB_OK), "%s", error.message);
    return d;
}

static void expect_refused(int code, const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, open_with(0, 0, DATASET_MASKS | DATASET_BOXES, &d, &error), code), "%s: %s", words,
              error.message);
    cr_expect(strstr(error.message, words) != NULL, "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
}

/* --- round trip --- */

static const char *const names[] = {"good", "scratch", "dent, deep", NULL};
static const char *const plain_names[] = {"good", "scratch", "dent", NULL};

static void fill_set(dataset *d, int which, size_t count, size_t good_count, rng *stream) {
    dataset_items *set = &d->sets[which];
    const size_t area = d->height * d->width;
    *set = (dataset_items){.count = count, .goods = good_count};
    cr_assert(eq(int, items_allocate(set, area, d->channels, ITEMS_BYTES, DATASET_MASKS | DATASET_BOXES, count, NULL),
                 LB_OK));
    for (size_t i = 0; i < count * area * d->channels; i++) set->pixels[i] = (unsigned char)rng_below(stream, 256);
    for (size_t i = 0; i < count; i++) {
        set->parts[i] = (uint32_t)(100 * which + (int)i / 2); /* two images of each part */
        if (i < good_count) continue;
        set->types[i] = (uint16_t)(1 + i % 2);
        set->masks[i * area + i % area] = 255;
        set->boxes[set->box_count++] = (dataset_box){(uint32_t)i, set->types[i], 0.5f, 1, 2.25f, (float)(2 + i % 3)};
    }
}

static dataset made(size_t channels) {
    rng stream = rng_from_text("stack");
    dataset d = {.height = 6, .width = 5, .channels = channels, .type_names = plain_names};
    const size_t counts[SET_COUNT] = {12, 8, 6, 10}, good_counts[SET_COUNT] = {8, 4, 6, 6};
    for (int set = 0; set < SET_COUNT; set++) fill_set(&d, set, counts[set], good_counts[set], &stream);
    return d;
}

/* Finds image i of `a` in `b`, as the order within a set is drawn anew. */
static size_t find_image(const dataset_items *a, size_t i, const dataset_items *b, size_t bytes) {
    size_t at = 0;
    while (at < b->count && memcmp(a->pixels + i * bytes, b->pixels + at * bytes, bytes) != 0) at++;
    cr_assert(lt(sz, at, b->count));
    return at;
}

static const dataset_box *box_of(const dataset_items *set, size_t item) {
    for (size_t i = 0; i < set->box_count; i++)
        if (set->boxes[i].item == item) return &set->boxes[i];
    return NULL;
}

static void expect_same_box(const dataset_box *a, const dataset_box *b) {
    cr_assert(eq(int, a == NULL, b == NULL));
    if (!a) return;
    cr_expect(eq(u32, a->type, b->type));
    cr_expect(a->x1 == b->x1 && a->y1 == b->y1 && a->x2 == b->x2 && a->y2 == b->y2);
}

static void expect_same_set(const dataset *d, const dataset *e, int which) {
    const dataset_items *a = &d->sets[which], *b = &e->sets[which];
    const size_t area = d->height * d->width;
    cr_assert(eq(sz, a->count, b->count));
    cr_assert(eq(sz, a->goods, b->goods));
    cr_assert(eq(sz, a->box_count, b->box_count));
    for (size_t i = 0; i < a->count; i++) {
        const size_t at = find_image(a, i, b, area * d->channels), next = find_image(a, i ^ 1, b, area * d->channels);
        cr_expect(eq(str, (char *)d->type_names[a->types[i]], (char *)e->type_names[b->types[at]]));
        cr_expect(eq(u32, b->parts[at], b->parts[next]));
        cr_expect(eq(int, memcmp(a->masks + i * area, b->masks + at * area, area), 0));
        expect_same_box(box_of(a, i), box_of(b, at));
    }
}

static void expect_round_trip(size_t channels) {
    lb_error error = {0};
    dataset d = made(channels);
    cr_assert(eq(int, stack_write(&d, root, &error), LB_OK), "%s", error.message);
    dataset e = opened(0, 4, DATASET_MASKS | DATASET_BOXES);
    cr_expect(eq(sz, e.height, 6));
    cr_expect(eq(sz, e.width, 5));
    cr_expect(eq(sz, e.channels, channels));
    for (int set = 0; set < SET_COUNT; set++) expect_same_set(&d, &e, set);
    dataset_free(&d);
    dataset_free(&e);
    cr_expect(is_there("images.tif.part") == 0 && is_there("labels.csv.part") == 0);
}

Test(stack, grey_is_read_as_written, .init = make_root, .fini = remove_root) { expect_round_trip(1); }
Test(stack, colour_is_read_as_written, .init = make_root, .fini = remove_root) { expect_round_trip(3); }

Test(stack, equal_data_give_equal_files, .init = make_root, .fini = remove_root) {
    static unsigned char first[100000], second[100000];
    dataset d = made(1);
    cr_assert(eq(int, stack_write(&d, root, NULL), LB_OK));
    const size_t n = read_file("images.tif", first, sizeof first);
    cr_assert(eq(int, stack_write(&d, root, NULL), LB_OK));
    cr_expect(eq(sz, read_file("images.tif", second, sizeof second), n));
    cr_expect(eq(int, memcmp(first, second, n), 0));
    dataset_free(&d);
}

/* A second write leaves nothing of the first that no longer belongs to it. */
Test(stack, a_stack_without_masks_replaces_one_with_masks, .init = make_root, .fini = remove_root) {
    dataset d = made(1);
    cr_assert(eq(int, stack_write(&d, root, NULL), LB_OK));
    cr_expect(is_there("masks.tif") && is_there("boxes.csv"));
    for (int set = 0; set < SET_COUNT; set++) {
        free(d.sets[set].masks);
        free(d.sets[set].boxes);
        d.sets[set].masks = NULL;
        d.sets[set].boxes = NULL;
        d.sets[set].box_count = 0;
    }
    cr_assert(eq(int, stack_write(&d, root, NULL), LB_OK));
    cr_expect(is_there("masks.tif") == 0 && is_there("boxes.csv") == 0);
    dataset e = opened(0, 0, DATASET_MASKS | DATASET_BOXES);
    cr_expect(e.sets[SET_TRAIN].masks == NULL && e.sets[SET_TRAIN].boxes == NULL);
    dataset_free(&d);
    dataset_free(&e);
}

Test(stack, imagej_takes_the_file_for_a_stack, .init = make_root, .fini = remove_root) {
    dataset d = made(1);
    char *description = NULL;
    uint16_t compression = 0;
    cr_assert(eq(int, stack_write(&d, root, NULL), LB_OK));
    TIFF *tiff = TIFFOpen(path_of("images.tif"), "r");
    cr_assert(tiff != NULL);
    cr_assert(TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description) == 1);
    cr_expect(eq(str, description, "ImageJ=1.53a\nimages=36\nslices=36\n"));
    TIFFGetField(tiff, TIFFTAG_COMPRESSION, &compression);
    cr_expect(eq(u16, compression, COMPRESSION_ADOBE_DEFLATE));
    cr_expect(eq(int, (int)TIFFNumberOfDirectories(tiff), 36));
    TIFFClose(tiff);
    dataset_free(&d);
}

/* --- stacks of others --- */

static unsigned char noise[300][16];

static const unsigned char *noise_at(const void *context, size_t i) {
    (void)context;
    return noise[i];
}

/* `count` grey pages of 4 x 4, all different. */
static void write_noise(const char *file, size_t count) {
    const tiff_shape shape = {count, 4, 4, 1};
    rng stream = rng_from_text("noise");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 16; k++) noise[i][k] = (unsigned char)rng_below(&stream, 256);
    cr_assert(eq(int, tiff_pages_write(path_of(file), &shape, noise_at, NULL, NULL), LB_OK));
}

/* 300 types: more than a stack may have. */
Test(stack, too_many_types_are_refused, .init = make_root, .fini = remove_root) {
    write_noise("images.tif", 300);
    FILE *out = fopen(path_of("labels.csv"), "wb");
    cr_assert(out != NULL);
    fputs("index,type,part,set\n", out);
    for (int i = 0; i < 300; i++) fprintf(out, "%d,kind %d,,\n", i, i);
    fclose(out);
    expect_refused(LB_INVALID, "more than 255 types");
}

/* Pages 0..99 are 50 good parts of two pages, 100..139 defects of two types, 20 parts. */
static void write_labels(const char *head, const char *end, const char *quote, int reversed) {
    FILE *out = fopen(path_of("labels.csv"), "wb");
    cr_assert(out != NULL);
    fprintf(out, "%sindex,type,part,set%s", head, end);
    for (int k = 0; k < 140; k++) {
        const int i = reversed ? 139 - k : k;
        fprintf(out, "%d,%s%s%s,tile %d,%s", i, quote,
                names[i < 100   ? 0
                      : i < 120 ? 1
                                : 2 - (*quote == 0)],
                quote, i / 2, end);
    }
    fclose(out);
}

static void make_stack(void) {
    make_root();
    write_noise("images.tif", 140);
    write_labels("", "\n", "\"", 0);
}

static void text_of(char out[300]) {
    const dataset_request request = {.search = root};
    dataset_forget();
    cr_assert(eq(int, dataset_text("stack", &request, out, 300, NULL), LB_OK));
}

Test(stack, is_split_by_part, .init = make_stack, .fini = remove_root) {
    for (unsigned seed = 0; seed < 20; seed++) {
        dataset d = opened(0, seed, 0); /* dataset_open refuses parts in two sets */
        cr_expect(eq(sz, d.sets[SET_TRAIN].goods, 50));
        cr_expect(eq(sz, d.sets[SET_CALIBRATE].count, d.sets[SET_CALIBRATE].goods));
        cr_expect(eq(str, (char *)d.type_names[2], "dent, deep"));
        cr_expect(d.type_names[3] == NULL);
        cr_expect(d.independent == 0);
        for (int set = 0; set < SET_COUNT; set++) cr_expect(eq(sz, d.sets[set].count % 2, 0));
        dataset_free(&d);
    }
}

Test(stack, rows_may_come_in_any_order_and_spelling, .init = make_stack, .fini = remove_root) {
    char plain[300], other[300];
    text_of(plain);
    write_labels("", "\n", "\"", 1);
    text_of(other);
    cr_expect(eq(str, plain, other));
    write_labels("\xEF\xBB\xBF", "\r\n", "\"", 0);
    text_of(other);
    cr_expect(eq(str, plain, other));
    write_labels("", "\n\n", "\"", 0);
    text_of(other);
    cr_expect(eq(str, plain, other));
    write_labels("", "\n", "", 0); /* other types */
    text_of(other);
    cr_expect(ne(str, plain, other));
}

Test(stack, a_ratio_thins_train_alone, .init = make_stack, .fini = remove_root) {
    dataset natural = opened(0, 1, 0), thin = opened(5, 1, 0);
    cr_expect(eq(sz, thin.sets[SET_TRAIN].count, 60));
    cr_expect(eq(sz, thin.train_dropped, natural.sets[SET_TRAIN].count - 60));
    cr_expect(eq(sz, thin.sets[SET_TEST].count, natural.sets[SET_TEST].count));
    dataset_free(&natural);
    dataset_free(&thin);
    lb_error error;
    cr_expect(eq(int, open_with(6, 1, 0, &thin, &error), LB_INVALID));
    cr_expect(strstr(error.message, "at most 1:5") != NULL, "%s", error.message);
}

Test(stack, two_data_sets_can_be_open_at_once, .init = make_stack, .fini = remove_root) {
    char other[60] = "/tmp/stack_two_XXXXXX", command[100];
    cr_assert(mkdtemp(other) != NULL);
    dataset written = made(1);
    cr_assert(eq(int, stack_write(&written, other, NULL), LB_OK));
    const dataset_request first = {.search = root}, second = {.search = other};
    dataset a, b;
    cr_assert(eq(int, dataset_open("stack", &first, &a, NULL), LB_OK));
    cr_assert(eq(int, dataset_open("stack", &second, &b, NULL), LB_OK));
    cr_expect(eq(str, (char *)a.type_names[2], "dent, deep"));
    cr_expect(eq(str, (char *)b.type_names[2], "dent"));
    dataset_free(&a);
    dataset_free(&b);
    dataset_free(&written);
    snprintf(command, sizeof command, "rm -rf '%s'", other);
    cr_expect(eq(int, system(command), 0));
}

Test(stack, the_limit_of_a_mask_is_127, .init = make_stack, .fini = remove_root) {
    write_noise("masks.tif", 140);
    dataset d = opened(0, 0, DATASET_MASKS);
    const dataset_items *set = &d.sets[SET_TRAIN]; /* masks.tif equals images.tif here */
    for (size_t i = 0; i < set->count * 16; i++) cr_assert(eq(u8, set->masks[i], set->pixels[i] > 127 ? 255 : 0));
    dataset_free(&d);
}

/* --- damage --- */

static const struct {
    const char *labels, *words;
} bad_labels[] = {
    {"", "labels.csv', line 0: the header must be 'index,type,part,set'"},
    {"index,type,part\n", "line 1: the header must be"},
    {"index,type,part,set,more\n", "line 1: the header must be"},
    {"index;type;part;set\n", "line 1: the header must be"},
    {"index,type,part,set\n", "has 0 rows and images.tif has 3 pages"},
    {"index,type,part,set\n0,good,,\n1,good,,\n", "has 2 rows and images.tif has 3 pages"},
    {"index,type,part,set\n0,good,,\n1,good,,\n2,dent,,\n3,dent,,\n", "line 5: '3' is no index from 0 to 2"},
    {"index,type,part,set\n0,good,,\n1,good,,\n1,dent,,\n", "line 4: this index has a row already"},
    {"index,type,part,set\n-1,good,,\n", "line 2: '-1' is no index"},
    {"index,type,part,set\n1.5,good,,\n", "line 2: '1.5' is no index"},
    {"index,type,part,set\n,good,,\n", "line 2: '' is no index"},
    {"index,type,part,set\n99999999999999999999,good,,\n", "is no index"},
    {"index,type,part,set\n0,,,\n", "line 2: the type is empty"},
    {"index,type,part,set\n0,good,,train,\n", "line 2: 4 fields are needed, not 5"},
    {"index,type,part,set\n0,good\n", "line 2: 4 fields are needed, not 2"},
    {"index,type,part,set\n0,,,,,,,,,,,\n", "line 2: 4 fields are needed, not more than 8"},
    {"index,type,part,set\n0,good,,learn\n", "line 2: 'learn' is no set"},
    {"index,type,part,set\n0,good,,train\n1,good,,\n2,dent,,\n", "the set is empty in some rows only"},
    {"index,type,part,set\n0,\"good,,\n1,good,,\n", "line 2: 4 fields are needed"},
};
enum { BAD_LABELS = sizeof bad_labels / sizeof *bad_labels };

Test(stack, damaged_labels_are_refused_with_the_line, .init = make_root, .fini = remove_root) {
    write_noise("images.tif", 3);
    for (size_t i = 0; i < BAD_LABELS; i++) {
        write_text("labels.csv", bad_labels[i].labels);
        expect_refused(LB_FORMAT, bad_labels[i].words);
    }
    write_file("labels.csv", "index,type,part,set\n0,good\0,,\n", 30);
    expect_refused(LB_FORMAT, "it holds a zero byte");
}

Test(stack, a_part_in_two_sets_is_refused, .init = make_root, .fini = remove_root) {
    FILE *out = fopen(path_of("labels.csv"), "wb");
    write_noise("images.tif", 12);
    fputs("index,type,part,set\n", out);
    for (int i = 0; i < 12; i++)
        fprintf(out, "%d,%s,%d,%s\n", i, i % 2 ? "good" : "dent", i == 11 ? 0 : i, dataset_set_names[i / 3]);
    fclose(out);
    expect_refused(LB_FORMAT, "the same part is in train");
}

Test(stack, what_is_missing_is_named, .init = make_stack, .fini = remove_root) {
    const dataset_request nowhere = {.search = NULL};
    dataset d;
    lb_error error = {0};
    cr_assert(eq(int, unlink(path_of("images.tif")), 0));
    expect_refused(LB_FORMAT, "images.tif");
    cr_assert(eq(int, unlink(path_of("labels.csv")), 0));
    expect_refused(LB_NOT_FOUND, "labels.csv");
    cr_expect(eq(int, dataset_open("stack", &nowhere, &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "needs the folder") != NULL, "%s", error.message);
}

static const struct {
    const char *row, *words;
} bad_boxes[] = {
    {"140,scratch,0,0,1,1", "'140' is no index"},
    {"100,rust,0,0,1,1", "this type of defect is not in labels.csv"},
    {"100,good,0,0,1,1", "this type of defect is not"},
    {"100,scratch,0,0,1", "6 fields are needed, not 5"},
    {"100,scratch,a,0,1,1", "'a' is no number"},
    {"100,scratch,,0,1,1", "'' is no number"},
    {"100,scratch,nan,0,1,1", "'nan' is no number"},
    {"100,scratch,1,0,1,1", "empty or leaves the image"},
    {"100,scratch,2,0,1,1", "empty or leaves the image"},
    {"100,scratch,-1,0,1,1", "empty or leaves the image"},
    {"100,scratch,0,0,4.5,1", "empty or leaves the image"},
    {"100,scratch,0,0,1,5", "empty or leaves the image"},
};
enum { BAD_BOXES = sizeof bad_boxes / sizeof *bad_boxes };

Test(stack, damaged_boxes_are_refused_with_the_line, .init = make_stack, .fini = remove_root) {
    char content[200];
    for (size_t i = 0; i < BAD_BOXES; i++) {
        snprintf(content, sizeof content, "index,type,x1,y1,x2,y2\n101,scratch,0,0,4,4\n%s\n", bad_boxes[i].row);
        write_text("boxes.csv", content);
        expect_refused(LB_FORMAT, "boxes.csv', line 3: ");
        expect_refused(LB_FORMAT, bad_boxes[i].words);
    }
}

Test(stack, masks_that_do_not_fit_are_refused, .init = make_stack, .fini = remove_root) {
    write_noise("masks.tif", 139);
    expect_refused(LB_FORMAT, "masks.tif' has 139 pages of 4 x 4 x 1; images.tif needs 140");
    write_text("masks.tif", "no picture");
    expect_refused(LB_FORMAT, "masks.tif'");
}

static int read_pages(const char *file, size_t *count, lb_error *error) {
    tiff_shape shape = {0};
    unsigned char *pixels;
    *error = (lb_error){0};
    const int code = tiff_pages_read(path_of(file), &shape, &pixels, error);
    if (code == LB_OK) free(pixels);
    *count = shape.count;
    return code;
}

/* libtiff must not print: the standard error of the process stays empty. Cut within the link to the next page, a file
   reads as one with fewer pages; labels.csv then has too many rows. */
Test(tiff, cut_short_anywhere_is_refused_or_shorter, .init = make_root, .fini = remove_root) {
    static unsigned char bytes[20000];
    struct stat printed;
    size_t shorter = 0, count;
    write_noise("images.tif", 12);
    const size_t size = read_file("images.tif", bytes, sizeof bytes);
    cr_assert(size > 1000 && size < sizeof bytes);
    cr_assert(freopen(path_of("stderr"), "w", stderr) != NULL);
    for (size_t n = 0; n < size; n++) {
        lb_error error;
        write_file("cut.tif", bytes, n);
        const int code = read_pages("cut.tif", &count, &error);
        cr_assert(code == LB_FORMAT || (code == LB_OK && (count < 12 || n >= size - 4)), "%zu of %zu bytes: %s", n,
                  size, error.message);
        cr_assert(code == LB_OK || strstr(error.message, "cut.tif") != NULL, "%s", error.message);
        shorter += code == LB_OK;
    }
    cr_expect(le(sz, shorter, 4 * 12));
    fflush(stderr);
    cr_assert(eq(int, stat(path_of("stderr"), &printed), 0));
    cr_expect(eq(int, (int)printed.st_size, 0));
}

/* Some damage cannot be told from another picture; what counts is that nothing else happens. */
Test(tiff, a_changed_byte_is_refused_or_another_picture, .init = make_root, .fini = remove_root) {
    static unsigned char bytes[20000];
    write_noise("images.tif", 5);
    const size_t size = read_file("images.tif", bytes, sizeof bytes);
    size_t refused = 0, count;
    for (size_t i = 0; i < 4 * size; i++) {
        lb_error error;
        const unsigned char right = bytes[i / 4];
        bytes[i / 4] = (unsigned char)(right ^ (unsigned char[]){0xff, 1, 0x80, 0x10}[i % 4]);
        write_file("damaged.tif", bytes, size);
        const int code = read_pages("damaged.tif", &count, &error);
        cr_assert(code == LB_OK || error.message[0], "byte %zu: %d", i / 4, code);
        refused += code != LB_OK;
        bytes[i / 4] = right;
    }
    cr_expect(gt(sz, refused, size));
}

/* What a TIFF of another kind looks like, and the words it is refused with. */
static const struct {
    uint32_t width, height;
    uint16_t bits, channels, photometric, tile;
    const char *words;
} kinds[] = {
    {4, 4, 16, 1, PHOTOMETRIC_MINISBLACK, 0, "convert it to 8 bit"},
    {4, 4, 1, 1, PHOTOMETRIC_MINISBLACK, 0, "convert it to 8 bit"},
    {4, 4, 8, 1, PHOTOMETRIC_MINISWHITE, 0, "neither grey (0 black) nor interleaved RGB"},
    {4, 4, 8, 1, PHOTOMETRIC_PALETTE, 0, "neither grey (0 black) nor interleaved RGB"},
    {4, 4, 8, 4, PHOTOMETRIC_RGB, 0, "neither grey (0 black) nor interleaved RGB"},
    {16, 16, 8, 1, PHOTOMETRIC_MINISBLACK, 16, "save it in strips"},
    {5000, 1, 8, 1, PHOTOMETRIC_MINISBLACK, 0, "1 to 4096 pixels"},
    {1, 5000, 8, 1, PHOTOMETRIC_MINISBLACK, 0, "1 to 4096 pixels"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void write_kind(size_t k) {
    static uint16_t zeros[2500];
    TIFF *tiff = TIFFOpen(path_of("kind.tif"), "w");
    cr_assert(tiff != NULL);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, kinds[k].width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, kinds[k].height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kinds[k].bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kinds[k].channels);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kinds[k].photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    if (kinds[k].photometric == PHOTOMETRIC_PALETTE) TIFFSetField(tiff, TIFFTAG_COLORMAP, zeros, zeros, zeros);
    if (kinds[k].tile) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, (uint32_t)kinds[k].tile);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, (uint32_t)kinds[k].tile);
        TIFFWriteEncodedTile(tiff, 0, zeros, TIFFTileSize(tiff));
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kinds[k].height);
        TIFFWriteEncodedStrip(tiff, 0, zeros, TIFFStripSize(tiff));
    }
    TIFFClose(tiff);
}

ParameterizedTestParameters(tiff, other_kinds_are_refused) {
    static int index[KINDS];
    for (int i = 0; i < KINDS; i++) index[i] = i;
    return cr_make_param_array(int, index, KINDS);
}

ParameterizedTest(int *i, tiff, other_kinds_are_refused, .init = make_root, .fini = remove_root) {
    lb_error error;
    size_t count;
    write_kind((size_t)*i);
    cr_expect(eq(int, read_pages("kind.tif", &count, &error), LB_FORMAT), "kind %d", *i);
    cr_expect(strstr(error.message, kinds[*i].words) != NULL, "%s", error.message);
}

Test(tiff, pages_of_different_size_are_refused, .init = make_root, .fini = remove_root) {
    static unsigned char zeros[64];
    lb_error error;
    size_t count;
    TIFF *tiff = TIFFOpen(path_of("mixed.tif"), "w");
    for (uint32_t side = 4; side <= 8; side += 4) {
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, side);
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, side);
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
        TIFFWriteEncodedStrip(tiff, 0, zeros, side * side);
        TIFFWriteDirectory(tiff);
    }
    TIFFClose(tiff);
    cr_expect(eq(int, read_pages("mixed.tif", &count, &error), LB_FORMAT));
    cr_expect(strstr(error.message, "page 2: it differs in size") != NULL, "%s", error.message);
}

Test(tiff, a_folder_is_no_file, .init = make_root, .fini = remove_root) {
    lb_error error;
    size_t count;
    cr_assert(eq(int, mkdir(path_of("folder.tif"), 0777), 0));
    cr_expect(ne(int, read_pages("folder.tif", &count, &error), LB_OK));
    cr_expect(strstr(error.message, "folder.tif") != NULL, "%s", error.message);
}

/* --- writing where it cannot be --- */

static const unsigned char *must_not_be_asked(const void *context, size_t i) {
    (void)context;
    (void)i;
    abort();
}

Test(stack, a_stack_beyond_the_limits_is_not_written, .init = make_root, .fini = remove_root) {
    static const tiff_shape shapes[] = {{0, 4, 4, 1},    {1, 0, 4, 1}, {1, 4, 0, 1},       {1, 4097, 4, 1},
                                        {1, 4, 4097, 1}, {1, 4, 4, 2}, {1000001, 1, 1, 1}, {129, 4096, 4096, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        cr_expect(eq(int, tiff_pages_write(path_of("x.tif"), &shapes[i], must_not_be_asked, NULL, NULL), LB_INVALID));
    dataset d = made(1);
    d.type_names = names;
    cr_expect(eq(int, stack_write(&d, root, NULL), LB_INVALID)); /* "dent, deep" */
    dataset_free(&d);
}

Test(stack, a_folder_that_cannot_be_made_is_named, .init = make_root, .fini = remove_root) {
    lb_error error = {0};
    dataset d = made(1);
    cr_expect(eq(int, stack_write(&d, path_of("no/such"), &error), LB_IO));
    cr_expect(strstr(error.message, "no/such") != NULL, "%s", error.message);
    dataset_free(&d);
}

/* A limit on the size of files stands in for a full disk. */
Test(stack, a_full_disk_leaves_no_half_stack, .init = make_root, .fini = remove_root) {
    const struct rlimit small = {500, RLIM_INFINITY};
    struct rlimit before;
    lb_error error = {0};
    dataset d = made(1);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &small);
    const int code = stack_write(&d, root, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    cr_expect(eq(int, code, LB_IO));
    cr_expect(strstr(error.message, "images.tif': File too large") != NULL, "%s", error.message);
    cr_expect(is_there("images.tif") + is_there("images.tif.part") + is_there("labels.csv") == 0);
    dataset_free(&d);
}

/* --- memory --- */

Test(stack, survives_a_failed_allocation, .init = make_root, .fini = remove_root) {
#if FAILING_MALLOC
    dataset written = made(3), d;
    int code = LB_MEMORY, spent = 1;
    long n = 0;
    cr_assert(eq(int, stack_write(&written, root, NULL), LB_OK));
    for (; spent; n++) {
        const dataset_request request = {.want = DATASET_MASKS | DATASET_BOXES, .search = root};
        lb_error error = {0};
        dataset_forget();
        fail_malloc_after(n);
        code = dataset_open("stack", &request, &d, &error);
        spent = calls_before_failure < 0;
        fail_malloc_after(-1);
        cr_assert(code == LB_OK || error.message[0], "allocation %ld", n);
        dataset_free(&d);
    }
    cr_expect(eq(int, code, LB_OK));
    cr_expect(gt(long, n, 50));
    for (spent = 1, n = 0; spent; n++) {
        lb_error error = {0};
        fail_malloc_after(n);
        code = stack_write(&written, root, &error);
        spent = calls_before_failure < 0;
        fail_malloc_after(-1);
        cr_assert(code == LB_OK || error.message[0], "allocation %ld", n);
    }
    cr_expect(eq(int, code, LB_OK));
    dataset_free(&written);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
