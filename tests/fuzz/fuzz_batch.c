/* Bytes as a loss of the registry, its parameters and a batch of any kind, shape and content. loss_eval must take every
   batch that loss.h calls sound, with finite value and gradient, and refuse every other with a sentence; ignored
   elements, what scratch held and whether the gradient is wanted must not matter. All memory has its exact size. */
#include "lib/loss/loss.h"

#include "tests/fuzz/fuzz.h"

#include <float.h>
#include <math.h>

enum { MOST = 1100 }; /* elements of a batch; some losses look at all pairs */

/* --- the loss ------------------------------------------------------------------------------------------------------
 */

static double number_in(const param *row, fuzz_bytes *b) {
    const uint32_t word = fuzz_word(b);
    double value;
    switch (fuzz_below(b, 4)) {
    case 0:
        value = word % 2 ? row->low : row->high;
        break;
    case 1:
        value = row->low + (row->high - row->low) * fuzz_unit(word);
        break;
    case 2: /* near the lower end, over many scales */
        value = row->low + (row->high - row->low) * pow(10, -12 * fuzz_unit(word));
        break;
    default:
        value = row->low + fuzz_unit(word) * 3;
    }
    value = value > row->high ? row->high : value;
    return row->scale == PARAM_INTEGER ? floor(value) : value;
}

static size_t write_parameter(const param *row, fuzz_bytes *b, char *out, size_t size, int first) {
    char number[40];
    const char *value = number;
    size_t words = 0;
    while (row->words && row->words[words].word) words++;
    if (words && (row->scale == PARAM_CHOICE || fuzz_byte(b) % 4 == 0))
        value = row->words[fuzz_below(b, words)].word;
    else
        snprintf(number, sizeof number, "%.9g", number_in(row, b));
    return (size_t)snprintf(out, size, "%s%s=%s", first ? "" : ", ", row->name, value);
}

static size_t write_term(fuzz_bytes *b, char *out, size_t size) {
    static const char *const weights[] = {"", "2*", "0*", "0.125*", "1e6*", "1e-6*"};
    size_t types = 0, used = 0, written = 0;
    while (loss_type_at(types)) types++;
    const loss_type *type = loss_type_at(fuzz_below(b, types));
    used = (size_t)snprintf(out, size, "%s%s(", fuzz_byte(b) % 2 ? "" : weights[fuzz_below(b, 6)], type->name);
    for (size_t i = 0; i < type->param_count && used < size; i++)
        if (fuzz_byte(b) % 4 == 0)
            used += write_parameter(&type->params[i], b, out + used, size - used, written++ == 0);
    if (used < size) used += (size_t)snprintf(out + used, size - used, ")");
    return used < size ? used : size - 1;
}

/* NULL: refused, with a sentence. */
static loss *read_loss(fuzz_bytes *b) {
    char text[LOSS_MAX_TERMS * SPEC_MAX_TEXT];
    const size_t terms = fuzz_byte(b) % 8 < 6 ? 1 : 2 + fuzz_below(b, 2);
    size_t used = 0;
    for (size_t t = 0; t < terms; t++) {
        if (t) used += (size_t)snprintf(text + used, sizeof text - used, " + ");
        used += write_term(b, text + used, 1000);
    }
    lb_error error = {0};
    loss *l = loss_parse(text, &error);
    if (!l) {
        fuzz_require_sentence(LB_INVALID, &error, text);
        return NULL;
    }
    const loss_counts counts = {.good = 900, .defect = fuzz_byte(b) % 2 ? 1 : 1e9};
    const int code = loss_resolve(l, &counts, &error);
    if (code) fuzz_require_sentence(code, &error, text);
    if (!code) return l;
    loss_free(l);
    return NULL;
}

/* --- the batch -----------------------------------------------------------------------------------------------------
 */

typedef struct {
    loss_batch batch;
    loss_kind form;
    loss_reduction reduction;
    loss_real *input, *target, *weight, *class_weight, *map;
    unsigned char *ignore, *skip_channel;
    int *classes;
    double *class_counts, *state;
    size_t states;
    int huge; /* numbers beyond what products of them fit into a loss_real */
} fuzz_case;

static size_t size_of(const loss_batch *batch) { return batch->images * batch->channels * batch->pixels; }

static size_t items_of(const fuzz_case *c) {
    if (c->form == LOSS_MULTICLASS) return c->batch.images * c->batch.pixels;
    return c->form == LOSS_BOX ? c->batch.images : size_of(&c->batch);
}

static void choose_shape(fuzz_case *c, fuzz_bytes *b) {
    loss_batch *batch = &c->batch;
    static const size_t many[] = {63, 64, 65, 129, 511, 512, 513, 700};
    const size_t small = 1 + fuzz_below(b, 9),
                 large = fuzz_byte(b) % 8 ? 1 + fuzz_below(b, 40) : many[fuzz_below(b, 8)];
    *batch = (loss_batch){.images = small, .channels = 1, .pixels = large};
    if (c->form == LOSS_MULTICLASS || fuzz_byte(b) % 4 == 0) batch->channels = 1 + fuzz_below(b, 5);
    if (fuzz_byte(b) % 4 == 0) batch->images = large, batch->pixels = small;
    if (c->form == LOSS_BOX) batch->images = large, batch->channels = 4, batch->pixels = 1;
    while (size_of(batch) > MOST) batch->images > 1 ? (batch->images /= 2) : (batch->pixels /= 2);
    if (c->form != LOSS_BOX && (c->form == LOSS_MASK || fuzz_byte(b) % 8 == 0)) {
        batch->width = 1 + fuzz_below(b, 12);
        if (fuzz_byte(b) % 16) batch->pixels = (batch->pixels + batch->width - 1) / batch->width * batch->width;
    }
    if (c->form != LOSS_BOX && fuzz_byte(b) == 7) *(fuzz_byte(b) % 2 ? &batch->images : &batch->pixels) = 0;
}

static loss_real any_magnitude(uint32_t hash) {
    const double x = pow(10, -45 + 83.5 * fuzz_unit(hash));
    return (loss_real)(hash & 128 ? -fmin(x, (double)FLT_MAX) : fmin(x, (double)FLT_MAX));
}

static loss_real number_of_style(size_t style, uint32_t hash) {
    const double u = fuzz_unit(hash), side = hash & 64 ? 1 : -1;
    switch (style) {
    case 0:
        return (loss_real)(6 * u - 3);
    case 1:
        return (loss_real)(200 * u - 100);
    case 2:
        return any_magnitude(hash);
    case 3:
        return (loss_real)(side * (hash & 32 ? 80 : 1e4));
    case 4:
        return (loss_real)(floor(9 * u) - 4);
    default:
        return (loss_real)u;
    }
}

static loss_real special(fuzz_bytes *b) {
    static const float numbers[] = {NAN,     INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, 0x1p-149f, -0x1p-149f,
                                    FLT_MIN, 0.0f,     -0.0f,     1,       -1,       0.5f,      88,
                                    -88,     1e30f,    -1e-30f,   1.5f,    1e19f,    255,       -103};
    const size_t which = fuzz_below(b, 24);
    float value = 0;
    const uint32_t word = fuzz_word(b);
    memcpy(&value, &word, sizeof value);
    return (loss_real)(which < sizeof numbers / sizeof numbers[0] ? numbers[which] : value);
}

/* Puts special numbers into up to four places. */
static void patch(fuzz_case *c, fuzz_bytes *b, loss_real *x, size_t n) {
    for (size_t count = fuzz_byte(b) % 8 < 5 ? 0 : fuzz_below(b, 4); n && count; count--) {
        x[(fuzz_byte(b) << 8 | fuzz_byte(b)) % n] = special(b);
        c->huge = 1;
    }
}

static loss_real *fill_numbers(fuzz_case *c, fuzz_bytes *b, size_t n, size_t style) {
    loss_real *x = fuzz_room(n * sizeof *x);
    const uint32_t seed = fuzz_byte(b);
    for (size_t i = 0; i < n; i++) x[i] = number_of_style(style, fuzz_hash(seed, (uint32_t)i));
    c->huge |= style == 2;
    patch(c, b, x, n);
    return x;
}

static loss_real *fill_labels(fuzz_case *c, fuzz_bytes *b, size_t n) {
    loss_real *x = fuzz_room(n * sizeof *x);
    const uint32_t seed = fuzz_byte(b);
    const double rate = (double)fuzz_below(b, 5) / 4;
    const int soft = fuzz_byte(b) % 8 == 0;
    for (size_t i = 0; i < n; i++) {
        const double u = fuzz_unit(fuzz_hash(seed, (uint32_t)i));
        x[i] = soft ? (loss_real)u : u < rate;
    }
    patch(c, b, x, n);
    return x;
}

/* Sound boxes near the whole numbers of a small grid, so that edges meet, or of any size and place; then special ones.
 */
static loss_real *fill_boxes(fuzz_case *c, fuzz_bytes *b, size_t boxes) {
    loss_real *x = fuzz_room(4 * boxes * sizeof *x);
    const uint32_t seed = fuzz_byte(b);
    const size_t style = fuzz_below(b, 5);
    c->huge |= style == 2;
    for (size_t i = 0; i < 4 * boxes; i++) x[i] = number_of_style(style, fuzz_hash(seed, (uint32_t)i));
    for (size_t i = 0; i < boxes; i++)
        for (size_t k = 0; k < 2; k++) {
            const loss_real a = x[4 * i + k], z = x[4 * i + k + 2];
            x[4 * i + k] = a < z ? a : z;
            x[4 * i + k + 2] = a < z ? z : a;
        }
    patch(c, b, x, 4 * boxes);
    return x;
}

/* Weights and maps of 1e30 are nobody's: their products with other large numbers are not looked at. */
static void limit(loss_real *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]) && !(x[i] <= 1000000 && x[i] >= -1000000)) x[i] = 1000000;
}

static loss_real *fill_weights(fuzz_case *c, fuzz_bytes *b, size_t n) {
    const size_t style = fuzz_below(b, 8);
    if (style < 4) return NULL;
    loss_real *x = fuzz_room(n * sizeof *x);
    const uint32_t seed = fuzz_byte(b);
    for (size_t i = 0; i < n; i++) {
        const double u = fuzz_unit(fuzz_hash(seed, (uint32_t)i));
        x[i] = (loss_real)(style == 4 ? u : style == 5 ? 0 : style == 6 ? floor(3 * u) : u * 1e-30);
    }
    patch(c, b, x, n);
    limit(x, n);
    return x;
}

static unsigned char *fill_flags(fuzz_bytes *b, size_t n, unsigned seldom) {
    const size_t style = fuzz_below(b, 8 + seldom);
    if (style > 2) return NULL;
    unsigned char *x = fuzz_room(n);
    const uint32_t seed = fuzz_byte(b);
    for (size_t i = 0; i < n; i++)
        x[i] = style == 0 ? 1 : style == 1 ? 0 : (unsigned char)(fuzz_hash(seed, (uint32_t)i) & 3u);
    return x;
}

static int *fill_classes(fuzz_case *c, fuzz_bytes *b, size_t n) {
    int *x = fuzz_room(n * sizeof *x);
    const uint32_t seed = fuzz_byte(b);
    const size_t channels = c->batch.channels, few = 1 + fuzz_below(b, channels ? channels : 1);
    for (size_t i = 0; i < n; i++) x[i] = (int)(fuzz_hash(seed, (uint32_t)i) % few);
    if (n && fuzz_byte(b) % 8 == 0) {
        static const int labels[] = {-1, -2147483647 - 1, 2147483647, 255, 5};
        x[fuzz_byte(b) % n] = labels[fuzz_below(b, 5)];
    }
    return x;
}

static double *fill_counts(fuzz_bytes *b, size_t n) {
    static const double counts[] = {0, 1, 10, 1000, 1e9, 1e18, 2.5, 3, 0.5, 1e-300, -1, (double)NAN, (double)INFINITY};
    double *x = fuzz_room(n * sizeof *x);
    const size_t few = fuzz_byte(b) % 8 ? 8 : sizeof counts / sizeof counts[0];
    for (size_t i = 0; i < n; i++) x[i] = counts[fuzz_below(b, few)];
    return x;
}

static double *fill_state(const loss *l, fuzz_case *c, fuzz_bytes *b) {
    c->states = loss_state_count(l);
    if (!c->states || fuzz_byte(b) % 3 == 0) return NULL;
    double *x = fuzz_room(c->states * sizeof *x);
    loss_state_start(l, x);
    for (size_t i = 0; i < c->states && fuzz_byte(b) % 2; i++) x[i] += 4 * fuzz_unit(fuzz_word(b)) - 2;
    return x;
}

static void fill_batch(const loss *l, fuzz_case *c, fuzz_bytes *b) {
    const size_t n = size_of(&c->batch), items = items_of(c), channels = c->batch.channels;
    const int is_box = c->form == LOSS_BOX, numbers = is_box || c->form == LOSS_REGRESSION;
    const int probabilities = c->form == LOSS_MASK && fuzz_byte(b) % 4 == 0;
    c->batch.activation = probabilities ? LOSS_PROBABILITIES : fuzz_byte(b) % 8 ? LOSS_SIGMOID : LOSS_SOFTMAX;
    c->input = is_box          ? fill_boxes(c, b, c->batch.images)
               : probabilities ? fill_numbers(c, b, n, 5)
                               : fill_numbers(c, b, n, fuzz_below(b, 6));
    if (c->form == LOSS_MULTICLASS)
        c->classes = fill_classes(c, b, items);
    else
        c->target = is_box    ? fill_boxes(c, b, c->batch.images)
                    : numbers ? fill_numbers(c, b, n, fuzz_below(b, 6))
                              : fill_labels(c, b, n);
    if (is_box && fuzz_byte(b) % 4 == 0) memcpy(c->target, c->input, n * sizeof *c->input); /* perfect */
    c->weight = fill_weights(c, b, items);
    c->ignore = fill_flags(b, items, 0);
    c->class_weight = fill_weights(c, b, channels);
    c->skip_channel = fill_flags(b, channels, 16);
    if (fuzz_byte(b) % 2) c->class_counts = fill_counts(b, channels);
    if (fuzz_byte(b) % 8 == 0) {
        c->map = fill_numbers(c, b, n, fuzz_below(b, 2) * 5);
        limit(c->map, n);
    }
    c->state = fill_state(l, c, b);
}

static void free_batch(fuzz_case *c) {
    free(c->input), free(c->target), free(c->weight), free(c->class_weight), free(c->map), free(c->ignore);
    free(c->skip_channel), free(c->classes), free(c->class_counts), free(c->state), free(c->batch.state_grad);
}

static void connect(fuzz_case *c) {
    loss_batch *batch = &c->batch;
    batch->input = c->input, batch->target = c->target, batch->weight = c->weight, batch->ignore = c->ignore;
    batch->classes = c->classes, batch->class_weight = c->class_weight, batch->class_counts = c->class_counts;
    batch->skip_channel = c->skip_channel, batch->map = c->map, batch->state = c->state;
    if (c->state) batch->state_grad = fuzz_room(c->states * sizeof *batch->state_grad);
}

/* --- what loss.h calls sound ---------------------------------------------------------------------------------------
 */

static int is_weight(double w) { return w >= 0 && isfinite(w); }
static int is_count(double n) { return n == 0 || (n >= 1 && n <= 1e18); }

/* The item that weights, flags and labels of element i are of. */
static size_t item_of(const fuzz_case *c, size_t i) {
    const size_t pixels = c->batch.pixels, channels = c->batch.channels;
    if (c->form == LOSS_MULTICLASS) return i / (channels * pixels) * pixels + i % pixels;
    return c->form == LOSS_BOX ? i / 4 : i;
}

/* What is wrong with element i, or NULL. */
static const char *fault_of_element(const fuzz_case *c, size_t i) {
    const double z = (double)c->input[i], y = c->target ? (double)c->target[i] : 0;
    if (!isfinite(z) || !isfinite(y)) return "not finite";
    if (c->form <= LOSS_MASK && !(y >= 0 && y <= 1)) return "a label outside [0,1]";
    if (c->form == LOSS_BOX && i % 4 < 2 && (c->input[i] > c->input[i + 2] || c->target[i] > c->target[i + 2]))
        return "an inverted box";
    if (c->form != LOSS_MULTICLASS && c->batch.activation == LOSS_PROBABILITIES && !(z >= 0 && z <= 1))
        return "a probability outside [0,1]";
    return NULL;
}

static const char *fault_of_item(const fuzz_case *c, size_t i) {
    if (c->weight && !is_weight((double)c->weight[i])) return "a weight";
    if (c->classes && (c->classes[i] < 0 || (size_t)c->classes[i] >= c->batch.channels)) return "a class";
    return NULL;
}

/* What is wrong with the batch, or NULL. */
static const char *fault_of(const fuzz_case *c) {
    const loss_batch *batch = &c->batch;
    const char *fault = NULL;
    if (!size_of(batch)) return "no elements";
    if (batch->width && batch->pixels % batch->width) return "the width";
    for (size_t k = 0; k < batch->channels; k++) {
        if (c->class_weight && !is_weight((double)c->class_weight[k])) return "a class weight";
        if (c->class_counts && !is_count(c->class_counts[k])) return "a class count";
    }
    for (size_t i = 0; !fault && i < items_of(c); i++)
        if (!(c->ignore && c->ignore[i])) fault = fault_of_item(c, i);
    for (size_t i = 0; !fault && i < size_of(batch); i++)
        if (!(c->ignore && c->ignore[item_of(c, i)])) fault = fault_of_element(c, i);
    return fault;
}

/* --- evaluation ----------------------------------------------------------------------------------------------------
 */

typedef struct {
    double value;
    loss_real *values, *grad;
    size_t count;
} outcome;

static int evaluate(const loss *l, const fuzz_case *c, int wants_grad, int scratch_byte, outcome *out,
                    lb_error *error) {
    const size_t bytes = loss_scratch(l, &c->batch);
    out->count = c->reduction == LOSS_NONE ? loss_value_count(l, &c->batch) : 0;
    out->value = (double)NAN;
    out->values = c->reduction == LOSS_NONE ? fuzz_room(out->count * sizeof *out->values) : NULL;
    out->grad = wants_grad ? fuzz_room(size_of(&c->batch) * sizeof *out->grad) : NULL;
    void *scratch = fuzz_room(bytes);
    memset(scratch, scratch_byte, bytes);
    const int code = loss_eval(l, &c->batch, c->reduction, &out->value, out->values, out->grad, scratch, error);
    free(scratch);
    return code;
}

static void free_outcome(outcome *out) { free(out->values), free(out->grad); }

static int is_ignored(const fuzz_case *c, size_t i) { return c->ignore && c->ignore[item_of(c, i)]; }

static void expect_finite(const loss *l, const fuzz_case *c, const outcome *out) {
    fuzz_require(isfinite(out->value), "'%s' is %g", loss_label(l), out->value);
    for (size_t i = 0; i < size_of(&c->batch); i++) {
        fuzz_require(isfinite(out->grad[i]) || (c->huge && !isnan(out->grad[i])),
                     "'%s', %s: gradient %zu (input %g, target %g) is %g", loss_label(l), loss_kind_names[c->form], i,
                     (double)c->input[i], c->target ? (double)c->target[i] : 0, (double)out->grad[i]);
        if (is_ignored(c, i))
            fuzz_require(out->grad[i] == 0, "'%s', %s: ignored element %zu has gradient %g", loss_label(l),
                         loss_kind_names[c->form], i, (double)out->grad[i]);
    }
    for (size_t i = 0; i < out->count; i++)
        fuzz_require(isfinite(out->values[i]) || c->huge, "'%s': value %zu is %g", loss_label(l), i,
                     (double)out->values[i]);
    for (size_t i = 0; c->batch.state_grad && i < c->states; i++)
        fuzz_require(isfinite(c->batch.state_grad[i]), "'%s': state gradient %zu", loss_label(l), i);
}

static int same_bits(const void *a, const void *b, size_t bytes) {
    return !a || !b || !bytes || memcmp(a, b, bytes) == 0;
}

/* Again, with other scratch contents and other ignored elements; without the gradient. */
static void expect_same(const loss *l, fuzz_case *c, const outcome *first) {
    for (size_t i = 0; i < size_of(&c->batch); i++) {
        if (!is_ignored(c, i)) continue;
        c->input[i] = (loss_real)NAN;
        if (c->target) c->target[i] = (loss_real)-7;
        if (c->classes) c->classes[item_of(c, i)] = -1;
    }
    for (int round = 0; round < 2; round++) {
        outcome out;
        lb_error error = {0};
        const int code = evaluate(l, c, round == 0, 0xff, &out, &error);
        fuzz_require(code == LB_OK, "'%s': another time, %s", loss_label(l), error.message);
        fuzz_require(same_bits(&out.value, &first->value, sizeof out.value), "'%s', %s: %.17g, then %.17g",
                     loss_label(l), loss_kind_names[c->form], first->value, out.value);
        fuzz_require(same_bits(out.grad, first->grad, size_of(&c->batch) * sizeof *out.grad),
                     "'%s', %s: another gradient", loss_label(l), loss_kind_names[c->form]);
        fuzz_require(same_bits(out.values, first->values, out.count * sizeof *out.values), "'%s': other values",
                     loss_label(l));
        free_outcome(&out);
    }
}

/* Refusals that are about the loss, not about an element. */
static int is_of_the_loss(const char *sentence) { return strncmp(sentence, "loss '", 6) == 0; }

static void check(const loss *l, fuzz_case *c) {
    outcome out;
    lb_error error = {0};
    const char *fault = fault_of(c);
    const int code = evaluate(l, c, 1, 0, &out, &error);
    if (code) {
        fuzz_require_sentence(code, &error, loss_label(l));
        fuzz_require(code == LB_INVALID && (fault || is_of_the_loss(error.message)),
                     "'%s' refuses a sound %s batch: %s", loss_label(l), loss_kind_names[c->form], error.message);
    } else {
        fuzz_require(!fault, "'%s' takes an unsound %s batch (%s)", loss_label(l), loss_kind_names[c->form], fault);
        expect_finite(l, c, &out);
        expect_same(l, c, &out);
    }
    free_outcome(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes b = {.at = data, .end = data + size, .noise = 1};
    fuzz_case c = {0};
    loss *l = read_loss(&b);
    if (!l) return 0;
    c.form = (loss_kind)fuzz_below(&b, 5);
    for (int tries = 0; tries < 5 && !loss_takes(l, c.form); tries++) c.form = (loss_kind)((c.form + 1) % 5);
    if (c.form != LOSS_MULTICLASS) c.form = loss_kind_of(l); /* as loss_eval sees it */
    c.reduction = (loss_reduction)fuzz_below(&b, 3);
    choose_shape(&c, &b);
    fill_batch(l, &c, &b);
    connect(&c);
    check(l, &c);
    free_batch(&c);
    loss_free(l);
    return 0;
}
