/* Probabilities from scores, and how wrong they are: Platt scaling and the expected calibration error.

   Platt: P(defect | score) = 1 / (1 + exp(-(a score + b))), fitted by maximum likelihood to the targets (D + 1)/(D + 2)
   for the D defects and 1/(G + 2) for the G goods. The likelihood is concave, so Newton with step halving finds the
   maximum; Lin, Lin & Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68,
   2007, give the stable formulas and the ridge. (Their sign is the other one.) */
#include "lib/metrics/metrics.h"

#include <math.h>

typedef struct {
    const metric_scores *scores;
    double target_good, target_defect;
    double centre, scale; /* the fit runs on (score - centre) / scale, so that the ridge means the same everywhere */
} platt_problem;

/* ln(1 + e^x) */
static double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }

static double sigmoid(double x) {
    const double e = exp(-fabs(x));
    return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}

/* Item i of goods followed by defects: its standardised score, and its target. */
static double item(const platt_problem *p, size_t i, double *target) {
    const metric_scores *s = p->scores;
    const int good = i < s->goods;
    *target = good ? p->target_good : p->target_defect;
    return ((double)(good ? s->good[i] : s->defect[i - s->goods]) - p->centre) / p->scale;
}

static double negative_log_likelihood(const platt_problem *p, double slope, double offset) {
    double sum = 0.0;
    for (size_t i = 0; i < p->scores->goods + p->scores->defects; i++) {
        double target;
        const double z = slope * item(p, i, &target) + offset;
        sum += softplus(z) - target * z;
    }
    return sum;
}

typedef struct {
    double slope, offset;                            /* gradient */
    double slope_slope, slope_offset, offset_offset; /* Hessian */
} platt_derivatives;

static platt_derivatives derivatives(const platt_problem *p, double slope, double offset) {
    const double ridge = 1e-12;
    platt_derivatives d = {.slope_slope = ridge, .offset_offset = ridge};
    for (size_t i = 0; i < p->scores->goods + p->scores->defects; i++) {
        double target;
        const double x = item(p, i, &target), probability = sigmoid(slope * x + offset);
        const double residual = probability - target, weight = probability * (1.0 - probability);
        d.slope += residual * x;
        d.offset += residual;
        d.slope_slope += weight * x * x;
        d.slope_offset += weight * x;
        d.offset_offset += weight;
    }
    return d;
}

/* Centre and scale of all scores; scale 1 where they are all equal. */
static void standardise(platt_problem *p) {
    const metric_scores *s = p->scores;
    const double n = (double)(s->goods + s->defects);
    double sum = 0.0, squares = 0.0, target;
    p->centre = 0.0;
    p->scale = 1.0;
    for (size_t i = 0; i < s->goods + s->defects; i++) sum += item(p, i, &target);
    p->centre = sum / n;
    for (size_t i = 0; i < s->goods + s->defects; i++) {
        const double x = item(p, i, &target);
        squares += x * x;
    }
    if (squares > 0.0) p->scale = sqrt(squares / n);
}

/* One damped Newton step; 0 when the likelihood cannot be raised any more. */
static int newton_step(const platt_problem *p, double *slope, double *offset, double *value) {
    const platt_derivatives d = derivatives(p, *slope, *offset);
    const double determinant = d.slope_slope * d.offset_offset - d.slope_offset * d.slope_offset;
    const double slope_step = -(d.offset_offset * d.slope - d.slope_offset * d.offset) / determinant;
    const double offset_step = -(d.slope_slope * d.offset - d.slope_offset * d.slope) / determinant;
    const double descent = d.slope * slope_step + d.offset * offset_step;
    for (double length = 1.0; length > 1e-10; length *= 0.5) {
        const double a = *slope + length * slope_step, b = *offset + length * offset_step;
        const double trial = negative_log_likelihood(p, a, b);
        if (!(trial < *value + 1e-4 * length * descent)) continue;
        *slope = a;
        *offset = b;
        *value = trial;
        return 1;
    }
    return 0;
}

metric_platt metric_platt_fit(const metric_scores *s) {
    platt_problem p = {.scores = s,
                       .target_good = 1.0 / ((double)s->goods + 2.0),
                       .target_defect = ((double)s->defects + 1.0) / ((double)s->defects + 2.0)};
    standardise(&p);
    double slope = 0.0, offset = log(((double)s->defects + 1.0) / ((double)s->goods + 1.0));
    double value = negative_log_likelihood(&p, slope, offset);
    for (int i = 0; i < 100 && newton_step(&p, &slope, &offset, &value); i++) continue;
    return (metric_platt){.slope = slope / p.scale, .offset = offset - slope * p.centre / p.scale};
}

double metric_platt_probability(const metric_platt *fit, float score) {
    return sigmoid(fit->slope * (double)score + fit->offset);
}

typedef struct {
    double probability[METRIC_MAX_BINS];
    double defects[METRIC_MAX_BINS];
} calibration_bins;

static void fill_bins(const float *score, size_t n, double is_defect, const metric_platt *fit, size_t bins,
                      calibration_bins *out) {
    for (size_t i = 0; i < n; i++) {
        const double probability = metric_platt_probability(fit, score[i]);
        const size_t bin = (size_t)fmin(probability * (double)bins, (double)(bins - 1));
        out->probability[bin] += probability;
        out->defects[bin] += is_defect;
    }
}

double metric_calibration_error(const metric_scores *s, const metric_platt *fit, size_t bins) {
    calibration_bins sum = {{0}, {0}};
    const size_t used = bins < 1 ? 1 : bins > METRIC_MAX_BINS ? METRIC_MAX_BINS : bins;
    fill_bins(s->good, s->goods, 0.0, fit, used, &sum);
    fill_bins(s->defect, s->defects, 1.0, fit, used, &sum);
    double error = 0.0;
    for (size_t bin = 0; bin < used; bin++) error += fabs(sum.probability[bin] - sum.defects[bin]);
    return error / (double)(s->goods + s->defects);
}
