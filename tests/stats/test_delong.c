#include "lib/stats/stats.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

static const float good1[] = {0.1f, 0.4f, 0.35f, 0.8f, 0.2f, 0.05f, 0.6f, 0.3f};
static const float good2[] = {0.3f, 0.2f, 0.5f, 0.45f, 0.1f, 0.15f, 0.35f, 0.9f};
static const float defect1[] = {0.9f, 0.7f, 0.4f, 0.65f, 0.85f}, defect2[] = {0.6f, 0.75f, 0.5f, 0.4f, 0.95f};

/* R 4.2, from the definition (pROC is not needed): psi <- function(p,g) outer(p,g,function(a,b)(a>b)+.5*(a==b))
   V10 <- cbind(rowMeans(psi(p1,g1)),rowMeans(psi(p2,g2))); V01 <- cbind(colMeans(..),colMeans(..))
   S <- cov(V10)/5+cov(V01)/8; 2*pnorm(-abs(diff(colMeans(V10)))/sqrt(S[1,1]+S[2,2]-2*S[1,2])) */
Test(delong, golden_with_ties) {
    const float *const good[] = {good1, good2}, *const defect[] = {defect1, defect2};
    stat_delong_pair pair;
    cr_assert(zero(int, stat_delong_paired(good, 8, defect, 5, &pair, NULL)));
    cr_assert(epsilon_eq(dbl, pair.auroc[0], 0.8875, 1e-12));
    cr_assert(epsilon_eq(dbl, pair.auroc[1], 0.8375, 1e-12));
    cr_assert(epsilon_eq(dbl, pair.variance[0], 0.00879464285714, 1e-12));
    cr_assert(epsilon_eq(dbl, pair.variance[1], 0.0137276785714, 1e-12));
    cr_assert(epsilon_eq(dbl, pair.covariance, 0.0010156250000, 1e-12));
    cr_assert(epsilon_eq(dbl, pair.difference, 0.05, 1e-12));
    cr_assert(epsilon_eq(dbl, pair.p, 0.726870688295, 1e-10));
    double auroc, variance;
    cr_assert(zero(int, stat_delong(good1, 8, defect1, 5, &auroc, &variance, NULL)));
    cr_assert(eq(dbl, auroc, pair.auroc[0]));
    cr_assert(eq(dbl, variance, pair.variance[0]));
}

Test(delong, a_model_does_not_differ_from_itself) {
    const float *const good[] = {good1, good1}, *const defect[] = {defect1, defect1};
    stat_delong_pair pair;
    cr_assert(zero(int, stat_delong_paired(good, 8, defect, 5, &pair, NULL)));
    cr_assert(eq(dbl, pair.p, 1));
}

Test(delong, refuses_what_has_no_variance) {
    const float diverged[] = {1, NAN};
    double auroc, variance;
    lb_error error = {0};
    cr_assert(eq(int, stat_delong(good1, 8, defect1, 1, &auroc, &variance, &error), LB_INVALID));
    cr_assert(strstr(error.message, "two goods and two defects") != NULL, "%s", error.message);
    cr_assert(eq(int, stat_delong(good1, 8, diverged, 2, &auroc, &variance, &error), LB_INVALID));
    cr_assert(strstr(error.message, "defect score 1") != NULL, "%s", error.message);
}

/* 500 binormal studies: the interval auroc +- 1.96 sd covers the true AUROC Phi(1/sqrt 2) in 95 % less what a Wald
   interval loses at 60 defects: accepted from .92; the binomial standard error is .01. */
Test(delong, covers_the_true_auroc) {
    enum { GOODS = 200, DEFECTS = 60, STUDIES = 500 };
    const double truth = gsl_cdf_ugaussian_P(1 / sqrt(2));
    float good[GOODS], defect[DEFECTS];
    rng stream = rng_from_text("delong coverage");
    int covered = 0;
    for (int i = 0; i < STUDIES; i++) {
        double auroc, variance;
        rng_normals(&stream, good, GOODS);
        rng_normals(&stream, defect, DEFECTS);
        for (int j = 0; j < DEFECTS; j++) defect[j] += 1;
        cr_assert(zero(int, stat_delong(good, GOODS, defect, DEFECTS, &auroc, &variance, NULL)));
        covered += fabs(auroc - truth) <= 1.959964 * sqrt(variance);
    }
    cr_assert(ge(dbl, (double)covered / STUDIES, 0.92));
    cr_assert(le(dbl, (double)covered / STUDIES, 0.98));
}
