/* Which samples carry the loss and the gradient: Lin et al., "Focal loss for dense object detection", ICCV 2017,
   figure 4. With m the margin of an item (logit of its true class) and p = sigmoid(m),

       loss(m)     = (1 - p)^gamma softplus(-m)                         the factor alpha cancels within a class
       |d loss/dm| = (1 - p)^gamma (gamma p softplus(-m) + 1 - p)       loss falls in m: small margin = hard */
#include "lib/metrics/metrics.h"

#include <math.h>

typedef struct {
    const metric_scores *scores;
    metric_class which;
    double gamma;
    size_t n;
} class_view;

static class_view view_class(const metric_scores *s, metric_class which, double gamma) {
    return (class_view){s, which, gamma, which == METRIC_GOODS ? s->goods : s->defects};
}

/* Margin of the i-th easiest item: goods are descending in score, hence hardest first; defects easiest first. */
static double margin(const class_view *v, size_t i) {
    return v->which == METRIC_DEFECTS ? (double)v->scores->defect[i] : -(double)v->scores->good[v->n - 1 - i];
}

/* softplus(-m) = -log sigmoid(m) */
static double cross_entropy(double m) { return fmax(-m, 0.0) + log1p(exp(-fabs(m))); }

static double focal_loss(const class_view *v, size_t i) {
    const double m = margin(v, i);
    return exp(-v->gamma * cross_entropy(-m)) * cross_entropy(m);
}

static double focal_gradient(const class_view *v, size_t i) {
    const double m = margin(v, i), log_q = -cross_entropy(-m);
    return exp(v->gamma * log_q) * (v->gamma * exp(-cross_entropy(m)) * cross_entropy(m) + exp(log_q));
}

void metric_loss_share(const metric_scores *s, metric_class which, double gamma, const double *fraction, size_t count,
                       double *share) {
    const class_view v = view_class(s, which, gamma);
    double total = 0.0, below = 0.0;
    for (size_t i = 0; i < v.n; i++) total += focal_loss(&v, i);
    size_t item = 0; /* `below` is the loss of items 0..item-1 */
    for (size_t point = 0; point < count; point++) {
        const double place = fraction[point] * (double)v.n;
        while (item < v.n && (double)(item + 1) <= place) below += focal_loss(&v, item++);
        const double part = item < v.n ? (place - (double)item) * focal_loss(&v, item) : 0.0;
        share[point] = total > 0.0 ? (below + part) / total : (double)NAN;
    }
}

double metric_gradient_share(const metric_scores *s, metric_class which, double gamma, double fraction) {
    const class_view v = view_class(s, which, gamma);
    const double easy = (1.0 - fraction) * (double)v.n;
    double total = 0.0, hard = 0.0;
    for (size_t i = 0; i < v.n; i++) {
        const double gradient = focal_gradient(&v, i);
        total += gradient;
        hard += gradient * fmin(fmax((double)(i + 1) - easy, 0.0), 1.0);
    }
    return total > 0.0 ? hard / total : (double)NAN;
}
