/* The importer of DeepPCB: on the pack itself, where it has been fetched, and on small packs that are made here, one
   for each of its rules. */
#include "tests/datasets/failing_open.h"
#include "tests/datasets/scratch.h"
#include "tests/datasets/fake_pictures.h"
#include "tests/datasets/mask_sets.h"
#include "tests/datasets/picture_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TILE = 128, AREA = TILE * TILE, TILES = 25, SIDE = 640, TYPES = 7 };

/* Parts are numbers of pairs; those of test.txt have this bit on top. */
static const uint32_t official_test = UINT32_C(1) << 31;

static int open_boxes(const char *expression, const char *search, unsigned seed, dataset *d, lb_error *error) {
    const dataset_request request = {.seed = seed, .want = DATASET_BOXES, .search = search};
    *error = (lb_error){0};
    return dataset_open(expression, &request, d, error);
}

static size_t count_boxes(const dataset *d) {
    size_t count = 0;
    for (int set = 0; set < SET_COUNT; set++) count += d->sets[set].box_count;
    return count;
}

/* Boxes are sorted by item, whole numbers inside the tile with area; none in goods; a defect has the type of its
   largest. */
static void expect_sound_boxes(const dataset_items *set) {
    size_t b = 0;
    for (size_t i = 0; i < set->count; i++) {
        float largest = 0;
        uint32_t type = 0;
        for (; b < set->box_count && set->boxes[b].item == i; b++) {
            const dataset_box *box = &set->boxes[b];
            const float area = (box->x2 - box->x1) * (box->y2 - box->y1);
            const int inside = box->x1 >= 0 && box->x1 < box->x2 && box->x2 <= TILE && box->y1 >= 0 &&
                               box->y1 < box->y2 && box->y2 <= TILE;
            cr_assert(inside, "item %zu", i);
            cr_assert(box->type >= 1 && box->type < TYPES, "item %zu", i);
            if (area > largest) type = box->type;
            if (area > largest) largest = area;
        }
        cr_assert(eq(u32, set->types[i], type));
        cr_assert(eq(int, type == 0, i < set->goods));
    }
    cr_assert(eq(sz, b, set->box_count));
}

static size_t parts_of(const dataset_items *set) {
    size_t parts = 0;
    for (size_t i = 0, k; i < set->count; i++) {
        for (k = 0; k < i && set->parts[k] != set->parts[i]; k++) {
        }
        parts += k == i;
    }
    return parts;
}

/* And no pair in two sets. */
static void expect_sound_pairs(const dataset *d) {
    size_t parts = 0;
    uint32_t most;
    for (int set = 0; set < SET_COUNT; set++) {
        expect_sound_boxes(&d->sets[set]);
        parts += parts_of(&d->sets[set]);
    }
    cr_assert(eq(sz, parts, count_parts(d, &most)));
}

static void expect_same(const dataset *a, const dataset *b) {
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *x = &a->sets[set], *y = &b->sets[set];
        cr_assert(eq(sz, x->count, y->count));
        cr_assert(eq(sz, x->box_count, y->box_count));
        cr_expect(eq(int, memcmp(x->pixels, y->pixels, x->count * AREA), 0));
        cr_expect(eq(int, memcmp(x->parts, y->parts, x->count * sizeof *x->parts), 0));
        cr_expect(eq(int, memcmp(x->boxes, y->boxes, x->box_count * sizeof *x->boxes), 0));
    }
}

/* --- the pack itself --- */

static dataset open_pack(const char *expression, unsigned seed) {
    dataset d;
    lb_error error;
    const int code = open_boxes(expression, public_data(), seed, &d, &error);
    if (code == LB_NOT_FOUND) cr_skip_test("deeppcb is not fetched");
    cr_assert(eq(int, code, LB_OK), "%s", error.message);
    return d;
}

/* The description of the pack: 406 of 1,500 pairs; of their 10,150 tested tiles 712 with one whole box, 50 with
   several, 2,523 that cut one. Types and boxes: as counted by a few lines of Python. Of 10,150 template tiles 1,645 are
   copies, 1,630 of them blank. */
Test(deeppcb, has_the_tiles_of_its_description) {
    static const size_t of_type[TYPES] = {10150 - 1645, 114, 111, 135, 118, 122, 162};
    dataset d = open_pack("deeppcb", 1);
    cr_expect(eq(sz, d.height, TILE));
    cr_expect(eq(sz, d.width, TILE));
    for (int type = 0; type < TYPES; type++) cr_expect(eq(sz, count_type(&d, type), of_type[type]));
    cr_expect(eq(sz, count_boxes(&d), 818));
    cr_expect(eq(sz, d.absent, 1094));
    cr_expect(eq(sz, d.cut, 2523));
    cr_expect(eq(sz, d.duplicates, 1645));
    cr_expect(eq(sz, d.conflicts + d.bad_boxes + d.unmarked, 0));
    cr_expect(eq(str, (char *)d.type_names[6], "pin-hole"));
    dataset_free(&d);
    dataset_forget();
}

Test(deeppcb, splits_by_pair_whatever_the_seed) {
    for (unsigned seed = 0; seed < 3; seed++) {
        dataset d = open_pack("deeppcb", seed);
        expect_sound_pairs(&d);
        dataset_free(&d);
    }
    dataset_forget();
}

Test(deeppcb, the_official_split_keeps_the_test_pairs) {
    dataset a = open_pack("deeppcb(split=official)", 1), b = open_pack("deeppcb(split=official)", 2);
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < a.sets[set].count; i++)
            cr_assert(eq(int, set == SET_TEST, (a.sets[set].parts[i] & official_test) != 0));
    cr_expect(eq(sz, parts_of(&a.sets[SET_TEST]), 95));
    cr_expect(
        eq(sz, parts_of(&a.sets[SET_TRAIN]) + parts_of(&a.sets[SET_SELECT]) + parts_of(&a.sets[SET_CALIBRATE]), 311));
    cr_expect(eq(sz, a.sets[SET_TEST].count, b.sets[SET_TEST].count));
    cr_expect(eq(sz, a.sets[SET_TEST].box_count, b.sets[SET_TEST].box_count));
    const size_t least =
        a.sets[SET_TRAIN].count < b.sets[SET_TRAIN].count ? a.sets[SET_TRAIN].count : b.sets[SET_TRAIN].count;
    cr_expect(memcmp(a.sets[SET_TRAIN].parts, b.sets[SET_TRAIN].parts, least * sizeof(uint32_t)) != 0);
    expect_sound_pairs(&a);
    dataset_free(&a);
    dataset_free(&b);
    dataset_forget();
}

Test(deeppcb, every_reading_gives_the_same) {
    const dataset_request request = {.search = public_data()};
    char before[300], after[300];
    dataset a = open_pack("deeppcb", 3);
    cr_assert(eq(int, dataset_text("deeppcb", &request, before, sizeof before, NULL), LB_OK));
    dataset_forget();
    cr_assert(eq(int, dataset_text("deeppcb", &request, after, sizeof after, NULL), LB_OK));
    dataset b = open_pack("deeppcb", 3);
    cr_expect(eq(str, before, after));
    expect_same(&a, &b);
    dataset_free(&a);
    dataset_free(&b);
    dataset_forget();
}

/* --- small packs --- */

/* Twelve pairs, the last four in test.txt, whose boards are black and white squares of 8 x 8 pixels, which JPEG keeps
   as they are. Each tested board has one defect, and other squares than its template: a tile that shows the same on
   both would be a copy. */
enum { PAIRS = 12, TRAINVAL = 8, SQUARE = 8, SQUARES = SIDE / SQUARE };

#define DEFAULT_BOX "8 16 40 56 1\n"

static const char *path_of(unsigned number, const char *ending) {
    static char path[200];
    const char *folder = strcmp(ending, ".txt") == 0 ? "1_not" : "1";
    snprintf(path, sizeof path, "%s/PCBData/group1/%s/%u%s", root, folder, number, ending);
    return path;
}

static unsigned char drawn[SIDE * SIDE];

static void draw_board(unsigned key) {
    static unsigned char squares[SQUARES * SQUARES];
    fill_noise(squares, sizeof squares, key);
    for (size_t i = 0; i < sizeof drawn; i++)
        drawn[i] = squares[i / SIDE / SQUARE * SQUARES + i % SIDE / SQUARE] & 1 ? 255 : 0;
}

/* The keys of the boards of pair `number`. */
static unsigned template_key(unsigned number) { return number; }
static unsigned tested_key(unsigned number) { return 1000 + number; }

static void write_board(unsigned number, const char *ending, unsigned key) {
    draw_board(key);
    write_grey_jpeg(path_of(number, ending), drawn, SIDE, SIDE);
}

static void write_labels(unsigned number, const char *text) { write_text_file(path_of(number, ".txt"), text); }

static void write_list(const char *file, unsigned first, unsigned last, const char *more) {
    char path[200];
    snprintf(path, sizeof path, "%s/PCBData/%s", root, file);
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL);
    for (unsigned n = first; n <= last; n++) fprintf(out, "group1/1/%u.jpg group1/1_not/%u.txt\n", n, n);
    fprintf(out, "%s", more);
    fclose(out);
}

static void make_folders(void) {
    static const char *const folders[] = {"PCBData", "PCBData/group1", "PCBData/group1/1", "PCBData/group1/1_not"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        cr_assert(eq(int, mkdir(path, 0777), 0));
    }
}

static void make_pack(void) {
    make_root();
    make_folders();
    for (unsigned n = 1; n <= PAIRS; n++) {
        write_board(n, "_temp.jpg", template_key(n));
        write_board(n, "_test.jpg", tested_key(n));
        write_labels(n, DEFAULT_BOX);
    }
    write_list("trainval.txt", 1, TRAINVAL, "");
    write_list("test.txt", TRAINVAL + 1, PAIRS, "");
}

static int try_small(const char *expression, dataset *d, lb_error *error) {
    dataset_forget();
    return open_boxes(expression, root, 0, d, error);
}

static dataset open_small(const char *expression) {
    dataset d;
    lb_error error;
    cr_assert(eq(int, try_small(expression, &d, &error), LB_OK), "%s", error.message);
    expect_sound_pairs(&d);
    return d;
}

static void expect_refused(const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_small("deeppcb", &d, &error), LB_FORMAT), "%s: %s", words, error.message);
    cr_expect(strstr(error.message, words) != NULL, "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
}

/* The defects of a pair: boxes[most], whose item is then their type; the number of boxes. *items: of tiles. */
static size_t boxes_of(const dataset *d, uint32_t number, dataset_box *boxes, size_t most, size_t *items) {
    size_t count = 0;
    *items = 0;
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *s = &d->sets[set];
        for (size_t i = s->goods; i < s->count; i++) *items += (s->parts[i] & ~official_test) == number;
        for (size_t b = 0; b < s->box_count; b++) {
            if ((s->parts[s->boxes[b].item] & ~official_test) != number) continue;
            cr_assert(lt(sz, count, most));
            boxes[count] = s->boxes[b];
            boxes[count++].item = s->types[s->boxes[b].item];
        }
    }
    return count;
}

static void expect_box(const dataset_box *box, uint32_t type, float x1, float y1, float x2, float y2) {
    cr_expect(eq(u32, box->type, type));
    cr_expect(box->x1 == x1 && box->y1 == y1 && box->x2 == x2 && box->y2 == y2, "%g %g %g %g", (double)box->x1,
              (double)box->y1, (double)box->x2, (double)box->y2);
}

Test(small_pcb, is_cut_into_tiles, .init = make_pack, .fini = remove_root) {
    dataset d = open_small("deeppcb");
    cr_expect(eq(sz, count_type(&d, 0), PAIRS * TILES));
    cr_expect(eq(sz, count_type(&d, 1), PAIRS));
    cr_expect(eq(sz, count_boxes(&d), PAIRS));
    cr_expect(eq(sz, d.absent + d.cut + d.bad_boxes + d.unmarked + d.duplicates + d.conflicts, 0));
    cr_expect(eq(sz, d.channels, 1));
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t b = 0; b < d.sets[set].box_count; b++) expect_box(&d.sets[set].boxes[b], 1, 8, 16, 40, 56);
    dataset_free(&d);
}

/* The one defect of pair 5 lies in the last tile but one of the third row; goods show the template. */
Test(small_pcb, tiles_have_the_pixels_of_their_place, .init = make_pack, .fini = remove_root) {
    size_t defects = 0, goods = 0;
    write_labels(5, "400 264 432 384 2\n");
    dataset d = open_small("deeppcb");
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d.sets[set].count; i++) {
            if (d.sets[set].parts[i] != 5) continue;
            const int is_good = d.sets[set].types[i] == 0;
            const unsigned char *pixels = d.sets[set].pixels + i * AREA;
            draw_board(is_good ? template_key(5) : tested_key(5));
            for (size_t tile = 0; tile < TILES; tile++) {
                size_t same = 0;
                for (size_t y = 0; y < TILE; y++)
                    same += !memcmp(pixels + y * TILE, drawn + (tile / 5 * TILE + y) * SIDE + tile % 5 * TILE, TILE);
                if (same == TILE && is_good) goods++;
                if (same == TILE && !is_good) cr_expect(eq(sz, tile, 13));
                if (same == TILE && !is_good) defects++;
            }
        }
    cr_expect(eq(sz, goods, TILES));
    cr_expect(eq(sz, defects, 1));
    dataset_free(&d);
}

static const struct {
    const char *labels;
    size_t cut, items, boxes;
} rules[] = {
    {"0 0 128 128 1\n", 0, 1, 1},                    /* to the edges of its tile */
    {"128 128 256 256 1\n", 0, 1, 1},                /* and meets its neighbours in no area */
    {"512 512 640 640 1\n", 0, 1, 1},                /* the last tile */
    {"100 10 129 20 1\n", 2, 0, 0},                  /* over one border */
    {"127 127 129 129 1\n", 4, 0, 0},                /* over a corner */
    {"0 0 640 640 1\n", 25, 0, 0},                   /* over all */
    {"10 10 20 20 1\n100 50 140 60 1\n", 2, 0, 0},   /* a whole box in a tile that cuts another */
    {"10 10 20 20 1\n300 300 340 330 2\n", 0, 2, 2}, /* two tiles */
    {"10 10 20 20 1\n90 90 100 100 1\n", 0, 1, 2},   /* two in one */
    {"10 10 20 20 1\n510 10 520 20 1\n", 2, 1, 1},   /* a tile that is cut does not hurt others */
};

Test(small_pcb, holds_whole_boxes_only, .init = make_pack, .fini = remove_root) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        dataset_box boxes[4];
        size_t items;
        write_labels(3, rules[i].labels);
        dataset d = open_small("deeppcb");
        cr_expect(eq(sz, d.cut, rules[i].cut), "%s", rules[i].labels);
        cr_expect(eq(sz, boxes_of(&d, 3, boxes, 4, &items), rules[i].boxes), "%s", rules[i].labels);
        cr_expect(eq(sz, items, rules[i].items), "%s", rules[i].labels);
        cr_expect(eq(sz, count_type(&d, 0), PAIRS * TILES), "%s", rules[i].labels);
        dataset_free(&d);
    }
}

Test(small_pcb, counts_as_the_largest_box, .init = make_pack, .fini = remove_root) {
    dataset_box boxes[3];
    size_t items;
    write_labels(3, "130 260 140 270 2\n150 270 250 300 5\n200,310,256,320,6\n");
    dataset d = open_small("deeppcb");
    cr_assert(eq(sz, boxes_of(&d, 3, boxes, 3, &items), 3));
    expect_box(&boxes[0], 2, 2, 4, 12, 14);
    expect_box(&boxes[1], 5, 22, 14, 122, 44);
    expect_box(&boxes[2], 6, 72, 54, 128, 64);
    for (int i = 0; i < 3; i++) cr_expect(eq(u32, boxes[i].item, 5));
    dataset_free(&d);
}

/* The tiles between the corners of a bad box are left out, in whatever order the corners are. */
Test(small_pcb, bad_boxes_are_counted_and_their_tiles_left_out, .init = make_pack, .fini = remove_root) {
    static const struct {
        const char *labels;
        size_t bad, cut, items, unmarked;
    } bad[] = {
        {DEFAULT_BOX "300 10 290 20 2\n", 1, 1, 1, 0},   /* inverted, elsewhere */
        {DEFAULT_BOX "100 10 90 20 2\n", 1, 1, 0, 0},    /* in the tile of the defect */
        {DEFAULT_BOX "300 20 300 30 2\n", 1, 1, 1, 0},   /* without area */
        {DEFAULT_BOX "600 600 641 640 2\n", 1, 1, 1, 0}, /* out of the image */
        {DEFAULT_BOX "-10 200 10 210 2\n", 1, 1, 1, 0},  /* two of which one tile exists */
        {DEFAULT_BOX "700 700 800 800 2\n", 1, 0, 1, 0}, /* all out */
        {DEFAULT_BOX "520 600 300 10 2\n8 8 8 8 3\n", 2, 16, 0, 0},
        {"300 10 290 20 2\n", 1, 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        dataset_box boxes[2];
        size_t items;
        write_labels(3, bad[i].labels);
        dataset d = open_small("deeppcb");
        cr_expect(eq(sz, d.bad_boxes, bad[i].bad), "%s", bad[i].labels);
        cr_expect(eq(sz, d.cut, bad[i].cut), "%s", bad[i].labels);
        cr_expect(eq(sz, d.unmarked, bad[i].unmarked), "%s", bad[i].labels);
        boxes_of(&d, 3, boxes, 2, &items);
        cr_expect(eq(sz, items, bad[i].items), "%s", bad[i].labels);
        dataset_free(&d);
    }
}

Test(small_pcb, boards_without_boxes_are_left_out_and_counted, .init = make_pack, .fini = remove_root) {
    write_labels(2, "");
    write_labels(11, "\n");
    dataset d = open_small("deeppcb");
    cr_expect(eq(sz, d.unmarked, 2));
    cr_expect(eq(sz, count_type(&d, 1), PAIRS - 2));
    cr_expect(eq(sz, count_type(&d, 0), PAIRS * TILES)); /* their templates are clean all the same */
    dataset_free(&d);
}

Test(small_pcb, pairs_that_are_not_there_are_counted, .init = make_pack, .fini = remove_root) {
    write_list("trainval.txt", 1, TRAINVAL, "group1/1/77.jpg group1/1_not/77.txt\ngroup9/9/9.jpg group9/9_not/9.txt\n");
    write_list("test.txt", TRAINVAL + 1, PAIRS + 3, "");
    dataset d = open_small("deeppcb");
    cr_expect(eq(sz, d.absent, 5));
    cr_expect(eq(sz, count_type(&d, -1), PAIRS * (TILES + 1)));
    dataset_free(&d);
}

Test(small_pcb, half_a_pair_is_refused_by_name, .init = make_pack, .fini = remove_root) {
    static const char *const endings[] = {"_temp.jpg", "_test.jpg", ".txt"};
    for (size_t i = 0; i < 3; i++) {
        char away[300], words[100];
        snprintf(away, sizeof away, "%s.away", path_of(4, endings[i]));
        snprintf(words, sizeof words, "/4%s' is missing, and the rest of its pair is there; fetch", endings[i]);
        cr_assert(eq(int, rename(path_of(4, endings[i]), away), 0));
        expect_refused(words);
        cr_assert(eq(int, rename(away, path_of(4, endings[i])), 0));
    }
}

Test(small_pcb, lists_that_are_none_are_refused, .init = make_pack, .fini = remove_root) {
    char path[200];
    write_list("test.txt", TRAINVAL + 1, PAIRS, "group1/../../1/5.jpg group1/1_not/5.txt\n");
    expect_refused("PCBData/test.txt', line 5: not '<folder>/<number>.jpg");
    write_list("trainval.txt", 1, 3, "/etc/5.jpg group1/1_not/5.txt\n");
    expect_refused("PCBData/trainval.txt', line 4: not");
    write_list("trainval.txt", 81, 90, "");
    write_list("test.txt", 91, 92, "");
    expect_refused("/PCBData' holds none of the 12 pairs in its lists; fetch");
    snprintf(path, sizeof path, "%s/PCBData/test.txt", root);
    cr_assert(eq(int, unlink(path), 0));
    expect_refused("PCBData/test.txt' is missing; fetch");
}

Test(small_pcb, labels_that_are_none_are_refused, .init = make_pack, .fini = remove_root) {
    write_labels(6, DEFAULT_BOX "1 2 3 4\n");
    expect_refused("1_not/6.txt', line 2: not five whole numbers");
    write_labels(6, "1 2 3 4 7\n");
    expect_refused("1_not/6.txt', line 1: the type is none of 1 to 6; fetch");
}

Test(small_pcb, images_that_are_none_are_refused_by_name, .init = make_pack, .fini = remove_root) {
    write_grey_jpeg(path_of(6, "_test.jpg"), drawn, SIDE - 1, SIDE);
    expect_refused("1/6_test.jpg' is 640 x 639 pixels, not 640 x 640");
    write_grey_jpeg(path_of(5, "_temp.jpg"), drawn, SIDE, SIDE - 8);
    expect_refused("1/5_temp.jpg' is 632 x 640 pixels, not 640 x 640");
    write_text_file(path_of(4, "_temp.jpg"), "no picture");
    expect_refused("1/4_temp.jpg'");
}

/* A part of the images is saved in colour. */
Test(small_pcb, colour_is_read_as_grey, .init = make_pack, .fini = remove_root) {
    static unsigned char colour[SIDE * SIDE * 3];
    dataset a = open_small("deeppcb");
    draw_board(tested_key(3));
    for (size_t i = 0; i < sizeof colour; i++) colour[i] = drawn[i / 3];
    write_jpeg_file(path_of(3, "_test.jpg"), colour, SIDE, SIDE, 3, 100);
    dataset b = open_small("deeppcb");
    expect_same(&a, &b);
    dataset_free(&a);
    dataset_free(&b);
}

/* The right half of three templates is blank: 3 columns of 5 tiles, of which one is kept. A defect on a board that
   shows the same as a template contradicts it. */
Test(small_pcb, blank_tiles_are_kept_once, .init = make_pack, .fini = remove_root) {
    for (unsigned n = 2; n <= 4; n++) {
        draw_board(template_key(n));
        for (size_t y = 0; y < SIDE; y++) memset(drawn + y * SIDE + 2 * TILE, 255, SIDE - 2 * TILE);
        write_grey_jpeg(path_of(n, "_temp.jpg"), drawn, SIDE, SIDE);
    }
    write_board(9, "_test.jpg", template_key(9));
    dataset d = open_small("deeppcb");
    cr_expect(eq(sz, d.duplicates, 3 * 15 - 1));
    cr_expect(eq(sz, d.conflicts, 2));
    cr_expect(eq(sz, count_type(&d, 0), PAIRS * TILES - (3 * 15 - 1) - 1));
    cr_expect(eq(sz, count_type(&d, 1), PAIRS - 1));
    dataset_free(&d);
}

Test(small_pcb, the_official_split_deals_the_other_pairs_by_the_seed, .init = make_pack, .fini = remove_root) {
    static const size_t pairs[SET_COUNT] = {5, 1, 2, 4}; /* 8 by 50 : 10 : 15, and 4 */
    for (unsigned seed = 0; seed < 4; seed++) {
        dataset d;
        lb_error error;
        cr_assert(eq(int, open_boxes("deeppcb(split=official)", root, seed, &d, &error), LB_OK), "%s", error.message);
        for (int set = 0; set < SET_COUNT; set++) {
            cr_expect(eq(sz, d.sets[set].count, pairs[set] * (TILES + 1)));
            for (size_t i = 0; i < d.sets[set].count; i++)
                cr_assert(eq(int, set == SET_TEST, (d.sets[set].parts[i] & ~official_test) > TRAINVAL));
        }
        dataset_free(&d);
    }
}

Test(small_pcb, a_changed_label_or_list_is_another_content, .init = make_pack, .fini = remove_root) {
    const dataset_request request = {.search = root};
    char text[3][300];
    for (size_t i = 0; i < 3; i++) {
        if (i == 1) write_labels(7, "8 16 40 57 1\n");
        if (i == 2) write_list("trainval.txt", 1, TRAINVAL + 1, "");
        if (i == 2) write_list("test.txt", TRAINVAL + 2, PAIRS, "");
        dataset_forget();
        cr_assert(eq(int, dataset_text("deeppcb", &request, text[i], sizeof text[i], NULL), LB_OK));
        for (size_t k = 0; k < i; k++) cr_expect(strcmp(text[i], text[k]) != 0);
    }
}

Test(small_pcb, that_is_not_there_is_named_with_the_remedy, .init = make_root, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_small("deeppcb", &d, &error), LB_NOT_FOUND));
    cr_expect(strstr(error.message, "make datasets") != NULL, "%s", error.message);
}

Test(small_pcb, other_splits_are_refused, .init = make_pack, .fini = remove_root) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_small("deeppcb(split=mine)", &d, &error), LB_INVALID), "%s", error.message);
    cr_expect(eq(int, try_small("deeppcb(split=2)", &d, &error), LB_INVALID), "%s", error.message);
}

Test(small_pcb, survives_a_failed_allocation, .init = make_pack, .fini = remove_root) {
#if FAILING_MALLOC
    open_while_memory_fails("deeppcb(split=official)", root, DATASET_BOXES, 80, 11);
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
