#include "experiments/harness/objective.h"

#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static objective *parse(trial_task task, const char *expression) {
    lb_error error = {0};
    objective *o = objective_parse(task, expression, &error);
    cr_assert(ne(ptr, o, NULL), "%s: %s", expression, error.message);
    return o;
}

static void assert_refused(trial_task task, const char *expression, const char *sentence) {
    lb_error error = {0};
    objective *o = objective_parse(task, expression, &error);
    cr_assert(eq(ptr, o, NULL), "%s", expression ? expression : "NULL");
    cr_assert(eq(str, error.message, (char *)sentence));
    cr_assert(eq(int, (int)error.code, LB_INVALID));
    cr_assert(eq(ptr, objective_parse(task, expression, NULL), NULL));
}

static void assert_texts(const objective *o, const char *canonical, const char *label) {
    cr_assert(eq(str, (char *)objective_text(o), (char *)canonical));
    cr_assert(eq(str, (char *)objective_label(o), (char *)label));
}

/* --- images and masks ----------------------------------------------------------------------------------------------
 */

static void assert_as_loss(trial_task task, const char *expression) {
    loss *l = loss_parse(expression, NULL);
    cr_assert(ne(ptr, l, NULL));
    const loss_kind kind = loss_kind_of(l);
    if (kind == LOSS_BINARY || (kind == LOSS_MASK && task == TASK_MASK)) {
        objective *o = parse(task, expression);
        assert_texts(o, loss_text(l), loss_label(l));
        cr_assert(eq(str, (char *)loss_text(objective_loss(o)), (char *)loss_text(l)));
        cr_assert(eq(sz, objective_tunables(o), loss_tunables(l)));
        for (size_t i = 0; i < loss_tunables(l); i++)
            cr_assert(eq(ptr, (void *)objective_tunable(o, i), (void *)loss_tunable(l, i)));
        cr_assert(eq(ptr, (void *)objective_tunable(o, loss_tunables(l)), NULL));
        objective_free(o);
    } else {
        cr_assert(eq(ptr, objective_parse(task, expression, NULL), NULL), "%s", expression);
    }
    loss_free(l);
}

Test(objective, of_images_and_masks_is_the_loss_as_written) {
    const loss_type *type;
    for (size_t i = 0; (type = loss_type_at(i)); i++) {
        assert_as_loss(TASK_IMAGE, type->name);
        assert_as_loss(TASK_MASK, type->name);
    }
    assert_as_loss(TASK_IMAGE, " 2*focal( gamma = 3 ,alpha=0.9)+0.5 * bce");
    assert_as_loss(TASK_MASK, "dice_focal(lambda_dice=0.25) + boundary");
}

Test(objective, a_loss_that_does_not_suit_is_refused_with_the_sentences_of_trials) {
    assert_refused(TASK_IMAGE, "dice",
                   "loss 'dice' is for masks, not for good/defect classification: choose a model that gives masks, "
                   "such as unet");
    assert_refused(TASK_IMAGE, "ciou", "loss 'ciou' is not for good/defect classification");
    assert_refused(TASK_IMAGE, "ce + bce", "'ce' is a multiclass loss and 'bce' a binary loss: they cannot be added");
    assert_refused(TASK_MASK, "l1", "loss 'l1' is not for masks");
    assert_refused(TASK_MASK, NULL, "a loss expression is missing");
}

Test(objective, heads_are_for_detectors) {
    assert_refused(
        TASK_IMAGE, "cls = focal, box = ciou",
        "'cls = focal, box = ciou' has the heads of a detector: write one loss, such as bce, or choose model "
        "detector");
    assert_refused(TASK_MASK, " target=iou",
                   "' target=iou' has the heads of a detector: write one loss, such as bce, or choose model detector");
    assert_refused(TASK_MASK, "bce = 2", "expected '+' or the end at character 5 of 'bce = 2': '= 2'");
}

Test(objective, a_loss_is_tuned_as_by_itself) {
    loss *l = loss_parse("focal", NULL);
    objective *o = parse(TASK_IMAGE, "focal");
    cr_assert(zero(int, loss_set_tunable(l, 0, 3.5, NULL)));
    cr_assert(zero(int, objective_set_tunable(o, 0, 3.5, NULL)));
    assert_texts(o, loss_text(l), loss_label(l));
    lb_error error = {0};
    cr_assert(eq(int, objective_set_tunable(o, 9, 1, &error), LB_INVALID));
    cr_assert(eq(str, error.message, (char *)"'focal(gamma=3.5)' has no tunable parameter number 9"));
    loss_free(l);
    objective_free(o);
}

/* --- types ---------------------------------------------------------------------------------------------------------
 */

Test(objective, types_are_written_before_the_loss) {
    static const char *const same[] = {"types = ce", "types=ce", "  types\t= 1 * ce( label_smoothing = 0 ) "};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        cr_assert(eq(int, (int)objective_task(TASK_IMAGE, same[i]), (int)TASK_TYPES));
        objective *o = parse(TASK_TYPES, same[i]);
        assert_texts(o, "types=ce@1(label_smoothing=0)", "types = ce");
        cr_assert(eq(str, (char *)loss_text(objective_loss(o)), "ce@1(label_smoothing=0)"));
        objective_free(o);
    }
}

Test(objective, only_what_begins_with_types_is_of_types) {
    static const char *const other[] = {"ce", "bce", "", "types", "typesce = 1", "type = ce", "cls = ce, types = ce"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        cr_assert(eq(int, (int)objective_task(TASK_IMAGE, other[i]), (int)TASK_IMAGE), "%s", other[i]);
    cr_assert(eq(int, (int)objective_task(TASK_IMAGE, NULL), (int)TASK_IMAGE));
    cr_assert(eq(int, (int)objective_task(TASK_MASK, "types = ce"), (int)TASK_MASK));
    cr_assert(eq(int, (int)objective_task(TASK_BOX, "types = ce"), (int)TASK_BOX));
}

/* Of all losses those for K classes, and of binary ones those that exist for K classes too. */
Test(objective, types_take_the_losses_of_classes) {
    const loss_type *type;
    size_t taken = 0;
    for (size_t i = 0; (type = loss_type_at(i)); i++) {
        char expression[100];
        snprintf(expression, sizeof expression, "types = %s", type->name);
        objective *o = objective_parse(TASK_TYPES, expression, NULL);
        const int fits = type->kind == LOSS_MULTICLASS || (type->kind == LOSS_BINARY && type->classes);
        cr_assert(eq(int, o != NULL, fits), "%s", expression);
        taken += o != NULL;
        objective_free(o);
    }
    cr_assert(gt(sz, taken, 7));
}

Test(objective, what_is_no_objective_of_types_is_refused_with_a_sentence) {
    assert_refused(TASK_TYPES, "types = dice", "loss 'dice' is not for K classes, such as ce");
    assert_refused(TASK_TYPES, "types = bce", "loss 'bce' is not for K classes, such as ce");
    assert_refused(TASK_TYPES, "types = dice + 0.5*bce", "loss 'dice + 0.5*bce' is not for K classes, such as ce");
    assert_refused(TASK_TYPES, "types = ce + bce",
                   "'ce' is a multiclass loss and 'bce' a binary loss: they cannot be added");
    assert_refused(TASK_TYPES, "types =", "'types =' is empty: write types = ce");
    assert_refused(TASK_TYPES, " types= ", "'types =' is empty: write types = ce");
    assert_refused(TASK_TYPES, "ce", "'ce' lacks its head: write types = ce");
    assert_refused(TASK_IMAGE, "ce", "loss 'ce' is not for good/defect classification");
    assert_refused(TASK_MASK, "types = ce",
                   "'types = ce' sorts images into types: choose a model for images, such as cnn");
    assert_refused(TASK_BOX, " types = ce",
                   "'types = ce' sorts images into types: choose a model for images, such as cnn");
}

Test(objective, tuned_types_read_back_from_their_label) {
    objective *o = parse(TASK_TYPES, "types = 2*ce + focal_multiclass");
    cr_assert(eq(sz, objective_tunables(o), 1));
    cr_assert(zero(int, objective_set_tunable(o, 0, 3.25, NULL)));
    cr_assert(eq(str, (char *)objective_label(o), "types = 2*ce + focal_multiclass(gamma=3.25)"));
    objective *back = parse(TASK_TYPES, objective_label(o));
    assert_texts(back, objective_text(o), objective_label(o));
    objective_free(o);
    objective_free(back);
}

/* --- heads ---------------------------------------------------------------------------------------------------------
 */

#define BCE "bce@1(label_smoothing=0)"
#define L1 "smooth_l1@1(beta=1)"

Test(objective, heads_have_defaults) {
    objective *o = parse(TASK_BOX, "cls = bce");
    assert_texts(o, "cls=" BCE ", obj=" BCE ", box=" L1 ", target=one", "cls = bce, obj = bce, box = smooth_l1");
    cr_assert(eq(int, objective_soft(o), 0));
    objective_free(o);
    o = parse(TASK_BOX, "target = iou");
    assert_texts(o, "cls=" BCE ", obj=" BCE ", box=" L1 ", target=iou",
                 "cls = bce, obj = bce, box = smooth_l1, target = iou");
    cr_assert(eq(int, objective_soft(o), 1));
    objective_free(o);
}

Test(objective, ways_of_writing_heads_do_not_change_the_text) {
    static const char *const same[] = {
        "cls = focal(gamma=3, alpha=0.9), obj = weighted_bce, box = 2*l1 + l2, target = iou",
        "target=iou,box=2*l1+l2,obj=weighted_bce,cls=focal(gamma=3,alpha=0.9)",
        " box =2 * l1 + 1*l2 , cls= focal ( alpha=0.9, gamma = 3 ) ,target = iou\t, obj\t= weighted_bce "};
    objective *first = parse(TASK_BOX, same[0]);
    for (size_t i = 1; i < sizeof same / sizeof *same; i++) {
        objective *o = parse(TASK_BOX, same[i]);
        assert_texts(o, objective_text(first), objective_label(first));
        objective_free(o);
    }
    cr_assert(eq(str, (char *)objective_label(first),
                 (char *)"cls = focal(gamma=3, alpha=0.9), obj = weighted_bce, box = 2*l1 + l2, target = iou"));
    objective_free(first);
}

Test(objective, whatever_matters_changes_the_text) {
    static const char *const other[] = {"cls = bce",    "cls = focal",       "obj = focal",          "box = ciou",
                                        "box = 2*ciou", "target = iou",      "cls = focal(gamma=3)", "box = ciou + l1",
                                        "obj = 2*bce",  "box = 2*ciou + l1", "box = ciou + 2*l1",    "cls = 2*bce"};
    enum { COUNT = sizeof other / sizeof *other };
    objective *o[COUNT];
    for (size_t i = 0; i < COUNT; i++) o[i] = parse(TASK_BOX, other[i]);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert(ne(str, (char *)objective_text(o[i]), (char *)objective_text(o[k])), "%s, %s", other[i],
                      other[k]);
    for (size_t i = 0; i < COUNT; i++) objective_free(o[i]);
}

Test(objective, automatic_parameters_stay_in_the_text) {
    const loss_counts counts = {900, 100};
    objective *o = parse(TASK_BOX, "cls = weighted_bce");
    loss *cls = objective_head_loss(o, HEAD_CLS);
    cr_assert(zero(int, loss_resolve(cls, &counts, NULL)));
    cr_assert(ne(ptr, strstr(loss_text(cls), "pos_weight=9"), NULL));
    cr_assert(ne(ptr, strstr(objective_text(o), "pos_weight=auto"), NULL));
    objective_free(o);
}

Test(objective, every_loss_fits_the_heads_it_can_be_evaluated_in) {
    static const char *const heads[] = {"cls", "obj", "box"};
    const loss_type *type;
    char expression[100];
    size_t fitting[OBJECTIVE_HEADS] = {0};
    for (size_t i = 0; (type = loss_type_at(i)); i++)
        for (size_t head = 0; head < OBJECTIVE_HEADS; head++) {
            snprintf(expression, sizeof expression, "%s = %s", heads[head], type->name);
            objective *o = objective_parse(TASK_BOX, expression, NULL);
            const int fits =
                head == HEAD_BOX ? type->kind == LOSS_BOX || type->kind == LOSS_REGRESSION : type->kind == LOSS_BINARY;
            cr_assert(eq(int, o != NULL, fits), "%s", expression);
            fitting[head] += o != NULL;
            objective_free(o);
        }
    for (size_t head = 0; head < OBJECTIVE_HEADS; head++) cr_assert(gt(sz, fitting[head], 5));
}

static const struct {
    const char *expression, *sentence;
} refusals[] = {
    {NULL, "an objective is missing"},
    {"", "a head is missing: write heads such as cls = bce, box = ciou"},
    {"cls = bce, , box = ciou", "a head is missing: write heads such as cls = bce, box = ciou"},
    {"cls = bce,", "a head is missing: write heads such as cls = bce, box = ciou"},
    {"class = bce", "a detector has no head 'class'; it has: cls, obj, box, and target"},
    {"= bce", "a detector has no head ''; it has: cls, obj, box, and target"},
    {"cls = bce, obj = bce, cls = focal", "head 'cls' is given twice"},
    {"target = one, target = one", "head 'target' is given twice"},
    {"cls =", "head 'cls' is empty; a class takes a binary loss, such as focal"},
    {"obj = , box = ciou", "head 'obj' is empty; objectness takes a binary loss, such as bce"},
    {"box=", "head 'box' is empty; a box takes a box or a regression loss, such as ciou or smooth_l1"},
    {"target = two", "target = two is not one of: one, iou"},
    {"target =", "target =  is not one of: one, iou"},
    {"cls = dice", "head 'cls': 'dice' is a mask loss; a class takes a binary loss, such as focal"},
    {"cls = bce + dice", "head 'cls': 'bce + dice' is a mask loss; a class takes a binary loss, such as focal"},
    {"obj = ciou", "head 'obj': 'ciou' is a box loss; objectness takes a binary loss, such as bce"},
    {"box = bce",
     "head 'box': 'bce' is a binary loss; a box takes a box or a regression loss, such as ciou or smooth_l1"},
    {"box = dice",
     "head 'box': 'dice' is a mask loss; a box takes a box or a regression loss, such as ciou or smooth_l1"},
    {"box = ciou(", "head 'box': loss 'ciou': the '(' is not closed by ')'"},
    {"cls = focal(gamma=2, alpha=0.9", "head 'cls': loss 'focal': the '(' is not closed by ')'"},
    {"cls = focal(gamma=20)", "head 'cls': loss 'focal': gamma=20 is not a number from 0 to 10"},
    {"box = ciou = 2", "head 'box': expected '+' or the end at character 6 of 'ciou = 2': '= 2'"},
    {"ciou", "'ciou' lacks its head, cls, obj or box: write box = ciou"},
    {" 2*smooth_l1 ", "'2*smooth_l1' lacks its head, cls, obj or box: write box = 2*smooth_l1"},
    {"focal(gamma=2)", "'focal(gamma=2)' lacks its head, cls, obj or box: write cls = focal(gamma=2)"},
    {"dice", "'dice' lacks its head, cls, obj or box: write box = ciou"},
    {"box = ciou, bce", "'bce' lacks its head, cls, obj or box: write cls = bce"},
};

Test(objective, what_is_no_objective_of_boxes_is_refused_with_a_sentence) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_refused(TASK_BOX, refusals[i].expression, refusals[i].sentence);
}

/* --- tuning --------------------------------------------------------------------------------------------------------
 */

Test(objective, parameters_are_numbered_over_the_heads) {
    objective *o = parse(TASK_BOX, "box = focal_eiou, cls = focal, obj = focal(gamma=2)");
    static const char *const order[] = {"gamma", "alpha", "alpha", "gamma", "box_weight"};
    const size_t count = objective_tunables(o);
    cr_assert(eq(sz, count, 5));
    for (size_t i = 0; i < count; i++) cr_assert(eq(str, (char *)objective_tunable(o, i)->name, (char *)order[i]));
    cr_assert(eq(ptr, (void *)objective_tunable(o, count), NULL));
    for (size_t i = 0; i < count; i++) cr_assert(zero(int, objective_set_tunable(o, i, 0.5 + 0.125 * (double)i, NULL)));
    cr_assert(
        eq(str, (char *)objective_label(o),
           (char *)"cls = focal(gamma=0.5, alpha=0.625), obj = focal(alpha=0.75), box = focal_eiou(gamma=0.875)"));
    objective_free(o);
}

Test(objective, the_box_weight_is_tuned_on_a_logarithmic_scale) {
    objective *o = parse(TASK_BOX, "cls = bce");
    const param *row = objective_tunable(o, objective_tunables(o) - 1);
    cr_assert(eq(str, (char *)row->name, (char *)"box_weight"));
    cr_assert(eq(int, (int)row->scale, PARAM_LOG));
    cr_assert(eq(dbl, row->tune_low, 0.25));
    cr_assert(eq(dbl, row->tune_high, 8));
    cr_assert(eq(dbl, row->fallback, 1));
    objective_free(o);
}

Test(objective, a_written_factor_is_not_tuned) {
    static const char *const fixed[] = {"box = 2*ciou", "box = 1 * ciou", "box = ciou + 2*l1", "box=ciou+1*l1"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        objective *o = parse(TASK_BOX, fixed[i]);
        for (size_t k = 0; k < objective_tunables(o); k++)
            cr_assert(ne(str, (char *)objective_tunable(o, k)->name, (char *)"box_weight"));
        objective_free(o);
    }
    objective *o = parse(TASK_BOX, "cls = 2*bce"); /* of another head */
    cr_assert(eq(str, (char *)objective_tunable(o, objective_tunables(o) - 1)->name, (char *)"box_weight"));
    objective_free(o);
}

/* Value and gradient of two boxes under the box head. */
static double evaluate(objective *o, float grad[8]) {
    static const float input[8] = {1, 1, 4, 3, 6, 2, 8, 7}, target[8] = {2, 0.5f, 4.5f, 4, 5.5f, 3, 9, 6};
    const loss_batch batch = {.images = 2, .channels = 4, .pixels = 1, .input = input, .target = target};
    const loss *l = objective_head_loss(o, HEAD_BOX);
    double value;
    lb_error error = {0};
    void *scratch = malloc(loss_scratch(l, &batch) + 1);
    cr_assert(zero(int, loss_eval(l, &batch, LOSS_SUM, &value, NULL, grad, scratch, &error)), "%s", error.message);
    free(scratch);
    return value;
}

/* Tuned, and read back from its label: the same text and the same bits. */
static void assert_read_back(const char *expression, double weight, const char *label) {
    objective *o = parse(TASK_BOX, expression);
    float grad[8], again[8];
    cr_assert(zero(int, objective_set_tunable(o, objective_tunables(o) - 1, weight, NULL)));
    cr_assert(eq(str, (char *)objective_label(o), (char *)label));
    objective *back = parse(TASK_BOX, objective_label(o));
    assert_texts(back, objective_text(o), objective_label(o));
    cr_assert(eq(dbl, evaluate(o, grad), evaluate(back, again)));
    for (size_t k = 0; k < 8; k++) cr_assert(eq(flt, grad[k], again[k]));
    objective_free(o);
    objective_free(back);
}

Test(objective, a_tuned_objective_is_what_its_label_says) {
    assert_read_back("box = ciou", 2.5, "cls = bce, obj = bce, box = 2.5*ciou");
    assert_read_back("box = ciou", 1, "cls = bce, obj = bce, box = ciou");
    assert_read_back("box = ciou", 0.3017, "cls = bce, obj = bce, box = 0.3017*ciou");
    assert_read_back("target = iou", 8, "cls = bce, obj = bce, box = 8*smooth_l1, target = iou");
    assert_read_back("box = ciou(eps=1e-9) + l1", 2.5, "cls = bce, obj = bce, box = 2.5*ciou(eps=1e-09) + 2.5*l1");
    assert_read_back("cls = focal(gamma=3), box = giou + diou + l2", 0.25,
                     "cls = focal(gamma=3), obj = bce, box = 0.25*giou + 0.25*diou + 0.25*l2");
}

Test(objective, the_box_weight_is_a_factor_of_the_box_loss) {
    float once[8], thrice[8];
    objective *o = parse(TASK_BOX, "box = giou + l1");
    const size_t last = objective_tunables(o) - 1;
    const double value = evaluate(o, once);
    cr_assert(zero(int, objective_set_tunable(o, last, 3, NULL)));
    cr_assert(epsilon_eq(dbl, evaluate(o, thrice), 3 * value, 1e-9));
    for (size_t k = 0; k < 8; k++) cr_assert(epsilon_eq(flt, thrice[k], 3 * once[k], 1e-5f));
    cr_assert(zero(int, objective_set_tunable(o, last, 1, NULL)));
    cr_assert(eq(dbl, evaluate(o, thrice), value));
    objective_free(o);
}

Test(objective, a_regression_loss_counts_every_coordinate_of_a_box) {
    float grad[8];
    objective *o = parse(TASK_BOX, "box = l1");
    cr_assert(eq(dbl, evaluate(o, grad), 6.5)); /* 1 + .5 + .5 + 1 and .5 + 1 + 1 + 1 */
    objective_free(o);
}

Test(objective, values_out_of_range_are_refused_and_change_nothing) {
    objective *o = parse(TASK_BOX, "cls = focal, box = ciou");
    const size_t last = objective_tunables(o) - 1;
    char before[600];
    lb_error error = {0};
    snprintf(before, sizeof before, "%s", objective_text(o));
    cr_assert(eq(int, objective_set_tunable(o, last, -1, &error), LB_INVALID));
    cr_assert(eq(str, error.message, (char *)"box_weight=-1 is not a number from 0 to 1e+06"));
    cr_assert(eq(int, objective_set_tunable(o, last, (double)__builtin_nanf(""), NULL), LB_INVALID));
    cr_assert(eq(int, objective_set_tunable(o, 0, 11, &error), LB_INVALID));
    cr_assert(eq(str, error.message, (char *)"loss 'focal': gamma=11 is not a number from 0 to 10"));
    cr_assert(eq(int, objective_set_tunable(o, last + 1, 1, &error), LB_INVALID));
    cr_assert(eq(str, error.message, (char *)"'cls = focal, obj = bce, box = ciou' has no tunable parameter number 3"));
    cr_assert(eq(str, (char *)objective_text(o), before));
    objective_free(o);
}

Test(objective, memory_that_runs_out_is_an_error) {
#if FAILING_MALLOC
    lb_error error = {0};
    fail_malloc_after(0); /* the copy of the expression */
    objective *o = objective_parse(TASK_BOX, "cls = focal, box = ciou", &error);
    fail_malloc_after(-1);
    cr_assert(eq(ptr, o, NULL));
    cr_assert(eq(str, error.message, (char *)"not enough memory for an objective"));
    cr_assert(eq(int, (int)error.code, LB_MEMORY));
#else
    cr_skip_test("a sanitizer has a malloc of its own");
#endif
}
