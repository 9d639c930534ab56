/* The report: tables, figures and REPORT.md from the trials in the store. Trains nothing. */
#ifndef HARNESS_REPORT_H
#define HARNESS_REPORT_H

#include "experiments/harness/campaign.h"
#include "experiments/harness/evidence.h"
#include "lib/base/text.h"

/* One `figure_option`-style pair list is declared in figure.h; analyses include both. */
struct figure_option;

typedef struct {
    campaign *c;
    store *from;
    evidence evidences[MAX_STUDIES]; /* one a study */
    text body;                       /* Markdown of the data and experiment sections */
    size_t tables, figures;
    struct {
        const block *b; /* of a study */
        unsigned ratio;
        double recall;
    } ceilings[MAX_STUDIES * MAX_BLOCKS]; /* found so far */
    size_t ceiling_count;
    uint64_t results; /* hash over the keys and scores of all trials shown */
} report;

/* Writes results/, plots/ and REPORT.md below the campaign's OUT. */
int report_write(campaign *c, store *from, lb_error *error);

/* Trains a stratified sample of the trials in results/<experiment>/trials.tsv again and compares the hashes of their
 * scores. */
int report_verify(campaign *c, lb_error *error);

/* --- for the analyses ------------------------------------------------------------------------------------------------
 */

typedef enum { TABLE_INLINE, TABLE_LINKED } table_place;

/* Writes results/<experiment>/<name>.tsv, .md and .tex and puts the table, or a link to it, into the report. Frees `t`;
   NULL is an allocation failure. */
int report_table(report *r, const study *s, const char *name, table *t, table_place place, const char *caption,
                 lb_error *error);

/* Draws plots/<experiment>/<name>.svg and .png beside the TSV and shows it. Frees `t`. Options as figure_draw takes
 * them. */
int report_figure(report *r, const study *s, const char *script, const char *name, table *t,
                  const struct figure_option *options, const char *caption, lb_error *error);

/* Recall at FR 1 % that no detector can exceed on this block; NaN where it is not known. */
double report_ceiling(report *r, const block *b, unsigned ratio);

/* Appends a paragraph. */
void report_say(report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The section on data. */
int report_data(report *r, lb_error *error);

/* Path of OUT/<root>/<folder>/<name> into out[PATH_SIZE], its directory made. */
int report_place(const report *r, const char *root, const char *folder, const char *name, char *out, lb_error *error);

/* Writes a whole file or leaves the old one as it was. */
int write_file(const char *path, const text *content, lb_error *error);

/* "1:200", "natural" */
void ratio_text(unsigned ratio, char *out, size_t size);

/* "0.712 [0.681, 0.743]" for a share, its interval cut to [0, 1]; "+0.012 [-0.003, +0.027]" for a difference, with
   `plus`; "failed" when there is no number. */
void estimate_text(const estimate *e, int plus, char *out, size_t size);

/* Why a mean over seeds has no number: "failed", "n<59", "tied" (in more than half of the seeds), or "". */
const char *missing_word(const evidence *e, size_t cell);

/* Seeds of a cell that diverged, did not start, crashed, or gave so many equal scores that they tie at the threshold.
 */
typedef struct {
    unsigned diverged, not_started, failed, tied;
} troubles;
troubles troubles_of(const evidence *e, size_t cell);

/* Study and evidence by experiment name; NULL when it is not part of the campaign. */
const evidence *report_evidence(const report *r, const char *experiment);

/* The analyses: one a file, chosen by the experiment's `analysis`. */
int analyse_compare(report *r, const evidence *e, lb_error *error);
int analyse_grid(report *r, const evidence *e, lb_error *error);
int analyse_ratios(report *r, const evidence *e, lb_error *error);
int analyse_easy(report *r, const evidence *e, lb_error *error);
int analyse_rates(report *r, const evidence *e, lb_error *error);
int analyse_lambda(report *r, const evidence *e, lb_error *error);
int analyse_epsilon(report *r, const evidence *e, lb_error *error);
int analyse_equivalence(report *r, const evidence *e, lb_error *error);
int analyse_sizes(report *r, const evidence *e, lb_error *error);
int analyse_simulation(report *r, const evidence *e, lb_error *error);
int analyse_boxes(report *r, const evidence *e, lb_error *error);
int analyse_heads(report *r, const evidence *e, lb_error *error);
int analyse_types(report *r, const evidence *e, lb_error *error);

/* The claims table, computed from all evidence. */
int report_claims(report *r, lb_error *error);

#endif
