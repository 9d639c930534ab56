/* Variance and covariance of AUROC: DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988, computed from mid-ranks as
   Sun & Xu, IEEE Signal Processing Letters 21(11), 2014. With R the mid-rank among all items and r that within the
   class, the placement of a defect is (R - r) / goods, the share of goods below it, and that of a good (R - r) /
   defects. AUROC is the mean placement of defects; its variance is var(defect placements) / defects + var(good
   placements) / goods. */
#include "lib/stats/stats.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    double *good, *defect; /* placements; one allocation, owned through `good` */
} placements;

/* placement[] of `own` items among the `other` items: share of others below, ties half. `work` holds 2 own + 2 other.
 */
static int place(const float *own, size_t n, const float *other, size_t others, double *placement, double *work,
                 lb_error *error) {
    double *value = work, *rank = work + n + others;
    for (size_t i = 0; i < n; i++) value[i] = (double)own[i];
    for (size_t i = 0; i < others; i++) value[n + i] = (double)other[i];
    if (stat_midrank(value, n, placement, error)) return LB_MEMORY;
    if (stat_midrank(value, n + others, rank, error)) return LB_MEMORY;
    for (size_t i = 0; i < n; i++) placement[i] = (rank[i] - placement[i]) / (double)others;
    return LB_OK;
}

static int placements_new(placements *p, const float *good, size_t goods, const float *defect, size_t defects,
                          lb_error *error) {
    p->good = malloc((goods + defects) * sizeof *p->good);
    double *work = malloc(2 * (goods + defects) * sizeof *work);
    int code = LB_MEMORY;
    if (!p->good || !work) {
        lb_fail_memory(error, "the AUROC variance");
        goto done;
    }
    p->defect = p->good + goods;
    if (place(defect, defects, good, goods, p->defect, work, error)) goto done;
    if (place(good, goods, defect, defects, p->good, work, error)) goto done;
    code = LB_OK;
done:
    free(work);
    return code;
}

static double placement_covariance(const placements *a, const placements *b, size_t goods, size_t defects) {
    return gsl_stats_covariance(a->defect, 1, b->defect, 1, defects) / (double)defects +
           gsl_stats_covariance(a->good, 1, b->good, 1, goods) / (double)goods;
}

static int check(const float *good, size_t goods, const float *defect, size_t defects, lb_error *error) {
    if (goods < 2 || defects < 2)
        return lb_fail(error, LB_INVALID, "the variance of AUROC needs two goods and two defects, not %zu and %zu",
                       goods, defects);
    for (size_t i = 0; i < goods + defects; i++)
        if (!isfinite(i < goods ? good[i] : defect[i - goods]))
            return lb_fail(error, LB_INVALID, "%s score %zu is not finite: a diverged model has no AUROC",
                           i < goods ? "good" : "defect", i < goods ? i : i - goods);
    return LB_OK;
}

int stat_delong(const float *good, size_t goods, const float *defect, size_t defects, double *auroc, double *variance,
                lb_error *error) {
    if (check(good, goods, defect, defects, error)) return LB_INVALID;
    placements p = {0};
    const int code = placements_new(&p, good, goods, defect, defects, error);
    if (code == LB_OK) {
        *auroc = stat_mean(p.defect, defects);
        *variance = placement_covariance(&p, &p, goods, defects);
    }
    free(p.good);
    return code;
}

/* Two-sided p of no difference. */
static double normal_p(double difference, double variance) {
    if (variance <= 0.0) return difference == 0.0 ? 1.0 : 0.0;
    return 2.0 * gsl_cdf_ugaussian_Q(fabs(difference) / sqrt(variance));
}

int stat_delong_paired(const float *const good[2], size_t goods, const float *const defect[2], size_t defects,
                       stat_delong_pair *out, lb_error *error) {
    placements p[2] = {{0}, {0}};
    int code = LB_INVALID;
    for (int i = 0; i < 2; i++) {
        if (check(good[i], goods, defect[i], defects, error)) goto done;
        code = placements_new(&p[i], good[i], goods, defect[i], defects, error);
        if (code != LB_OK) goto done;
        out->auroc[i] = stat_mean(p[i].defect, defects);
        out->variance[i] = placement_covariance(&p[i], &p[i], goods, defects);
    }
    out->covariance = placement_covariance(&p[0], &p[1], goods, defects);
    out->difference = out->auroc[0] - out->auroc[1];
    out->p = normal_p(out->difference, out->variance[0] + out->variance[1] - 2.0 * out->covariance);
done:
    free(p[0].good);
    free(p[1].good);
    return code;
}
