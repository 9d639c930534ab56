/* How a record's numbers become the library's: its losses take logits with the sigmoid, class indices, or masks with
   any activation, and records come with probabilities, one-hot planes, or two channels for background and foreground.
 */
#include "experiments/harness/eval_record.h"

#include <math.h>
#include <string.h>

static int takes(const eval_record *r, loss_kind kind) { return (r->forms >> kind & 1u) != 0; }

static const char *name_of(const eval_record *r) { return r->alias ? r->alias->name : r->terms[0].type->name; }

/* Whether all terms take the softmax and probabilities: sums over regions and what looks at planes. What works element
   by element takes logits with the sigmoid. */
static int takes_activations(const eval_record *r) {
    for (size_t t = 0; t < r->term_count; t++) {
        const loss_type *type = r->terms[t].type;
        if (type->kind != LOSS_MASK || !((type->region && !type->elements) || type->any_activation)) return 0;
    }
    return 1;
}

/* Losses of background and foreground, which the library has for the logit between the two. */
static int is_pair_loss(const eval_record *r) {
    static const char *const names[] = {"combo", "unified_focal_sym", "unified_focal_asym"};
    for (size_t i = 0; r->term_count == 1 && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(r->terms[0].type->name, names[i]) == 0) return 1;
    return 0;
}

static int view_probabilities(eval_record *r, lb_error *error) {
    double *logits = eval_room(r, r->size, sizeof *logits, error);
    if (!logits) return LB_INVALID;
    for (size_t i = 0; i < r->size; i++) {
        const double p = r->input[i];
        if (r->call.ignore && r->call.ignore[i]) continue;
        if (!(p > 0 && p < 1))
            return lb_fail(error, LB_INVALID,
                           "not supported: element %zu has probability %g, which has no finite logit; loss '%s' takes "
                           "logits",
                           i, p, name_of(r));
        logits[i] = log(p) - log1p(-p);
    }
    r->view = EVAL_FROM_PROBABILITY;
    r->call.input = logits;
    r->call.activation = LOSS_SIGMOID;
    return LB_OK;
}

/* Softmax over background and foreground is the sigmoid of z1 - z0. */
static int view_pair(eval_record *r, lb_error *error) {
    const size_t n = r->images * r->pixels;
    double *logits = eval_room(r, n, sizeof *logits, error), *labels = eval_room(r, n, sizeof *labels, error);
    if (!logits || !labels) return LB_INVALID;
    if (r->call.class_weight || r->call.skip_channel || r->call.weight || r->call.ignore)
        return lb_fail(error, LB_INVALID, "not supported: weights or classes of two channels for loss '%s'",
                       name_of(r));
    for (size_t i = 0; i < n; i++) {
        const size_t back = i / r->pixels * 2 * r->pixels + i % r->pixels, fore = back + r->pixels;
        logits[i] = r->input[fore] - r->input[back];
        labels[i] = r->call.target[fore];
        if (!(fabs(r->call.target[back] + labels[i] - 1) <= 1e-9))
            return lb_fail(
                error, LB_INVALID,
                "not supported: loss '%s' takes two channels that are background and foreground; the labels of "
                "pixel %zu do not sum to 1",
                name_of(r), i);
    }
    r->view = EVAL_FROM_PAIR;
    r->call.input = logits;
    r->call.target = labels;
    r->call.channels = 1;
    r->call.activation = LOSS_SIGMOID;
    return LB_OK;
}

/* One-hot planes to class indices. */
static int view_classes(eval_record *r, lb_error *error) {
    const size_t n = r->images * r->pixels;
    int *classes = eval_room(r, n, sizeof *classes, error);
    if (!classes) return LB_INVALID;
    if (r->call.weight || r->call.ignore)
        return lb_fail(error, LB_INVALID, "not supported: weights or ignored elements of planes for loss '%s'",
                       name_of(r));
    for (size_t i = 0; i < n; i++) {
        size_t ones = 0, zeros = 0;
        for (size_t c = 0; c < r->channels; c++) {
            const double y = r->call.target[(i / r->pixels * r->channels + c) * r->pixels + i % r->pixels];
            if (y == 1) classes[i] = (int)c;
            ones += y == 1;
            zeros += y == 0;
        }
        if (ones != 1 || zeros != r->channels - 1)
            return lb_fail(error, LB_INVALID,
                           "not supported: loss '%s' takes one class for each pixel; pixel %zu has another "
                           "label",
                           name_of(r), i);
    }
    r->call.classes = classes;
    r->call.target = NULL;
    return LB_OK;
}

/* Class indices to one-hot planes, with the weights and ignored items of each plane. */
static int view_planes(eval_record *r, lb_error *error) {
    double *labels = eval_room(r, r->size, sizeof *labels, error);
    double *weights = eval_room(r, r->size, sizeof *weights, error);
    unsigned char *ignore = eval_room(r, r->size, 1, error);
    if (!labels || !weights || !ignore) return LB_INVALID;
    for (size_t i = 0; i < r->size; i++) {
        const size_t item = i / (r->channels * r->pixels) * r->pixels + i % r->pixels;
        labels[i] = r->call.classes[item] == (int)(i / r->pixels % r->channels);
        weights[i] = r->call.weight ? r->call.weight[item] : 1;
        ignore[i] = r->call.ignore && r->call.ignore[item];
    }
    r->call.target = labels;
    if (r->call.weight) r->call.weight = weights;
    if (r->call.ignore) r->call.ignore = ignore;
    r->call.classes = NULL;
    return LB_OK;
}

static int view_masks(eval_record *r, lb_error *error) {
    const int pair = is_pair_loss(r) && r->channels == 2;
    if (r->activation >= 0) r->call.activation = (loss_activation)r->activation;
    if (r->call.activation == LOSS_SIGMOID || takes_activations(r)) return LB_OK;
    if (r->call.activation == LOSS_PROBABILITIES && !pair) return view_probabilities(r, error);
    if (r->call.activation == LOSS_SOFTMAX && pair && r->kind == LOSS_MASK) return view_pair(r, error);
    return lb_fail(error, LB_INVALID, "not supported: loss '%s' with %s of %zu channels", name_of(r),
                   r->call.activation == LOSS_SOFTMAX ? "the softmax" : "probabilities", r->channels);
}

int eval_choose_view(eval_record *r, lb_error *error) {
    const int softmax = r->activation < 0 || r->activation == LOSS_SOFTMAX;
    switch (r->kind) {
    case LOSS_MULTICLASS:
        if (softmax && takes(r, LOSS_MULTICLASS)) return LB_OK;
        if (!takes(r, LOSS_MASK))
            return lb_fail(error, LB_INVALID, "not supported: loss '%s' takes logits with the softmax", name_of(r));
        if (softmax) r->activation = LOSS_SOFTMAX;
        return view_planes(r, error) || view_masks(r, error) ? LB_INVALID : LB_OK;
    case LOSS_MASK:
        if (takes(r, LOSS_MASK)) return view_masks(r, error);
        if (softmax) return view_classes(r, error);
        return lb_fail(error, LB_INVALID, "not supported: loss '%s' takes logits with the softmax", name_of(r));
    case LOSS_BINARY:
        return r->ranks && r->activation != LOSS_SOFTMAX ? LB_OK : view_masks(r, error);
    default:
        if (r->activation < 0 || r->activation == LOSS_PROBABILITIES) return LB_OK;
        return lb_fail(error, LB_INVALID, "not supported: loss '%s' with an activation", name_of(r));
    }
}

void eval_add_gradient(eval_record *r, const double *grad, double scale) {
    const size_t n = r->call.images * r->call.channels * r->call.pixels;
    for (size_t i = 0; i < n; i++) {
        const double p = r->input[i];
        if (r->view == EVAL_FROM_PAIR) {
            const size_t back = i / r->pixels * 2 * r->pixels + i % r->pixels;
            r->grad[back] -= scale * grad[i];
            r->grad[back + r->pixels] += scale * grad[i];
        } else if (r->view == EVAL_AS_IS)
            r->grad[i] += scale * grad[i];
        else if (grad[i] != 0)
            r->grad[i] += scale * grad[i] / (p * (1 - p));
    }
}
