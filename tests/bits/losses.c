/* Prints "loss/NAME KERNELS HASH" for every loss of the library and some compounds: hash over value and gradient of
   batches with all kinds of logits, sizes that leave remainders, weights and ignored elements. */
#include "lib/base/hash.h"
#include "lib/loss/loss.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/loss/samples.h"

#if defined(__AVX512F__)
#define KERNELS "avx512"
#elif defined(__AVX2__)
#define KERNELS "avx2-or-wider"
#else
#define KERNELS "portable"
#endif

enum { LONG = 3 * 1337 };

static uint64_t add_result(uint64_t hash, const loss *l, const loss_batch *batch) {
    static float grad[LONG > SAMPLE_SIZE ? LONG : SAMPLE_SIZE];
    double value;
    lb_error error = {0};
    if (sample_eval(l, batch, LOSS_MEAN, &value, NULL, grad, &error)) {
        fprintf(stderr, "bits: %s: %s\n", loss_label(l), error.message);
        exit(1);
    }
    hash = hash64_add(hash, &value, sizeof value);
    return hash64_add(hash, grad, batch->images * batch->channels * batch->pixels * sizeof *grad);
}

/* Several blocks and an odd rest, as logits, one mask of 7 x 191 an image, or numbers. */
static uint64_t add_long(uint64_t hash, const loss *l, loss_kind form) {
    static float z[LONG], y[LONG];
    for (unsigned i = 0; i < LONG; i++) {
        z[i] = (float)(24 * sample_noise(i, 7) - 12);
        y[i] = form == LOSS_REGRESSION ? (float)sample_noise(i, 8) : (float)(sample_noise(i, 8) < 0.2);
    }
    loss_batch b = {.images = LONG, .channels = 1, .pixels = 1, .input = z, .target = y};
    if (form == LOSS_MASK) b.images = 3, b.pixels = LONG / 3, b.width = 7;
    return add_result(hash, l, &b);
}

static void print_loss(const char *name, const char *expression) {
    static sample s;
    lb_error error = {0};
    uint64_t hash = HASH64_START;
    loss *l = sample_loss(expression, &error);
    if (!l) {
        fprintf(stderr, "bits: %s\n", error.message);
        exit(1);
    }
    EACH_FORM(l, form) {
        for (sample_scenario scenario = 0; scenario < SAMPLE_COUNT; scenario++) {
            sample_fill(&s, form, scenario);
            hash = add_result(hash, l, &s.batch);
        }
        sample_fill(&s, form, SAMPLE_MIXED);
        s.batch.weight = s.weight;
        s.batch.ignore = s.ignore;
        for (size_t i = 0; i < SAMPLE_SIZE; i += 5) s.ignore[i] = 1;
        hash = add_result(hash, l, &s.batch);
        if (form != LOSS_MULTICLASS && form != LOSS_BOX) hash = add_long(hash, l, form);
    }
    printf("loss/%s %s %016" PRIx64 "\n", name, KERNELS, hash64_finish(hash));
    loss_free(l);
}

int main(void) {
    const loss_type *type;
    for (size_t i = 0; (type = loss_type_at(i)); i++) print_loss(type->name, type->name);
    print_loss("compound", "dice + 0.5*bce + 2*focal(gamma=1.3, alpha=0.9)");
    return 0;
}
