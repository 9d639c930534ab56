/* Logistic regression with any binary loss of libloss, on 2000 good parts and 40 defects with two features: prints the
   loss over the steps, then the recall at a false-rejection rate of 1 % on new parts. logistic.py does the same.

       cc logistic.c $(pkg-config --cflags --libs libloss) -o logistic && ./logistic "focal(gamma=2) + 0.5*bce" */
#include <loss.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { GOODS = 2000, DEFECTS = 40, PARTS = GOODS + DEFECTS, STEPS = 100, REJECTED = GOODS / 100 };

static double feature[PARTS][2];
static float logit[PARTS], label[PARTS], slope[PARTS];

/* 12 uniform random numbers add up to a nearly normal one. Defects come last and lie 3 to the right. */
static void draw_parts(void) {
    static uint32_t state = 1;
    for (int i = 0; i < PARTS; i++) {
        label[i] = i >= GOODS;
        for (int k = 0; k < 2; k++) {
            feature[i][k] = k == 0 && i >= GOODS ? -3 : -6;
            for (int n = 0; n < 12; n++) {
                state = state * 1664525u + 1013904223u;
                feature[i][k] += state / 4294967296.0;
            }
        }
    }
}

/* model: bias and two weights */
static void predict(const double *model) {
    for (int i = 0; i < PARTS; i++) logit[i] = (float)(model[0] + model[1] * feature[i][0] + model[2] * feature[i][1]);
}

static void descend(double *model, double rate) {
    double sum[3] = {0, 0, 0};
    for (int i = 0; i < PARTS; i++) {
        sum[0] += (double)slope[i];
        for (int k = 0; k < 2; k++) sum[k + 1] += (double)slope[i] * feature[i][k];
    }
    for (int k = 0; k < 3; k++) model[k] -= rate * sum[k];
}

static int descending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

int main(int argc, char **argv) {
    lb_error error;
    loss *l = loss_parse(argc > 1 ? argv[1] : "focal(gamma=2)", &error);
    const loss_counts counts = {.good = GOODS, .defect = DEFECTS};
    if (!l || loss_resolve(l, &counts, &error)) return fprintf(stderr, "%s\n", error.message), 1;
    const loss_batch batch = {.images = PARTS, .channels = 1, .pixels = 1, .input = logit, .target = label};
    void *scratch = malloc(loss_scratch(l, &batch));
    double value, model[3] = {loss_prior_logit(l, (double)DEFECTS / PARTS), 0, 0};
    draw_parts();
    for (int step = 0; step <= STEPS; step++) {
        predict(model);
        if (loss_eval(l, &batch, LOSS_MEAN, &value, NULL, slope, scratch, &error))
            return fprintf(stderr, "%s\n", error.message), 1;
        if (step % 20 == 0) printf("step %3d  %s = %.9f\n", step, loss_label(l), value);
        descend(model, 5);
    }
    draw_parts();
    predict(model);
    qsort(logit, GOODS, sizeof logit[0], descending);
    int found = 0;
    for (int i = GOODS; i < PARTS; i++) found += logit[i] > logit[REJECTED];
    printf("recall at FR 1 %%: %.3f\n", (double)found / DEFECTS);
    free(scratch);
    loss_free(l);
    return 0;
}
