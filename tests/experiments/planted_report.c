#include "tests/experiments/planted_report.h"

#include "tests/experiments/fixture.h"

campaign the_campaign;
report the_report;

static char directory[] = "/tmp/test_planted_XXXXXX";

void planted_begin(void) {
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    snprintf(the_campaign.out, sizeof the_campaign.out, "%s", directory);
    the_report = (report){.c = &the_campaign, .from = memory_store()};
}

void planted_end(void) {
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(zero(int, system(command)));
    for (size_t i = 0; i < the_campaign.count; i++) {
        evidence_free(&the_report.evidences[i]);
        study_free(&the_campaign.studies[i]);
    }
    text_free(&the_report.body);
    store_close(the_report.from);
}

void planted_read(size_t i) {
    lb_error error = {0};
    cr_assert(zero(int, evidence_read(&the_campaign.studies[i], the_report.from, &the_report.evidences[i], &error)),
              "%s", error.message);
}

void planted_run(int (*analyse)(report *, const evidence *, lb_error *)) {
    lb_error error = {0};
    cr_assert(zero(int, analyse(&the_report, &the_report.evidences[0], &error)), "%s", error.message);
    cr_assert_not(the_report.body.failed);
}

void says(const char *part) {
    cr_assert(ne(ptr, strstr(the_report.body.data, part), NULL), "'%s' in\n%s", part, the_report.body.data);
}

void says_not(const char *part) {
    cr_assert(eq(ptr, strstr(the_report.body.data, part), NULL), "'%s' in\n%s", part, the_report.body.data);
}

/* --- files ---------------------------------------------------------------------------------------------------------
 */

static FILE *open_file(const char *file) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    FILE *f = fopen(path, "r");
    cr_assert(ne(ptr, f, NULL), "%s", path);
    return f;
}

void is_there(const char *file) { fclose(open_file(file)); }

/* Leaves the line in line[size]. */
static int find_line(const char *file, const char *start, char *line, int size) {
    int found = 0;
    FILE *f = open_file(file);
    while (!found && fgets(line, size, f)) found = strncmp(line, start, strlen(start)) == 0;
    fclose(f);
    return found;
}

int has_line(const char *file, const char *start) {
    char line[8192];
    return find_line(file, start, line, sizeof line);
}

const char *line_of(const char *file, const char *start) {
    static char line[8192];
    cr_assert(find_line(file, start, line, sizeof line), "'%s' in %s", start, file);
    line[strcspn(line, "\n")] = 0;
    return line;
}

int contains(const char *file, const char *word) {
    static char content[200000];
    FILE *f = open_file(file);
    content[fread(content, 1, sizeof content - 1, f)] = 0;
    fclose(f);
    return strstr(content, word) != NULL;
}

void read_claim(const char *claim, int column, char *out, size_t size) {
    char line[8192];
    FILE *f = open_file("results/claims/claims.tsv");
    out[0] = '\0';
    while (fgets(line, sizeof line, f)) {
        char *at = line;
        if (strncmp(line, claim, strlen(claim)) != 0 || line[strlen(claim)] != '\t') continue;
        for (int i = 0; i < column; i++) at += strcspn(at, "\t") + 1;
        snprintf(out, size, "%.*s", (int)strcspn(at, "\t\n"), at);
    }
    fclose(f);
}

void read_place(const char *row) {
    char line[8192];
    int found = 0;
    FILE *f = open_file("results/claims/places.tsv");
    while (fgets(line, sizeof line, f)) found += strncmp(line, row, strlen(row)) == 0;
    fclose(f);
    cr_assert(eq(int, found, 1), "%s", row);
}
