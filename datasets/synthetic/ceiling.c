/* What no detector can exceed on the synthetic surfaces.

   Given the pattern's phase, a good image is N(b, K) and an image with a known defect N(b + s, K). For each test defect
   the Neyman-Pearson lemma gives the best recall at false rejection rate x of anyone told b, s and K:
       Phi(d' - z),   d'^2 = s^T K^-1 s,   z = Phi^-1(1 - x).
   A detector that is told less, or that must use one threshold for all defects, finds at most the mean of this over the
   defects; rounding to 8 bits only takes away more. Source: van Trees, Detection, Estimation, and Modulation Theory I
   (1968), sec. 4.2.

   K = sum over fields of sd^2 (Vy Vy^T) x (Vx Vx^T)  +  shading^2 (1 1^T + y y^T + x x^T)  +  sensor^2 I. */
#include "datasets/synthetic/synthetic.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>

enum { MOST_SIZE = 40 }; /* the factorisation takes size^6 operations */

/* out is [size][size] = W W^T of the axis' interpolation weights. */
static void axis_covariance(const texture_axis *axis, size_t size, double *out) {
    for (size_t p = 0; p < size; p++)
        for (size_t q = 0; q < size; q++) {
            double sum = 0;
            for (size_t s = 0; s < SPLINE_TAPS; s++)
                for (size_t t = 0; t < SPLINE_TAPS; t++)
                    if (axis->first[p] + s == axis->first[q] + t)
                        sum += (double)axis->weight[p][s] * (double)axis->weight[q][t];
            out[p * size + q] = sum;
        }
}

static void add_field_covariance(const texture_field *f, size_t size, double variance, gsl_matrix *k) {
    double along_y[MOST_SIZE * MOST_SIZE], along_x[MOST_SIZE * MOST_SIZE];
    axis_covariance(&f->y, size, along_y);
    axis_covariance(&f->x, size, along_x);
    for (size_t i = 0; i < size * size; i++)
        for (size_t j = 0; j < size * size; j++)
            *gsl_matrix_ptr(k, i, j) +=
                variance * along_y[i / size * size + j / size] * along_x[i % size * size + j % size];
}

static void add_shading_covariance(size_t size, double variance, gsl_matrix *k) {
    const double to_unit = 2 / (double)(size - 1);
    for (size_t i = 0; i < size * size; i++)
        for (size_t j = 0; j < size * size; j++) {
            const double yi = (double)(i / size) * to_unit - 1, yj = (double)(j / size) * to_unit - 1;
            const double xi = (double)(i % size) * to_unit - 1, xj = (double)(j % size) * to_unit - 1;
            *gsl_matrix_ptr(k, i, j) += variance * (1 + yi * yj + xi * xj);
        }
}

static double square(float x) { return (double)x * (double)x; }

static gsl_matrix *covariance(const texture *t) {
    const size_t area = t->size * t->size;
    gsl_matrix *k = gsl_matrix_calloc(area, area);
    if (!k) return NULL;
    for (size_t i = 0; i < t->field_count; i++)
        add_field_covariance(&t->fields[i], t->size, square(t->texture_sd) * square(t->fields[i].sd), k);
    add_shading_covariance(t->size, square(t->shading_sd), k);
    for (size_t i = 0; i < area; i++) *gsl_matrix_ptr(k, i, i) += square(t->sensor_sd);
    return k;
}

/* Mean over the test defects of Phi(d' - z); k holds the Cholesky factor of K. */
static double mean_recall(const synthetic_source *s, size_t defects, double z, const gsl_matrix *k, gsl_vector *work) {
    float signal[TEXTURE_MAX_SIZE * TEXTURE_MAX_SIZE];
    unsigned char mask[TEXTURE_MAX_SIZE * TEXTURE_MAX_SIZE];
    double sum = 0;
    for (size_t i = 0; i < defects; i++) {
        synthetic_draw_defect(s, (synthetic_item){SET_TEST, 1, i}, signal, mask);
        for (size_t p = 0; p < work->size; p++) gsl_vector_set(work, p, (double)signal[p]);
        gsl_blas_dtrsv(CblasLower, CblasNoTrans, CblasNonUnit, k, work);
        sum += gsl_cdf_ugaussian_P(gsl_blas_dnrm2(work) - z);
    }
    return sum / (double)defects;
}

int synthetic_ceiling(const double *params, const dataset_request *request, double fr, double *recall,
                      lb_error *error) {
    synthetic_source source;
    size_t goods[SET_COUNT], defects[SET_COUNT];
    int code = synthetic_source_init(&source, params, request->seed, error);
    if (code) return code;
    if (source.surface.size > MOST_SIZE)
        return lb_fail(error, LB_NOT_FOUND, "data set 'synthetic': the ceiling is computed up to size %d, not for %zu",
                       MOST_SIZE, source.surface.size);
    synthetic_count(params, request->ratio, goods, defects);
    gsl_error_handler_t *previous = gsl_set_error_handler_off();
    gsl_matrix *k = covariance(&source.surface);
    gsl_vector *work = gsl_vector_alloc(source.surface.size * source.surface.size);
    if (!k || !work)
        code = lb_fail_memory(error, "a covariance matrix");
    else if (gsl_linalg_cholesky_decomp1(k))
        code = lb_fail(error, LB_INTERNAL, "data set 'synthetic': the covariance is not positive definite");
    else
        *recall = mean_recall(&source, defects[SET_TEST], gsl_cdf_ugaussian_Qinv(fr), k, work);
    gsl_matrix_free(k);
    gsl_vector_free(work);
    gsl_set_error_handler(previous);
    return code;
}
