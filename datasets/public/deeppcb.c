/* DeepPCB: pairs of binarised images of printed circuit boards, 640 x 640 pixels, a tested board with boxes of its
   defects and its clean template. S. Tang, F. He, X. Huang, J. Yang, "Online PCB Defect Detector On A New PCB Defect
   Dataset", arXiv:1902.06197 (2019).

   A box is about 39 pixels wide and would be 8 in an image made as small as the others here, so the items are tiles of
   128 x 128 pixels at the images' own scale, from the top left. Goods are all tiles of the templates. Defects are the
   tiles of the tested boards that hold at least one whole box and cut none; the type of a tile is that of its largest
   box. Tiles that cut a box show a part of a defect, and are left out. So are the clean tiles of the tested boards:
   each shows the same place as the template's, and would count it twice.

   A bad box (inverted, without area, or reaching outside the image) says that there is a defect, not where it ends: it
   is counted and makes no defect, and the tiles between its corners are left out like those that cut a box. A tested
   board without a good box is not known to be clean, and left out. Blank tiles of many templates are identical, and
   kept once.

   A part is a pair. Pairs that are listed and of which nothing is there are counted; half a pair is refused. */
#include "datasets/public/jpeg_image.h"
#include "datasets/public/kept_pools.h"
#include "datasets/public/pcb_text.h"
#include "datasets/split.h"
#include "datasets/whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1, TILE = 128, ROW_TILES = PCB_SIDE / TILE, TILES = ROW_TILES * ROW_TILES };
enum { MOST_TEXT = 1 << 20, LONG_PATH = PACK_PATH + PCB_PATH + 100 };

#define NAME "deeppcb"
#define FOLDER "PCBData"

/* Marks the parts, which are numbers of pairs, that the authors test on. */
#define OFFICIAL_TEST (UINT32_C(1) << 31)

enum { SPLIT_RANDOM, SPLIT_OFFICIAL };
static const param_word split_words[] = {{"random", SPLIT_RANDOM}, {"official", SPLIT_OFFICIAL}, {NULL, 0}};
static const param params[] = {{"split", SPLIT_RANDOM, SPLIT_RANDOM, SPLIT_OFFICIAL, PARAM_CHOICE, 0, 0, split_words,
                                "random: the seed deals all pairs; official: the test set is the authors', the seed "
                                "deals the other pairs"}};

static const char *const type_names[] = {"good", "open", "short", "mousebite", "spur", "copper", "pin-hole", NULL};

/* --- boards --- */

enum { TEMPLATE, TESTED, LABELS, FILES };

typedef struct {
    char paths[FILES][LONG_PATH];
    uint32_t part;
    pcb_box *boxes; /* owned */
    size_t box_count;
} board;

typedef struct {
    board *items;
    size_t count, absent, bad_boxes, unmarked;
} board_list;

static void free_boards(board_list *l) {
    for (size_t i = 0; i < l->count; i++) free(l->items[i].boxes);
    free(l->items);
}

/* *present: whether the files of the pair are there, all or none of them. */
static int find_files(const char *directory, const pcb_pair *pair, board *b, int *present, lb_error *error) {
    size_t missing = 0, first = 0;
    snprintf(b->paths[TEMPLATE], LONG_PATH, "%s/" FOLDER "/%s_temp.jpg", directory, pair->image);
    snprintf(b->paths[TESTED], LONG_PATH, "%s/" FOLDER "/%s_test.jpg", directory, pair->image);
    snprintf(b->paths[LABELS], LONG_PATH, "%s/" FOLDER "/%s.txt", directory, pair->labels);
    for (size_t k = FILES; k-- > 0;)
        if (access(b->paths[k], F_OK)) {
            missing++;
            first = k;
        }
    *present = missing == 0;
    if (missing == 0 || missing == FILES) return LB_OK;
    return lb_fail(error, LB_FORMAT,
                   "'%.300s' is missing, and the rest of its pair is there; fetch the data again with "
                   "`make datasets`",
                   b->paths[first]);
}

static int read_labels(board *b, lb_error *error) {
    char *bytes;
    size_t size;
    int code = whole_file_read(b->paths[LABELS], MOST_TEXT, &bytes, &size, error);
    if (!code) code = pcb_labels_read(bytes, size, b->paths[LABELS], &b->boxes, &b->box_count, error);
    free(bytes);
    return code;
}

static int add_board(const char *directory, const pcb_pair *pair, uint32_t mark, board_list *l, lb_error *error) {
    board *b = &l->items[l->count];
    int present, code = find_files(directory, pair, b, &present, error);
    if (code) return code;
    if (!present) {
        l->absent++;
        return LB_OK;
    }
    l->count++;
    b->part = pair->number | mark;
    code = read_labels(b, error);
    size_t bad = 0;
    for (size_t k = 0; k < b->box_count; k++) bad += b->boxes[k].bad;
    l->bad_boxes += bad;
    l->unmarked += bad == b->box_count;
    return code;
}

static int read_list(const char *directory, const char *file, pcb_pair **pairs, size_t *count, lb_error *error) {
    char path[LONG_PATH], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/" FOLDER "/%s", directory, file);
    *pairs = NULL;
    int code = whole_file_read(path, MOST_TEXT, &bytes, &size, error);
    if (code == LB_NOT_FOUND)
        code = lb_fail(error, LB_FORMAT, "'%.300s' is missing; fetch the data again with `make datasets`", path);
    if (!code) code = pcb_list_read(bytes, size, path, pairs, count, error);
    free(bytes);
    return code;
}

static int add_boards(const char *directory, const char *file, uint32_t mark, board_list *l, lb_error *error) {
    pcb_pair *pairs;
    size_t count;
    int code = read_list(directory, file, &pairs, &count, error);
    if (code) return code;
    board *more = realloc(l->items, (l->count + count + 1) * sizeof *more);
    if (more) {
        memset(more + l->count, 0, (count + 1) * sizeof *more);
        l->items = more;
    } else
        code = lb_fail_memory(error, "the list of boards");
    for (size_t i = 0; i < count && !code; i++) code = add_board(directory, &pairs[i], mark, l, error);
    free(pairs);
    return code;
}

static int read_boards(const char *directory, board_list *l, lb_error *error) {
    int code = add_boards(directory, "trainval.txt", 0, l, error);
    if (!code) code = add_boards(directory, "test.txt", OFFICIAL_TEST, l, error);
    if (!code && l->count == 0)
        code = lb_fail(error, LB_FORMAT,
                       "'%.300s/" FOLDER "' holds none of the %zu pairs in its lists; fetch the data again with `make "
                       "datasets`",
                       directory, l->absent);
    return code;
}

/* --- tiles --- */

/* Tile 0 is at the top left, ROW_TILES in a row; its left and top pixel. */
static int32_t left_of(size_t tile) { return (int32_t)(tile % ROW_TILES * TILE); }
static int32_t top_of(size_t tile) { return (int32_t)(tile / ROW_TILES * TILE); }

/* Whether the spans a..b, in either order, and start..start+TILE overlap. */
static int meets(int32_t a, int32_t b, int32_t start) {
    return (a < b ? a : b) < start + TILE && (a < b ? b : a) > start;
}

static int is_inside(const pcb_box *b, size_t tile) {
    const int32_t left = left_of(tile), top = top_of(tile);
    return !b->bad && b->x1 >= left && b->x2 <= left + TILE && b->y1 >= top && b->y2 <= top + TILE;
}

enum { CLEAN, DEFECT, CUT };

static int judge(const board *b, size_t tile) {
    int verdict = CLEAN;
    for (const pcb_box *box = b->boxes; box < b->boxes + b->box_count; box++)
        if (is_inside(box, tile))
            verdict = DEFECT;
        else if (meets(box->x1, box->x2, left_of(tile)) && meets(box->y1, box->y2, top_of(tile)))
            return CUT;
    return verdict;
}

/* Appends a tile of pixels[PCB_SIDE][PCB_SIDE]; items.count is the number of items so far. */
static size_t add_tile(image_pool *pool, const board *b, const unsigned char *pixels, size_t tile) {
    const size_t at = pool->items.count++;
    const unsigned char *from = pixels + top_of(tile) * PCB_SIDE + left_of(tile);
    unsigned char *to = pool->items.pixels + at * TILE * TILE;
    for (size_t y = 0; y < TILE; y++) memcpy(to + y * TILE, from + y * PCB_SIDE, TILE);
    pool->items.parts[at] = b->part;
    return at;
}

/* The boxes of item `at`, in its pixels, and its type. */
static void add_boxes(image_pool *pool, const board *b, size_t tile, size_t at) {
    const int32_t left = left_of(tile), top = top_of(tile);
    int32_t largest = 0;
    for (const pcb_box *box = b->boxes; box < b->boxes + b->box_count; box++) {
        if (!is_inside(box, tile)) continue;
        const int32_t area = (box->x2 - box->x1) * (box->y2 - box->y1);
        if (area > largest) pool->items.types[at] = box->type;
        if (area > largest) largest = area;
        pool->items.boxes[pool->items.box_count++] = (dataset_box){
            (uint32_t)at,          box->type, (float)(box->x1 - left), (float)(box->y1 - top), (float)(box->x2 - left),
            (float)(box->y2 - top)};
    }
}

static int cut_board(const board *b, unsigned char *pixels, image_pool *pool, lb_error *error) {
    int code = jpeg_image_read(b->paths[TEMPLATE], PCB_SIDE, PCB_SIDE, 1, pixels, error);
    if (code) return code;
    for (size_t tile = 0; tile < TILES; tile++) add_tile(pool, b, pixels, tile);
    code = jpeg_image_read(b->paths[TESTED], PCB_SIDE, PCB_SIDE, 1, pixels, error);
    for (size_t tile = 0; tile < TILES && !code; tile++) {
        const int verdict = judge(b, tile);
        if (verdict == DEFECT) add_boxes(pool, b, tile, add_tile(pool, b, pixels, tile));
        pool->cut += verdict == CUT;
    }
    return code;
}

static int allocate(const board_list *l, image_pool *pool, lb_error *error) {
    size_t tiles = 0, boxes = 0;
    for (size_t i = 0; i < l->count; i++) {
        tiles += TILES;
        for (size_t tile = 0; tile < TILES; tile++) tiles += judge(&l->items[i], tile) == DEFECT;
        boxes += l->items[i].box_count;
    }
    const int code = image_pool_allocate(pool, TILE, TILE, tiles, DATASET_BOXES, boxes, error);
    pool->items.count = 0;
    pool->absent = l->absent;
    pool->bad_boxes = l->bad_boxes;
    pool->unmarked = l->unmarked;
    return code;
}

static int read_pool(const char *directory, size_t unused, image_pool *out, lb_error *error) {
    board_list l = {0};
    unsigned char *pixels = malloc(PCB_SIDE * PCB_SIDE);
    (void)unused;
    int code = pixels ? read_boards(directory, &l, error) : lb_fail_memory(error, "a picture");
    if (!code) code = allocate(&l, out, error);
    for (size_t i = 0; i < l.count && !code; i++) code = cut_board(&l.items[i], pixels, out, error);
    if (!code) code = image_pool_finish(out, error);
    free(pixels);
    free_boards(&l);
    return code;
}

/* --- the data set --- */

static kept_pools pools = {.name = NAME, .marker = FOLDER "/trainval.txt", .read = read_pool};

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const image_pool *pool;
    (void)values;
    const int code = kept_pools_get(&pools, 0, request->search, &pool, error);
    return code ? code : image_pool_identify(pool, out, size, error);
}

/* split_usual's shares of goods without the test set, for defects too: most parts hold both. */
static const split_shares without_test = {.good = {50.0 / 75, 10.0 / 75, 15.0 / 75, 0},
                                          .defect = {50.0 / 75, 10.0 / 75, 15.0 / 75, 0}};

/* set_of and keep are [items.count]; keep is ours to use. */
static int deal(const image_pool *pool, unsigned seed, unsigned char *set_of, unsigned char *keep, lb_error *error) {
    char stream_name[60];
    item_split split = {0};
    for (size_t i = 0; i < pool->items.count; i++) {
        set_of[i] = SET_TEST;
        keep[i] = pool->usable[i] && !(pool->items.parts[i] & OFFICIAL_TEST);
    }
    snprintf(stream_name, sizeof stream_name, "official|" NAME "|seed=%u", seed);
    rng stream = rng_from_text(stream_name);
    const int code = split_by_part(&pool->items, keep, &without_test, &stream, &split, error);
    for (int set = 0; set < SET_COUNT && !code; set++)
        for (size_t i = 0; i < split.count[set]; i++) set_of[split.items[set][i]] = (unsigned char)set;
    split_free(&split);
    return code;
}

/* The authors' test pairs as the test set, the others by the seed. */
static int open_official(const image_pool *pool, const dataset_request *request, dataset *out, lb_error *error) {
    unsigned char *set_of = malloc(pool->items.count), *keep = malloc(pool->items.count);
    int code = set_of && keep ? deal(pool, request->seed, set_of, keep, error)
                              : lb_fail_memory(error, "the split of a data set");
    if (!code) code = image_pool_open(pool, NAME, type_names, set_of, request, out, error);
    free(set_of);
    free(keep);
    return code;
}

static int open_tiles(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    const image_pool *pool;
    const int code = kept_pools_get(&pools, 0, request->search, &pool, error);
    if (code) return code;
    return (int)values[0] == SPLIT_OFFICIAL ? open_official(pool, request, out, error)
                                            : image_pool_open(pool, NAME, type_names, NULL, request, out, error);
}

static void forget(void) { kept_pools_forget(&pools); }

const dataset_type dataset_deeppcb = {
    .name = NAME,
    .version = VERSION,
    .summary = "tiles of printed circuit boards, with boxes of their defects; clean templates as goods",
    .tasks = "classification, boxes",
    .source = "https://github.com/tangsanli5201/DeepPCB, commit 08e98c4db5922613fb97176eb3d6497d48260cb1",
    .licence = "MIT; README: \"only use this dataset for research purpose\"",
    .citation = "S. Tang, F. He, X. Huang, J. Yang, Online PCB Defect Detector On A New PCB Defect Dataset, "
                "arXiv:1902.06197 (2019)",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .identify = identify,
    .open = open_tiles,
    .forget = forget,
};
