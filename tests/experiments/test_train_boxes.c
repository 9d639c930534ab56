/* Training on boxes: the objective and its gradient, and where training starts. Whole trials: test_box_trials.c. */
#include "experiments/harness/box_scores.h"
#include "experiments/harness/train_task.h"
#include "tests/experiments/fixture.h"
#include "tests/experiments/made_boxes.h"

#include <criterion/parameterized.h>
#include <math.h>

enum { CHANNELS = MADE_TYPES + 5, OUTPUTS = MADE_CELLS * CHANNELS, NUMBERS = MADE_IMAGES * OUTPUTS };

/* --- a session without a net ---------------------------------------------------------------------------------------
 */

static made_boxes data; /* every test has its own process */
static trial made_trial;
static session s;
static float output[NUMBERS], gradient[NUMBERS], head_bias[CHANNELS];

static void session_start(const char *expression, trial_sampler sampler) {
    lb_error error = {0};
    made_boxes_open(&data);
    made_trial = (trial){.batch = MADE_IMAGES, .sampler = sampler, .task = TASK_BOX};
    s = (session){.t = &made_trial,
                  .d = &data.d,
                  .goal = objective_parse(TASK_BOX, expression, &error),
                  .outputs = OUTPUTS,
                  .output = output,
                  .gradient = gradient,
                  .head_bias = head_bias};
    cr_assert(ne(ptr, s.goal, NULL), "%s", error.message);
    cr_assert(zero(int, task_box.open(&s, &error)), "%s", error.message);
    for (size_t i = 0; i < MADE_IMAGES; i++) task_box.target(&s, &data.d.sets[SET_TRAIN], i, i);
}

static void session_end(void) {
    task_box.close(&s);
    objective_free(s.goal);
}

static const dataset_box *owner_of(size_t image, size_t place) {
    const detector_grid g = detector_grid_of(&data.d);
    const size_t first = image < 2 ? 0 : 2, count = image == 0 ? 0 : image == 1 ? 2 : 1;
    int32_t owner[MADE_CELLS];
    detector_assign(&g, made_box_list + first, count, owner);
    return owner[place] < 0 ? NULL : &made_box_list[first + (size_t)owner[place]];
}

/* In cells. */
static void predicted_box(size_t image, size_t place, float box[4]) {
    const detector_grid g = detector_grid_of(&data.d);
    detector_decode(&g, output + (image * MADE_CELLS + place) * CHANNELS, place / MADE_COLUMNS, place % MADE_COLUMNS,
                    box);
}

static void true_box(const dataset_box *b, float box[4]) {
    const float corners[4] = {b->x1 / 8, b->y1 / 8, b->x2 / 8, b->y2 / 8};
    memcpy(box, corners, sizeof corners);
}

static rng output_stream;

static void draw_cell(float *cell_output) {
    for (size_t i = 0; i < CHANNELS; i++) {
        const float u = 2 * rng_uniform(&output_stream) - 1;
        cell_output[i] = i <= MADE_TYPES ? 2 * u : 0.4f * u;
    }
}

/* Whether an edge of the predicted box lies where the slope of a box loss jumps: on one of the true box. */
static int on_kink(size_t image, size_t place) {
    const dataset_box *b = owner_of(image, place);
    float predicted[4], wanted[4];
    if (!b) return 0;
    predicted_box(image, place, predicted);
    true_box(b, wanted);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = i % 2; k < 4; k += 2)
            if (fabsf(predicted[i] - wanted[k]) < 0.03f) return 1;
    return 0;
}

/* Logits within 2, boxes around their cells, none on a kink. */
static void fill_output(void) {
    made_boxes_open(&data);
    output_stream = rng_from_text("outputs");
    for (size_t i = 0; i < MADE_IMAGES * MADE_CELLS; i++) do
            draw_cell(output + i * CHANNELS);
        while (on_kink(i / MADE_CELLS, i % MADE_CELLS));
}

static double value_of(void) {
    lb_error error = {0};
    double value;
    cr_assert(zero(int, task_box.evaluate(&s, MADE_IMAGES, &value, &error)), "%s", error.message);
    return value;
}

/* --- value and gradient --------------------------------------------------------------------------------------------
 */

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/* bce on both logit heads and l1 on boxes, written out from box_cells.h and objective.h. */
static double reference_value(void) {
    double sum = 0;
    size_t owned = 0;
    for (size_t i = 0; i < MADE_IMAGES * MADE_CELLS; i++) {
        const float *at = output + i * CHANNELS;
        const dataset_box *b = owner_of(i / MADE_CELLS, i % MADE_CELLS);
        float predicted[4], wanted[4];
        for (unsigned type = 0; type < MADE_TYPES; type++)
            sum += softplus((double)(b && b->type == type + 1 ? -at[type] : at[type]));
        sum += softplus((double)(b ? -at[MADE_TYPES] : at[MADE_TYPES]));
        if (!b) continue;
        predicted_box(i / MADE_CELLS, i % MADE_CELLS, predicted);
        true_box(b, wanted);
        for (size_t k = 0; k < 4; k++) sum += fabs((double)predicted[k] - (double)wanted[k]);
        owned++;
    }
    cr_assert(gt(sz, owned, 4));
    return sum / (double)owned;
}

Test(train_boxes, the_objective_is_the_sum_of_the_heads_over_the_owned_cells) {
    session_start("box = l1", SAMPLER_NATURAL);
    fill_output();
    cr_assert(epsilon_eq(dbl, value_of(), reference_value(), 1e-5));
    session_end();
}

/* Central differences in single precision: of a step of 1/64 the value keeps about four digits. Under `target = iou`
   the target moves with the box, but is a constant for the gradient: the boxes' channels are compared with `one`'s
   below. */
static void assert_gradient(const char *expression, size_t channels_from_front) {
    double worst = 0;
    size_t where = 0;
    session_start(expression, SAMPLER_NATURAL);
    fill_output();
    value_of();
    static float wanted[NUMBERS];
    memcpy(wanted, gradient, sizeof wanted);
    for (size_t i = 0; i < NUMBERS; i++) {
        if (i % CHANNELS >= channels_from_front) continue;
        const float kept = output[i], up = kept + 0x1p-6f, down = kept - 0x1p-6f;
        output[i] = up;
        const double high = value_of();
        output[i] = down;
        const double low = value_of();
        output[i] = kept;
        const double slope = (high - low) / ((double)up - (double)down);
        const double off = fabs(slope - (double)wanted[i]) / (0.05 + fabs(slope));
        if (off > worst) {
            worst = off;
            where = i;
        }
    }
    cr_assert(lt(dbl, worst, 5e-3), "%s: element %zu, channel %zu", expression, where, where % CHANNELS);
    session_end();
}

static const char *const objectives[] = {"",
                                         "cls = focal, obj = bce, box = 2*ciou(alpha_detached=off)",
                                         "cls = weighted_bce, obj = focal, box = smooth_l1",
                                         "cls = quality_focal, box = giou",
                                         "box = 3*diou + l1",
                                         "cls = varifocal, obj = focal(gamma=1), box = eiou"};

ParameterizedTestParameters(train_boxes, gradient_is_that_of_the_value) {
    static size_t index[sizeof objectives / sizeof *objectives];
    const size_t count = sizeof objectives / sizeof *objectives;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, train_boxes, gradient_is_that_of_the_value) {
    assert_gradient(objectives[*index][0] ? objectives[*index] : "cls = bce", CHANNELS);
}

Test(train_boxes, gradient_of_the_logits_under_an_overlap_as_target) {
    assert_gradient("cls = varifocal, target = iou, box = smooth_l1", MADE_TYPES + 1);
    assert_gradient("cls = quality_focal, target = iou, box = giou", MADE_TYPES + 1);
}

Test(train_boxes, an_overlap_as_target_sends_no_gradient_to_the_box) {
    static float plain[NUMBERS];
    fill_output();
    session_start("cls = varifocal, target = one, box = 2*ciou", SAMPLER_NATURAL);
    const double one = value_of();
    memcpy(plain, gradient, sizeof plain);
    session_end();
    session_start("cls = varifocal, target = iou, box = 2*ciou", SAMPLER_NATURAL);
    const double soft = value_of();
    size_t moved = 0;
    for (size_t i = 0; i < NUMBERS; i++)
        if (i % CHANNELS > MADE_TYPES)
            cr_assert(eq(flt, gradient[i], plain[i]), "element %zu", i);
        else
            moved += gradient[i] != plain[i];
    cr_assert(gt(sz, moved, 0));
    cr_assert(ne(dbl, one, soft));
    session_end();
}

/* Puts at every owned cell the box of its owner. */
static void fill_true_boxes(void) {
    const detector_grid g = detector_grid_of(&data.d);
    for (size_t i = 0; i < MADE_IMAGES * MADE_CELLS; i++) {
        const dataset_box *b = owner_of(i / MADE_CELLS, i % MADE_CELLS);
        float *t = output + i * CHANNELS + MADE_TYPES + 1;
        if (!b) continue;
        t[0] = (b->x1 + b->x2) / 16 - 0.5f - (float)(i % MADE_COLUMNS);
        t[1] = (b->y1 + b->y2) / 16 - 0.5f - (float)(i % MADE_CELLS / MADE_COLUMNS);
        t[2] = (float)log((double)(b->x2 - b->x1) / 8 / g.mean_width);
        t[3] = (float)log((double)(b->y2 - b->y1) / 8 / g.mean_height);
    }
}

Test(train_boxes, the_overlap_of_a_true_box_is_one) {
    fill_output();
    session_start("cls = quality_focal, target = one, box = l1", SAMPLER_NATURAL);
    fill_true_boxes();
    const double one = value_of();
    session_end();
    session_start("cls = quality_focal, target = iou, box = l1", SAMPLER_NATURAL);
    cr_assert(epsilon_eq(dbl, value_of(), one, 1e-5));
    session_end();
}

/* A side beyond its reach is as long as at the reach; the loss draws it back. */
Test(train_boxes, beyond_the_reach_a_side_is_drawn_back) {
    enum { TW = MADE_TYPES + 3 };
    session_start("box = l1", SAMPLER_NATURAL);
    fill_output();
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t i = TW; i < NUMBERS; i += CHANNELS) output[i] = (float)sign * (DETECTOR_REACH + 0.5f);
        const double value = value_of();
        for (size_t i = TW; i < NUMBERS; i += CHANNELS)
            if (owner_of(i / OUTPUTS, i % OUTPUTS / CHANNELS)) cr_assert(gt(flt, (float)sign * gradient[i], 0.0f));
        for (size_t i = TW; i < NUMBERS; i += CHANNELS) output[i] = (float)sign * (DETECTOR_REACH + 9.0f);
        cr_assert(eq(dbl, value_of(), value));
    }
    session_end();
}

Test(train_boxes, a_batch_without_a_box_trains_the_logits_alone) {
    session_start("cls = bce, box = ciou", SAMPLER_NATURAL);
    fill_output();
    for (size_t i = 0; i < MADE_IMAGES; i++) task_box.target(&s, &data.d.sets[SET_TRAIN], 0, i);
    double expected = 0; /* divided by 1, not by 0 */
    for (size_t i = 0; i < NUMBERS; i++)
        if (i % CHANNELS <= MADE_TYPES) expected += softplus((double)output[i]);
    cr_assert(epsilon_eq(dbl, value_of(), expected, 1e-4));
    for (size_t i = 0; i < NUMBERS; i++)
        if (i % CHANNELS > MADE_TYPES)
            cr_assert(zero(flt, gradient[i]));
        else
            cr_assert(gt(flt, gradient[i], 0.0f));
    session_end();
}

/* Fewer images than the batch holds: those behind say nothing. */
Test(train_boxes, part_of_a_batch) {
    double first, value;
    session_start("box = giou", SAMPLER_NATURAL);
    fill_output();
    cr_assert(zero(int, task_box.evaluate(&s, 2, &first, NULL)));
    for (size_t i = 2 * OUTPUTS; i < NUMBERS; i++) output[i] = 9;
    cr_assert(zero(int, task_box.evaluate(&s, 2, &value, NULL)));
    cr_assert(eq(dbl, value, first));
    session_end();
}

/* --- where training starts ------------------------------------------------------------------------------------------
 */

/* Share of cells that a box owns, where each image counts `weight`. */
static double owned_share(const double weight[MADE_IMAGES]) {
    double owned = 0;
    for (size_t i = 0; i < MADE_IMAGES * MADE_CELLS; i++)
        owned += owner_of(i / MADE_CELLS, i % MADE_CELLS) ? weight[i / MADE_CELLS] : 0;
    return owned / (MADE_IMAGES * MADE_CELLS);
}

static double logit(double p) { return log(p / (1 - p)); }

static void assert_bias(trial_sampler sampler, const double weight[MADE_IMAGES]) {
    trial_result r = {0};
    session_start("cls = bce, obj = bce, box = l1", sampler);
    cr_assert(zero(int, task_box.begin(&s, rng_from_text("prior"), &r, NULL)));
    const double share = owned_share(weight);
    cr_assert(epsilon_eq(dbl, (double)trial_result_find(&r, "boxes")->data[BOX_CELL_SHARE], share, 1e-6));
    cr_assert(epsilon_eq(dbl, r.prior_logit, logit(share), 1e-6));
    cr_assert(epsilon_eq(dbl, (double)head_bias[MADE_TYPES], logit(share), 1e-5));
    for (int type = 0; type < MADE_TYPES; type++)
        cr_assert(epsilon_eq(dbl, (double)head_bias[type], logit(share / MADE_TYPES), 1e-5));
    for (int i = MADE_TYPES + 1; i < CHANNELS; i++) cr_assert(zero(flt, head_bias[i]));
    trial_result_free(&r);
    session_end();
}

Test(train_boxes, the_bias_is_the_share_of_owned_cells) {
    const double plain[] = {1, 1, 1}, balanced[] = {1.5, 0.75, 0.75}; /* the good is shown as often as both defects */
    assert_bias(SAMPLER_NATURAL, plain);
    assert_bias(SAMPLER_BALANCED, balanced);
}

Test(train_boxes, the_prior_loss_is_the_mean_at_the_bias) {
    trial_result r = {0};
    rng stream = rng_from_text("prior");
    double sum = 0;
    session_start("cls = focal, box = giou", SAMPLER_NATURAL);
    cr_assert(zero(int, task_box.begin(&s, stream, &r, NULL)));
    for (size_t i = 0; i < NUMBERS; i++) output[i] = head_bias[i % CHANNELS];
    for (int k = 0; k < 16; k++) {
        for (size_t i = 0; i < MADE_IMAGES; i++)
            task_box.target(&s, &data.d.sets[SET_TRAIN], session_draw(&s, i, &stream), i);
        sum += value_of() / 16;
    }
    cr_assert(epsilon_eq(dbl, r.prior_loss, sum, 1e-12));
    cr_assert(gt(dbl, sum, 0));
    trial_result_free(&r);
    session_end();
}
