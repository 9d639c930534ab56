/* Speed of value and gradient of losses on one core, beside that of the memory: a stream that reads two arrays and
   writes a third, measured in between, which is what an element-wise loss has to move at least.

       loss_speed ELEMENTS SECONDS [EXPRESSION...]     all losses of the library if none is given
       loss_speed --names                              their names

   prints a line per loss: expression, ns/element, GB/s, share of the stream. An element is a logit, a prediction or a
   corner coordinate. Masks are 256 x 256, boxes overlap, multi-class batches have 8 classes. */
#include "lib/loss/loss.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MASK = 256 * 256, CLASSES = 8, ROUNDS = 5 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
    size_t n;
    float *input, *target, *grad;
    int *classes;
    double counts[CLASSES];
} arrays;

__attribute__((noinline)) static void stream(const arrays *a) {
    const float *restrict x = a->input, *restrict y = a->target;
    float *restrict out = a->grad;
    for (size_t i = 0; i < a->n; i++) out[i] = x[i] + y[i];
}

static double noise(size_t i) { return (double)((i * 2654435761u >> 7) % 65536) / 65536; }

/* Logits on both sides, a tenth defect in runs; boxes around their targets. */
static void fill(arrays *a, loss_kind kind) {
    for (size_t i = 0; i < a->n; i++) {
        a->target[i] = i / 64 % 10 == 0;
        a->input[i] = (float)(8 * noise(i) - 5 + 2 * (double)a->target[i]);
        a->classes[i] = (int)(noise(i + 1) * noise(i + 1) * CLASSES);
        if (kind != LOSS_BOX) continue;
        const double corner = i % 4 < 2 ? 0 : 4;
        a->target[i] = (float)(corner + 2 * noise(i) + (double)(i / 4 % 50));
        a->input[i] = (float)(corner + 2 * noise(i + 77) + (double)(i / 4 % 50));
    }
}

static loss_batch batch_of(const arrays *a, loss_kind kind) {
    loss_batch b = {.images = a->n, .channels = 1, .pixels = 1, .input = a->input, .target = a->target};
    if (kind == LOSS_MASK) b.images = a->n / MASK, b.pixels = MASK, b.width = 256;
    if (kind == LOSS_BOX) b.images = a->n / 4, b.channels = 4;
    if (kind == LOSS_MULTICLASS)
        b.images = a->n / CLASSES / 1024, b.channels = CLASSES, b.pixels = 1024, b.target = NULL,
        b.classes = a->classes, b.class_counts = a->counts;
    return b;
}

/* Seconds of one evaluation: the fastest of those that fit into `seconds`, at least one. */
static double time_loss(const loss *l, const loss_batch *batch, float *grad, double seconds) {
    const size_t bytes = loss_scratch(l, batch);
    void *scratch = malloc(bytes ? bytes : 1);
    double best = 1e9, value;
    lb_error error = {0};
    for (const double begin = now(); best > 1e8 || now() - begin < seconds;) {
        const double start = now();
        int repeats = 0;
        do {
            if (!scratch || loss_eval(l, batch, LOSS_MEAN, &value, NULL, grad, scratch, &error)) {
                fprintf(stderr, "%s: %s\n", loss_label(l), error.message);
                exit(1);
            }
            repeats++;
        } while (now() - start < 1e-3);
        const double took = (now() - start) / repeats;
        if (took < best) best = took;
    }
    free(scratch);
    return best;
}

static double time_stream(const arrays *a, double seconds) {
    double best = 1e9;
    for (const double begin = now(); best > 1e8 || now() - begin < seconds;) {
        const double start = now();
        int repeats = 0;
        do stream(a);
        while (++repeats, now() - start < 1e-3);
        const double took = (now() - start) / repeats;
        if (took < best) best = took;
    }
    return best;
}

static void measure(arrays *a, const char *expression, double seconds) {
    lb_error error = {0};
    loss *l = loss_parse(expression, &error);
    const loss_counts counts = {.good = 900, .defect = 100};
    if (!l || loss_resolve(l, &counts, &error)) {
        fprintf(stderr, "loss_speed: %s\n", error.message);
        exit(1);
    }
    const loss_kind kind = loss_kind_of(l);
    fill(a, kind);
    const loss_batch batch = batch_of(a, kind);
    double own = 1e9, memory = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        const double s = time_stream(a, seconds / ROUNDS / 4), t = time_loss(l, &batch, a->grad, seconds / ROUNDS);
        memory = s < memory ? s : memory;
        own = t < own ? t : own;
    }
    printf("%s\t%.4g\t%.3g\t%.3f\n", expression, own / (double)a->n * 1e9, 12 * (double)a->n / own * 1e-9,
           memory / own);
    fflush(stdout);
    loss_free(l);
}

static int list_names(void) {
    const loss_type *type;
    for (size_t i = 0; (type = loss_type_at(i)); i++) puts(type->name);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--names") == 0) return list_names();
    arrays a = {.n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0};
    const double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.5;
    if (a.n < MASK || a.n % MASK) {
        fprintf(stderr, "loss_speed: ELEMENTS must be a multiple of %d\n", MASK);
        return 2;
    }
    a.input = malloc(a.n * sizeof *a.input);
    a.target = malloc(a.n * sizeof *a.target);
    a.grad = calloc(a.n, sizeof *a.grad);
    a.classes = malloc(a.n * sizeof *a.classes);
    if (!a.input || !a.target || !a.grad || !a.classes) {
        fprintf(stderr, "loss_speed: not enough memory for %zu elements\n", a.n);
        return 1;
    }
    for (int c = 0; c < CLASSES; c++) a.counts[c] = 1000 >> c;
    const loss_type *type;
    for (int i = 3; i < argc; i++) measure(&a, argv[i], seconds);
    for (size_t i = 0; argc <= 3 && (type = loss_type_at(i)); i++) measure(&a, type->name, seconds);
    free(a.input);
    free(a.target);
    free(a.grad);
    free(a.classes);
    return 0;
}
