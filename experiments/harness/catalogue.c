/* lossbench catalogue: docs/LOSSES.md and the pictures. */
#include "experiments/harness/catalogue.h"

#include "experiments/harness/report.h"

#include <stdio.h>
#include <string.h>

/* Refuses a name in the list that no loss has. */
static int check_names(const char *only, lb_error *error) {
    char name[80];
    for (const char *at = only; *at; at += strcspn(at, ",; ")) {
        at += strspn(at, ",; ");
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ",; "), at);
        if (*name && !loss_type_find(name))
            return lb_fail(error, LB_NOT_FOUND, "no loss is called '%s': see lossbench list", name);
    }
    return LB_OK;
}

static int draw_one(const char *directory, const loss_type *type, lb_error *error) {
    char stem[PATH_SIZE];
    snprintf(stem, sizeof stem, "%.900s/%.90s", directory, type->name);
    return sheet_draw(type, stem, error);
}

static int draw_all(const char *out, const char *only, lb_error *error) {
    char directory[PATH_SIZE];
    const loss_type *type;
    snprintf(directory, sizeof directory, "%.900s/plots/losses", out);
    int code = make_directories(directory, error);
    for (size_t i = 0; !code && (type = loss_type_at(i)); i++)
        if (in_list(only, type->name)) code = draw_one(directory, type, error);
    return code;
}

static int write_text(const char *out, const char *only, lb_error *error) {
    char path[PATH_SIZE];
    text document = {0};
    snprintf(path, sizeof path, "%.900s/docs", out);
    int code = make_directories(path, error);
    snprintf(path, sizeof path, "%.900s/docs/LOSSES.md", out);
    if (!code) code = catalogue_text(only, &document, error);
    if (!code) code = write_file(path, &document, error);
    text_free(&document);
    return code;
}

int catalogue_write(const char *out, const char *only, lb_error *error) {
    int code = check_names(only, error);
    if (!code) code = draw_all(out, only, error);
    if (!code) code = write_text(out, only, error);
    if (!code) printf("wrote %s/docs/LOSSES.md and the pictures in %s/plots/losses\n", out, out);
    return code;
}
