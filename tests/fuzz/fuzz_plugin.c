/* What we do with a loss from outside: bytes as the file of a plug-in that is none, and as the answers of a plug-in
   that could be loaded: no loss in it, another version of loss.h, a type with nonsense in its fields. What plugin_load
   takes must then parse, describe itself and evaluate like any other loss. The loader of the system is left out: it
   crashes on a damaged shared object by itself. */
#include "lib/loss/loss.h"

#include "tests/fuzz/fuzz.h"
#include "tests/loss/samples.h"

#include <math.h>
#include <unistd.h>

static void *fake_open(const char *path, int mode);
static void *fake_symbol(void *object, const char *name);
static int fake_close(void *object);
#define dlopen fake_open
#define dlsym fake_symbol
#define dlclose fake_close
#include "experiments/harness/plugin.c"
#include "lib/loss/registry.c" /* a registry that can be emptied */

/* --- functions of a plug-in, all of them sound -------------------------------------------------------------------- */

static const char *sentence(const double *params) {
    (void)params;
    return "it never likes its parameters";
}

static const char *batch_sentence(const double *params, const loss_batch *batch) {
    (void)params;
    return batch->width == 6 ? "it does not like a width of 6" : NULL;
}

static void resolve(double *params, const loss_counts *counts) { (void)params, (void)counts; }

static loss_value_shape value_shape(const double *params) {
    (void)params;
    return LOSS_PER_BATCH;
}

static double divisor(const double *params, const loss_batch *batch) {
    (void)params;
    return (double)batch->images - 1;
}

static void elements(const double *params, const loss_block *block, float *restrict losses, float *restrict slopes) {
    (void)params;
    for (size_t i = 0; i < block->n; i++) {
        losses[i] = block->target[i] * 0.5f;
        slopes[i] = 0.25f;
    }
}

static void region(const double *params, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    (void)params;
    for (size_t i = 0; i < rows * channels; i++) cells[i] = (loss_cell){sums[i].total, 1, -1};
}

static void region_options(const double *params, loss_region_options *options) {
    (void)params;
    *options = (loss_region_options){.batch = 1, .micro = 1, .squared = 1, .clip = 0.125};
}

static void classes(const double *params, const loss_tile *tile, float *restrict losses, float *slopes) {
    (void)params;
    for (size_t i = 0; i < tile->n; i++) losses[i] = 1;
    for (size_t c = 0; c < tile->classes; c++)
        for (size_t i = 0; i < tile->n; i++) slopes[c * LOSS_TILE + i] = 1;
}

static double class_factor(const double *params, const loss_batch *batch, size_t class_index) {
    (void)params, (void)batch;
    return (double)class_index;
}

static void boxes(const double *params, const loss_boxes *b, float *restrict losses,
                  float (*restrict slopes)[LOSS_TILE]) {
    (void)params;
    for (size_t i = 0; i < b->n; i++) losses[i] = slopes[0][i] = slopes[1][i] = slopes[2][i] = slopes[3][i] = 1;
}

static double eval(const double *params, const loss_batch *batch, double scale, float *values, float *grad,
                   void *scratch) {
    (void)params, (void)scratch;
    for (size_t i = 0; grad && i < batch->images; i++) grad[i] += (float)scale;
    if (values) values[0] += (float)scale;
    if (batch->state_grad) batch->state_grad[0] += scale;
    return 1;
}

static size_t scratch(const double *params, const loss_batch *batch) {
    (void)params;
    return batch->images;
}

static const char *const state_names[] = {"threshold", NULL};

static void state_start(const double *params, double *state) {
    (void)params;
    state[0] = 0.5;
}

/* --- a type with anything in its fields --------------------------------------------------------------------------- */

enum { TEXT = 64 };

typedef struct {
    loss_type type;
    param params[SPEC_MAX_PARAMS + 4];
    param_word words[4];
    char name[TEXT * 8], param_names[4][TEXT];
} anything;

static const char *const odd_names[] = {"brier", "bce", "dice_bce", "", "Brier", "a b", "1", "x)", "_", "loss=", NULL};

static const char *odd_name(fuzz_bytes *b, char *room, size_t size) {
    const size_t which = fuzz_below(b, 14);
    if (which < 11) return odd_names[which];
    const size_t length = which == 11 ? size - 1 : fuzz_below(b, 12);
    for (size_t i = 0; i < length; i++) room[i] = which == 13 ? (char)fuzz_byte(b) : "abcdefghij_0"[fuzz_below(b, 12)];
    room[length] = '\0';
    return room;
}

static double odd_number(fuzz_bytes *b) {
    static const double numbers[] = {0,   1,   -1, 2, 1e300, -1e300, (double)NAN, (double)INFINITY, -(double)INFINITY,
                                     0.5, 1e-9};
    return numbers[fuzz_below(b, sizeof numbers / sizeof numbers[0])];
}

static void fill_parameters(anything *a, fuzz_bytes *b) {
    static const char *const words[] = {"auto", "off", "a,b", "", "on"};
    for (int w = 0; w < 3; w++) a->words[w] = (param_word){words[fuzz_below(b, 5)], odd_number(b)};
    a->words[3] = (param_word){NULL, 0};
    for (int p = 0; p < SPEC_MAX_PARAMS + 4; p++) {
        param *row = &a->params[p];
        *row = (param){.name = "strength", .low = 0, .high = 1, .fallback = 0.5, .summary = "how strong"};
        if (p > 3) continue;
        row->name = fuzz_byte(b) % 2 ? (const char *[]){"a", "b", "c", "d"}[p] : odd_name(b, a->param_names[p], TEXT);
        if (fuzz_byte(b) % 4 == 0) row->low = odd_number(b), row->high = odd_number(b);
        if (fuzz_byte(b) % 4 == 0) row->fallback = odd_number(b);
        if (fuzz_byte(b) % 4 == 0) row->tune_low = odd_number(b), row->tune_high = odd_number(b);
        if (fuzz_byte(b) % 4 == 0) row->words = a->words;
        if (fuzz_byte(b) % 4 == 0) row->summary = NULL;
        if (fuzz_byte(b) % 4 == 0) row->scale = (param_scale)fuzz_below(b, 7);
    }
}

static void fill_functions(loss_type *t, fuzz_bytes *b) {
    const unsigned which = fuzz_byte(b) << 8 | fuzz_byte(b);
    t->check = which % 16 == 5 ? sentence : NULL;
    t->check_batch = which & 1u ? batch_sentence : NULL;
    t->resolve = which & 2u ? resolve : NULL;
    t->divisor = which & 4u ? divisor : NULL;
    t->elements = which & 8u ? elements : NULL;
    t->region = which & 16u ? region : NULL;
    t->region_options = which & 32u ? region_options : NULL;
    t->classes = which & 64u ? classes : NULL;
    t->class_factor = which & 128u ? class_factor : NULL;
    t->boxes = which & 256u ? boxes : NULL;
    t->eval = which & 512u ? eval : NULL;
    t->scratch = which & 1024u ? scratch : NULL;
    t->state_names = which & 2048u ? state_names : NULL;
    t->state_start = which & 4096u ? state_start : NULL;
    t->any_activation = (int)(which >> 13 & 1u);
    t->value_shape = which >> 14 == 3 ? value_shape : NULL;
    if (fuzz_byte(b) % 2) return;
    t->elements = t->kind == LOSS_BINARY || t->kind == LOSS_REGRESSION ? elements : NULL;
    t->region = t->kind == LOSS_MASK ? region : NULL;
    t->classes = t->kind == LOSS_MULTICLASS ? classes : NULL;
    t->boxes = t->kind == LOSS_BOX ? boxes : NULL;
    t->eval = NULL;
    t->values = t->region ? LOSS_PER_CELL : LOSS_PER_ELEMENT;
}

static void fill_type(anything *a, fuzz_bytes *b) {
    loss_type *t = &a->type;
    fill_parameters(a, b);
    *t = (loss_type){.name = fuzz_byte(b) % 2 ? "brier" : odd_name(b, a->name, sizeof a->name),
                     .version = fuzz_byte(b) % 4 ? 1 : (int)fuzz_word(b),
                     .summary = fuzz_byte(b) % 8 ? "a formula" : NULL,
                     .citation = fuzz_byte(b) % 8 ? "a paper" : NULL,
                     .kind = (loss_kind)(fuzz_byte(b) % 8 ? fuzz_below(b, 5) : fuzz_word(b)),
                     .values = (loss_value_shape)(fuzz_byte(b) % 2   ? 0
                                                  : fuzz_byte(b) % 8 ? fuzz_below(b, 4)
                                                                     : fuzz_word(b)),
                     .params = fuzz_byte(b) % 8 ? a->params : NULL,
                     .param_count = fuzz_byte(b) % 8 ? fuzz_below(b, 5) : fuzz_below(b, 40)};
    if (t->param_count > SPEC_MAX_PARAMS + 4) t->param_count = (size_t)-1;
    fill_functions(t, b);
}

/* --- the loader of the system ------------------------------------------------------------------------------------- */

static struct {
    int opens, abi, has_abi, has_type;
    const loss_type *type;
} object;

static void *fake_open(const char *path, int mode) {
    (void)path, (void)mode;
    return object.opens ? &object : NULL;
}

static void *fake_symbol(void *from, const char *name) {
    fuzz_require(from == &object, "another object");
    if (strcmp(name, "loss_plugin_abi") == 0) return object.has_abi ? &object.abi : NULL;
    return object.has_type ? (void *)&object.type : NULL;
}

static int fake_close(void *from) {
    fuzz_require(from == &object, "another object");
    return 0;
}

/* --- use of what was taken ---------------------------------------------------------------------------------------- */

static void expect_finite(const loss *l, loss_kind form, loss_reduction reduction) {
    static sample s;
    double value = 0, state[LOSS_MAX_TERMS], state_grad[LOSS_MAX_TERMS] = {0};
    lb_error error = {0};
    sample_fill(&s, form, SAMPLE_MIXED);
    const size_t count = reduction == LOSS_NONE ? loss_value_count(l, &s.batch) : 0;
    float *values = reduction == LOSS_NONE ? fuzz_room(count * sizeof *values) : NULL;
    float *grad = fuzz_room(sample_size(&s) * sizeof *grad);
    loss_state_start(l, state);
    s.batch.state = state;
    s.batch.state_grad = state_grad;
    const int code = sample_eval(l, &s.batch, reduction, &value, values, grad, &error);
    if (code) fuzz_require_sentence(code, &error, loss_label(l));
    for (size_t i = 0; !code && i < sample_size(&s); i++) fuzz_require(isfinite(grad[i]), "gradient %zu", i);
    for (size_t i = 0; !code && i < count; i++) fuzz_require(isfinite(values[i]), "value %zu", i);
    free(values);
    free(grad);
}

static void use(const loss_type *type) {
    static const loss_counts counts = {.good = 900, .defect = 100};
    lb_error error = {0};
    fuzz_require(loss_type_find(type->name) == type, "%s is not found", type->name);
    loss *l = loss_parse(type->name, &error);
    if (!l) {
        fuzz_require_sentence(LB_INVALID, &error, type->name);
        return;
    }
    loss *again = loss_parse(loss_label(l), &error);
    fuzz_require(again && strcmp(loss_text(again), loss_text(l)) == 0, "'%s' does not read back: %s", loss_label(l),
                 error.message);
    loss_free(again);
    for (size_t i = 0; i < loss_tunables(l); i++)
        fuzz_require(loss_tunable(l, i)->tune_low < loss_tunable(l, i)->tune_high, "tunable %zu", i);
    if (loss_resolve(l, &counts, &error)) fuzz_require_sentence(LB_INVALID, &error, type->name);
    for (int form = LOSS_BINARY; form <= LOSS_BOX; form++)
        for (int reduction = LOSS_MEAN; loss_takes(l, (loss_kind)form) && reduction <= LOSS_NONE; reduction++)
            expect_finite(l, (loss_kind)form, (loss_reduction)reduction);
    loss_free(l);
}

/* --- the target --------------------------------------------------------------------------------------------------- */

/* A file of these bytes, removed at the end. */
static const char *write_file(const uint8_t *data, size_t size) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/fuzz-plugin-%ld.so", (long)getpid());
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
    return path;
}

static void load_file(const uint8_t *data, size_t size) {
    lb_error error = {0};
    object.opens = 0;
    const char *path = write_file(data, size);
    fuzz_require_sentence(plugin_load(path, &error), &error, path);
    remove(path);
}

static void load_object(fuzz_bytes *b) {
    static const uint8_t shared_object[sizeof(Elf64_Ehdr)] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 3};
    static anything a;
    lb_error error = {0};
    fill_type(&a, b);
    object.opens = 1;
    object.has_abi = fuzz_byte(b) % 8 != 0;
    object.has_type = fuzz_byte(b) % 8 != 0;
    object.abi = fuzz_byte(b) % 8 ? LOSS_ABI : (int)fuzz_word(b);
    object.type = fuzz_byte(b) % 16 ? &a.type : NULL;
    const char *path = write_file(shared_object, sizeof shared_object);
    const int code = plugin_load(path, &error);
    remove(path);
    if (code)
        fuzz_require_sentence(code, &error, "plugin_load");
    else
        use(&a.type);
    plugin_count = 0;
}

/* What the library itself has could be registered. */
static void expect_sound_library(void) {
    for (size_t i = 0; i < BUILT_IN; i++)
        fuzz_require(!lack_of(built_in[i]), "%s lacks %s", built_in[i]->name, lack_of(built_in[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_bytes b = {.at = data + 1, .end = data + size, .noise = 1};
    if (!size)
        expect_sound_library();
    else if (data[0] % 4 == 0)
        load_file(data + 1, size - 1);
    else
        load_object(&b);
    return 0;
}
