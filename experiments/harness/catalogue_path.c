/* The batches that the pictures of the catalogue follow: one thing moves, the rest stands still. */
#include "experiments/harness/catalogue.h"

#include "experiments/harness/eval_call.h"
#include "lib/base/repro_math.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define GOODS 900 /* training counts, for the parameters that are auto and the losses that want class_counts */
#define DEFECTS 100
#define FREQUENT 900
#define LESS_FREQUENT 225
#define RARE 56
#define SIDE 48 /* of an image of discs, pixels */
#define RADIUS 8
#define EDGE 4
#define LINE_WIDTH 6
#define LINE_LENGTH 32
#define BOX 32 /* side of the true box, pixels */
#define SQRT_5 2.2360679774997896
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define GOODS_TEXT TEXT(GOODS)
#define DEFECTS_TEXT TEXT(DEFECTS)
#define FREQUENT_TEXT TEXT(FREQUENT)
#define LESS_FREQUENT_TEXT TEXT(LESS_FREQUENT)
#define RARE_TEXT TEXT(RARE)
#define SIDE_TEXT TEXT(SIDE) " x " TEXT(SIDE)
#define BOX_TEXT TEXT(BOX) " x " TEXT(BOX)
#define RADIUS_TEXT TEXT(RADIUS)
#define EDGE_TEXT TEXT(EDGE)
#define LINE_WIDTH_TEXT TEXT(LINE_WIDTH)
#define LINE_LENGTH_TEXT TEXT(LINE_LENGTH)

enum { CLASSES = 3, ITEMS = 16, ELEMENTS = 2 * SIDE * SIDE };

/* `watched`: the element that moves. */
typedef struct path_batch {
    eval_call call;
    size_t watched;
    int classes[ITEMS];
    double counts[CLASSES], input[ELEMENTS], target[ELEMENTS], grad[ELEMENTS];
} path_batch;

static double slope_of_watched(const path_batch *b) { return b->grad[b->watched]; }

static size_t size_of(const path_batch *b) { return b->call.images * b->call.channels * b->call.pixels; }

static double slope_norm(const path_batch *b) {
    double squares = 0;
    for (size_t i = 0; i < size_of(b); i++) squares += b->grad[i] * b->grad[i];
    return sqrt(squares);
}

static double slope_sum(const path_batch *b) {
    double sum = 0;
    for (size_t i = 0; i < size_of(b); i++) sum += fabs(b->grad[i]);
    return sum;
}

/* --- binary ------------------------------------------------------------------------------------------------------ */

/* Case 0 is a defect, case 1 a good part. */
static void place_logit(path_batch *b, double x, size_t which) {
    b->call.images = b->call.channels = b->call.pixels = 1;
    b->input[0] = x;
    b->target[0] = which == 0;
}

static const loss_path logit_path = {
    .axis = "logit z",
    .slope_axis = "gradient by z",
    .text =
        "one element, its logit z from low to high, as a defect (y = 1) and as a good part (y = 0); `auto` stands for "
        "a training set of " GOODS_TEXT " goods and " DEFECTS_TEXT " defects",
    .low = -6,
    .high = 6,
    .cases = {"defect", "good part"},
    .reference = "bce",
    .place = place_logit,
    .slope_of = slope_of_watched,
};

/* Goods, then defects, then the one that moves. */
static const double still[ITEMS - 1] = {-4, -3.4, -3, -2.6, -2.2, -1.9, -1.5, -1.1, -0.8, -0.3, 0.4, 1.2, -0.5, 1.8, 3};
enum { STILL_GOODS = 12 };

static void place_among_others(path_batch *b, double x, size_t which) {
    b->call.images = ITEMS;
    b->call.channels = b->call.pixels = 1;
    for (size_t i = 0; i < ITEMS; i++) {
        b->input[i] = i + 1 < ITEMS ? still[i] : x;
        b->target[i] = i + 1 < ITEMS ? i >= STILL_GOODS : which == 0;
    }
    b->watched = ITEMS - 1;
}

static const loss_path among_others_path = {
    .axis = "logit of the one that moves",
    .slope_axis = "gradient by that logit",
    .text = "a batch of 12 good parts and 3 defects that stand still, and one more defect, or good part, whose logit "
            "moves from low to high",
    .low = -6,
    .high = 6,
    .cases = {"defect moves", "good part moves"},
    .reference = "bce",
    .goods = still,
    .good_count = STILL_GOODS,
    .defects = still + STILL_GOODS,
    .defect_count = ITEMS - 1 - STILL_GOODS,
    .place = place_among_others,
    .slope_of = slope_of_watched,
};

/* --- multi-class ------------------------------------------------------------------------------------------------- */

/* Case c: the item is of class c. */
static void place_class(path_batch *b, double x, size_t which) {
    b->call.images = b->call.pixels = 1;
    b->call.channels = CLASSES;
    for (size_t c = 0; c < CLASSES; c++) b->input[c] = c == which ? x : 0;
    b->classes[0] = (int)which;
    b->call.classes = b->classes;
    b->watched = which;
}

static const loss_path class_path = {
    .axis = "logit of the true class",
    .slope_axis = "gradient by that logit",
    .text = "one item of one of three classes, which have " FREQUENT_TEXT ", " LESS_FREQUENT_TEXT " and " RARE_TEXT
            " items in training; the logit of its true class moves from low to high, the others are 0. A loss that "
            "treats the classes alike has one line",
    .low = -6,
    .high = 6,
    .cases = {"class of " FREQUENT_TEXT, "class of " LESS_FREQUENT_TEXT, "class of " RARE_TEXT},
    .reference = "ce",
    .place = place_class,
    .slope_of = slope_of_watched,
};

/* Class and true-class logit of the items that stand still; all other logits are 0. */
static const struct {
    int class_index;
    double logit;
} still_items[] = {{0, 3}, {0, 2}, {0, 1}, {0, -1}, {1, 2}, {1, 0}, {2, 1}};
enum { STILL_ITEMS = sizeof still_items / sizeof *still_items };

static void place_class_among_others(path_batch *b, double x, size_t which) {
    b->call.images = STILL_ITEMS + 1;
    b->call.channels = CLASSES;
    b->call.pixels = 1;
    b->call.classes = b->classes;
    for (size_t i = 0; i <= STILL_ITEMS; i++) {
        b->classes[i] = i < STILL_ITEMS ? still_items[i].class_index : (int)which;
        for (size_t c = 0; c < CLASSES; c++) b->input[i * CLASSES + c] = 0;
        b->input[i * CLASSES + (size_t)b->classes[i]] = i < STILL_ITEMS ? still_items[i].logit : x;
    }
    b->watched = STILL_ITEMS * CLASSES + which;
}

static const loss_path class_among_others_path = {
    .axis = "true-class logit of the one that moves",
    .slope_axis = "gradient by that logit",
    .text = "a batch of items that stand still, 4 of the first class, 2 of the second, 1 of the third, and one more "
            "whose true-class logit moves from low to high",
    .low = -6,
    .high = 6,
    .cases = {"first class moves", "second class moves", "third class moves"},
    .reference = "ce",
    .place = place_class_among_others,
    .slope_of = slope_of_watched,
};

/* --- regression and boxes ---------------------------------------------------------------------------------------- */

static void place_difference(path_batch *b, double x, size_t which) {
    (void)which;
    b->call.images = b->call.channels = b->call.pixels = 1;
    b->input[0] = x;
    b->target[0] = 0;
}

static const loss_path difference_path = {
    .axis = "prediction − target",
    .slope_axis = "gradient by the prediction",
    .text = "one number, its difference to the target from low to high",
    .low = -4,
    .high = 4,
    .cases = {""},
    .reference = "l1",
    .place = place_difference,
    .slope_of = slope_of_watched,
};

/* A box of width times `stretch`, its centre moved. */
static void place_box(path_batch *b, double dx, double dy, double stretch) {
    const double half = 0.5 * BOX, centre = 2 * BOX;
    const double box[4] = {centre + dx - half * stretch, centre + dy - half, centre + dx + half * stretch,
                           centre + dy + half};
    b->call.images = b->call.pixels = 1;
    b->call.channels = 4;
    for (size_t k = 0; k < 4; k++) {
        b->input[k] = box[k];
        b->target[k] = k < 2 ? centre - half : centre + half;
    }
}

/* Two to the right for each one down. */
static void place_sliding(path_batch *b, double x, size_t which) {
    (void)which;
    place_box(b, x * 2 / SQRT_5, x / SQRT_5, 1);
}

static void place_stretched(path_batch *b, double x, size_t which) {
    (void)which;
    place_box(b, 0, 0, x);
}

static const loss_path sliding_path = {
    .axis = "distance of the centres, px",
    .slope_axis = "norm of the gradient, 1/px",
    .text = "a box of the size of the true one, " BOX_TEXT
            " pixels, slides past it, two pixels to the right for each one down; beyond the grey lines the two are "
            "disjoint",
    .rules = {-0.5 * BOX * SQRT_5, 0.5 * BOX *SQRT_5},
    .low = -64,
    .high = 64,
    .cases = {""},
    .reference = "box_iou",
    .place = place_sliding,
    .slope_of = slope_norm,
};

static const loss_path stretched_path = {
    .axis = "width / true width",
    .slope_axis = "norm of the gradient, 1/px",
    .text = "a box with the centre and the height of the true one, its width from a quarter to four times the true one",
    .low = -2,
    .high = 2,
    .powers = 1,
    .cases = {""},
    .reference = "box_iou",
    .place = place_stretched,
    .slope_of = slope_norm,
};

/* --- masks ------------------------------------------------------------------------------------------------------- */

/* From how far outside a shape a point is, in pixels, to its logit: p from .98 to .02 over the EDGE pixels of the rim.
   The rim is soft so that the lines show the loss and not the pixels. */
static double shape_logit(double outside) {
    return -3.8918202981106265 * fmin(fmax(2 * outside / EDGE, -1), 1); /* log(.98/.02) */
}

/* How far a point is outside of a shape with two measures; `at` is its place along x. */
typedef double shape(double x, double y, double at, double size);

static double outside_disc(double x, double y, double at, double radius) {
    const double dx = x - at, dy = y - 0.5 * SIDE;
    return sqrt(dx * dx + dy * dy) - radius;
}

/* A vertical line; `gap` pixels are missing in its middle. */
static double outside_line(double x, double y, double at, double gap) {
    const double along = fabs(y - 0.5 * SIDE);
    return fmax(fmax(fabs(x - at) - 0.5 * LINE_WIDTH, along - 0.5 * LINE_LENGTH), gap > 0 ? 0.5 * gap - along : -SIDE);
}

typedef struct {
    shape *outside;
    double at, size;
} figure;

static void place_figures(path_batch *b, size_t channels, figure truth, figure predicted) {
    const size_t n = (size_t)SIDE * SIDE;
    b->call.images = 1;
    b->call.channels = channels;
    b->call.pixels = n;
    b->call.width = SIDE;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)(i % SIDE) + 0.5, y = (double)((i - i % SIDE) / SIDE) + 0.5;
        const double logit = shape_logit(predicted.outside(x, y, predicted.at, predicted.size));
        const double label = truth.outside(x, y, truth.at, truth.size) < 0;
        b->input[i] = channels > 1 ? -logit : logit; /* background first */
        b->target[i] = channels > 1 ? 1 - label : label;
        if (channels > 1) b->input[n + i] = logit, b->target[n + i] = label;
    }
}

static void place_shifted_discs(path_batch *b, double shift, size_t channels) {
    const double at = 0.25 * SIDE;
    place_figures(b, channels, (figure){outside_disc, at, RADIUS}, (figure){outside_disc, at + shift, RADIUS});
}

static void place_growing_discs(path_batch *b, double radius, size_t channels) {
    const double at = 0.5 * SIDE;
    place_figures(b, channels, (figure){outside_disc, at, RADIUS}, (figure){outside_disc, at, radius});
}

static void place_shifted(path_batch *b, double x, size_t which) {
    (void)which;
    place_shifted_discs(b, x, 1);
}

static void place_growing(path_batch *b, double x, size_t which) {
    (void)which;
    place_growing_discs(b, x, 1);
}

static void place_shifted_channels(path_batch *b, double x, size_t which) {
    (void)which;
    place_shifted_discs(b, x, 2);
}

static void place_growing_channels(path_batch *b, double x, size_t which) {
    (void)which;
    place_growing_discs(b, x, 2);
}

static void place_shifted_line(path_batch *b, double x, size_t which) {
    const double at = 0.25 * SIDE;
    (void)which;
    place_figures(b, 1, (figure){outside_line, at, 0}, (figure){outside_line, at + x, 0});
}

static void place_broken_line(path_batch *b, double x, size_t which) {
    const double at = 0.5 * SIDE;
    (void)which;
    place_figures(b, 1, (figure){outside_line, at, 0}, (figure){outside_line, at, x});
}

/* What all paths over masks have. */
#define MASK_PATH .slope_axis = "sum of |gradient|", .cases = {""}, .reference = "dice", .slope_of = slope_sum
#define SHIFTED_DISCS .axis = "shift of the predicted disc, px", .low = 0, .high = 24, .rules = {2 * RADIUS}
#define GROWING_DISCS .axis = "radius of the predicted disc, px", .low = 0, .high = 24, .rules = {RADIUS}

static const loss_path shifted_path = {
    MASK_PATH,
    SHIFTED_DISCS,
    .text = "a disc of " RADIUS_TEXT " pixels radius in an image of " SIDE_TEXT
            " is predicted with p = .98 inside, .02 outside and a rim of " EDGE_TEXT
            " pixels between, shifted; beyond the grey line the two are apart",
    .place = place_shifted,
};

static const loss_path growing_path = {
    MASK_PATH,
    GROWING_DISCS,
    .text = "the same disc predicted in its place, too small or too large; the grey line is the true radius",
    .place = place_growing,
};

static const loss_path shifted_channels_path = {
    MASK_PATH,
    SHIFTED_DISCS,
    .text = "for losses that weigh channels: the same as two channels, background and defect",
    .place = place_shifted_channels,
};

static const loss_path growing_channels_path = {
    MASK_PATH,
    GROWING_DISCS,
    .text = "for losses that weigh channels: the same as two channels",
    .place = place_growing_channels,
};

static const loss_path shifted_line_path = {
    MASK_PATH,
    .axis = "shift of the predicted line, px",
    .low = 0,
    .high = 16,
    .rules = {LINE_WIDTH},
    .text = "for losses of thin shapes: a line, " LINE_WIDTH_TEXT " pixels wide and " LINE_LENGTH_TEXT
            " long, predicted in parallel; beyond the grey line the two are apart",
    .place = place_shifted_line,
};

static const loss_path broken_line_path = {
    MASK_PATH,
    .axis = "gap in the predicted line, px",
    .low = 0,
    .high = LINE_LENGTH,
    .text = "for losses of thin shapes: the same line predicted with a gap in its middle",
    .place = place_broken_line,
};

/* Losses that show little on the paths of their kind. */
static const struct {
    const char *loss;
    const loss_path *paths[PATHS];
} own_paths[] = {
    {"generalized_dice", {&shifted_channels_path, &growing_channels_path}},
    {"cldice", {&shifted_line_path, &broken_line_path}},
    {NULL, {NULL}},
};

/* --- following them ---------------------------------------------------------------------------------------------- */

/* Paths of a loss's kind; the number of them. */
static size_t usual_paths(const loss_type *type, const loss_path **out) {
    size_t n = 0;
    if (type->kind == LOSS_BINARY) out[n++] = type->elements ? &logit_path : &among_others_path;
    if (type->classes) out[n++] = &class_path;
    if (type->kind == LOSS_MULTICLASS && !type->classes) out[n++] = &class_among_others_path;
    if (type->kind == LOSS_REGRESSION) out[n++] = &difference_path;
    if (type->kind == LOSS_BOX) out[n++] = &sliding_path, out[n++] = &stretched_path;
    if (type->kind == LOSS_MASK) out[n++] = &shifted_path, out[n++] = &growing_path;
    return n;
}

void paths_of(const loss_type *type, const loss_path *out[PATHS + 1]) {
    size_t n = usual_paths(type, out);
    for (size_t i = 0; own_paths[i].loss; i++) {
        if (strcmp(own_paths[i].loss, type->name) != 0) continue;
        for (n = 0; n < PATHS; n++) out[n] = own_paths[i].paths[n];
    }
    out[n] = NULL;
}

double path_x(const loss_path *path, size_t point) {
    const double x = path->low + (path->high - path->low) * (double)point / (PATH_POINTS - 1);
    return path->powers ? repro_exp(x * 0.69314718055994531) : x;
}

int path_follow(const loss_path *path, size_t which, const char *expression, curve *out, lb_error *error) {
    static path_batch b; /* large */
    int code = LB_OK;
    for (size_t i = 0; !code && i < PATH_POINTS; i++) {
        b = (path_batch){.counts = {FREQUENT, LESS_FREQUENT, RARE}};
        b.call = (eval_call){.expression = expression, .counts = {GOODS, DEFECTS}, .input = b.input};
        path->place(&b, path_x(path, i), which);
        if (b.call.classes)
            b.call.class_counts = b.counts;
        else
            b.call.target = b.target;
        eval_result result = {.grad = b.grad};
        code = eval_call_float(&b.call, &result, error);
        out->value[i] = result.value;
        out->slope[i] = path->slope_of(&b);
    }
    return code;
}
