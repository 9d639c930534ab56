/* Figures through gnuplot. The script gets its variables from commands on standard input, ahead of two `load`s, one for
   each terminal; no shell is involved, and text is passed in gnuplot's single-quoted strings, where nothing is special
   but the quote itself.

   What a script finds, besides `option_NAME` for each option:
     data, skip_lines     the TSV, and how many lines come before its first row
     rows, columns        its size
     HEADER[columns]      the column headers
     COUNT, LOW, HIGH     of each column: how many numbers it holds, the smallest and the largest (0 when there is none)
     WIDTH                of each column: the characters of its longest text, header included
     scripts, kind, target, given   where style.gp is, "svg" or "png", the file to write, the names of the options */
#include "experiments/harness/figure.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 3, NOT_STARTED = 126, NO_PROGRAM = 127 /* exit status, as a shell has them */ };

static const char *const ending[FILES] = {"tsv", "svg", "png"};

/* --- text that is safe to hand over
 * ----------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at s, 0 when it is none. Overlong forms and surrogates are left to the reader. */
static size_t character_length(const char *s) {
    const unsigned char first = (unsigned char)*s;
    const size_t length = first < 0x80   ? 1
                          : first < 0xC2 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                          : first < 0xF5 ? 4
                                         : 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)s[i] & 0xC0) != 0x80) return 0;
    return length;
}

static int is_utf8(const char *s) {
    while (*s) {
        const size_t length = character_length(s);
        if (!length) return 0;
        s += length;
    }
    return 1;
}

/* 'text' as gnuplot reads it; control characters would end the command, or make the SVG invalid. */
static void add_quoted(text *out, const char *s) {
    text_add(out, "'");
    for (; *s; s++) {
        if (*s == '\'')
            text_add(out, "''");
        else if (*s == '\n')
            text_add(out, "'.\"\\n\".'");
        else
            text_add(out, "%c", (unsigned char)*s < ' ' || *s == 0x7F ? ' ' : *s);
    }
    text_add(out, "'");
}

/* An option's name becomes part of a variable's name. */
static int check_options(const figure_option *options, const char *stem, lb_error *error) {
    static const char *const letters = "abcdefghijklmnopqrstuvwxyz_";
    for (; options && options->name; options++) {
        if (!*options->name || options->name[strspn(options->name, letters)])
            return lb_fail(error, LB_INVALID, "figure %s: '%s' is no option name: use small letters and _", stem,
                           options->name);
        if (options->value && !is_utf8(options->value))
            return lb_fail(error, LB_INVALID, "figure %s: option %s is not UTF-8 text", stem, options->name);
    }
    return LB_OK;
}

/* --- the commands
 * ----------------------------------------------------------------------------------------------------- */

/* The table as its TSV text says it: what gnuplot will read, and a `table` does not show its headers. */
typedef struct {
    const char *header, *first_row;
    size_t rows, columns;
    int skip_lines; /* before the first row */
} layout;

static const char *next_line(const char *line) {
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

static const char *next_cell(const char *cell) { return cell + strcspn(cell, "\t\n") + 1; }

static size_t count_cells(const char *line) {
    size_t cells = 1;
    for (; *line && *line != '\n'; line++) cells += *line == '\t';
    return cells;
}

static layout layout_of(const char *tsv, const char *note) {
    layout l = {.header = note ? next_line(tsv) : tsv, .skip_lines = note ? 2 : 1};
    l.columns = count_cells(l.header);
    l.first_row = next_line(l.header);
    for (const char *line = l.first_row; *line; line = next_line(line)) l.rows++;
    return l;
}

/* Refuses what gnuplot would misread; a tab or line break inside a cell shows as a row of another length. */
static int check_layout(const layout *l, const char *tsv, const char *stem, lb_error *error) {
    if (!is_utf8(tsv)) return lb_fail(error, LB_INVALID, "figure %s: the table is not UTF-8 text", stem);
    if (!l->rows) return lb_fail(error, LB_INVALID, "figure %s: the table has no rows", stem);
    size_t row = 1;
    for (const char *line = l->first_row; *line; line = next_line(line), row++)
        if (count_cells(line) != l->columns || strcspn(line, "\"\\") < strcspn(line, "\n"))
            return lb_fail(
                error, LB_INVALID,
                "figure %s: a cell of row %zu holds a tab, line break, double quote or backslash, which gnuplot "
                "misreads: leave it out",
                stem, row);
    return LB_OK;
}

static void add_header(text *out, const char *cell, size_t column) {
    text name = {0};
    text_add(&name, "%.*s", (int)strcspn(cell, "\t\n"), cell);
    text_add(out, "HEADER[%zu] = ", column);
    if (name.data) add_quoted(out, name.data);
    text_add(out, "\n");
    out->failed |= name.failed;
    text_free(&name);
}

typedef struct {
    size_t count, width; /* numbers; characters of the longest text */
    double low, high;
} extent;

static void widen(extent *e, const char *cell) {
    const size_t length = strcspn(cell, "\t\n");
    size_t characters = 0;
    for (size_t i = 0; i < length; i++)
        characters += ((unsigned char)cell[i] & 0xC0) != 0x80; /* no continuation byte */
    if (characters > e->width) e->width = characters;
}

static void include(extent *e, const char *cell) {
    char *end;
    const double value = strtod(cell, &end);
    if (end == cell || end > cell + strcspn(cell, "\t\n") || !isfinite(value)) return;
    if (!e->count || value < e->low) e->low = value;
    if (!e->count || value > e->high) e->high = value;
    e->count++;
}

static void add_extent(text *out, const layout *l, size_t column) {
    extent e = {0};
    for (const char *line = l->header; *line; line = next_line(line)) {
        const char *cell = line;
        for (size_t i = 1; i < column; i++) cell = next_cell(cell);
        widen(&e, cell);
        if (line != l->header) include(&e, cell);
    }
    text_add(out, "COUNT[%zu] = %zu; LOW[%zu] = %.17g; HIGH[%zu] = %.17g; WIDTH[%zu] = %zu\n", column, e.count, column,
             e.low, column, e.high, column, e.width);
}

static void add_table(text *out, const layout *l) {
    static const char *const arrays[] = {"HEADER", "COUNT", "LOW", "HIGH", "WIDTH"};
    text_add(out, "skip_lines = %d\nrows = %zu\ncolumns = %zu\n", l->skip_lines, l->rows, l->columns);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) text_add(out, "array %s[columns]\n", arrays[i]);
    const char *cell = l->header;
    for (size_t column = 1; column <= l->columns; column++, cell = next_cell(cell)) {
        add_header(out, cell, column);
        add_extent(out, l, column);
    }
}

static void add_options(text *out, const figure_option *options) {
    text_add(out, "given = ''\n");
    for (; options && options->name; options++) {
        if (!options->value) continue;
        text_add(out, "given = given.' %s'\noption_%s = ", options->name, options->name);
        add_quoted(out, options->value);
        text_add(out, "\n");
    }
}

static void add_assignment(text *out, const char *name, const char *value) {
    text_add(out, "%s = ", name);
    add_quoted(out, value);
    text_add(out, "\n");
}

static void add_loads(text *out, const char *scripts, const char *script, char part[FILES][4096]) {
    add_assignment(out, "scripts", scripts);
    add_assignment(out, "data", part[0]);
    for (size_t i = 1; i < FILES; i++) {
        add_assignment(out, "kind", ending[i]);
        add_assignment(out, "target", part[i]);
        text_add(out, "load scripts.'/%s.gp'\nset output\n", script);
    }
}

/* --- files
 * ------------------------------------------------------------------------------------------------------------ */

/* gnuplot gives file names that begin with <, |, ~, - or $ a meaning of their own: "./" takes it away. */
static int name_part(const char *stem, size_t file, char *out, size_t size, lb_error *error) {
    const int length = snprintf(out, size, "%s%s.%s.part", *stem == '/' ? "" : "./", stem, ending[file]);
    if (length >= 0 && (size_t)length < size && is_utf8(stem) && !strpbrk(stem, "\n\r\t")) return LB_OK;
    return lb_fail(error, LB_INVALID, "'%.200s' is no name for a figure: it is too long or not plain UTF-8 text", stem);
}

static int write_part(const char *path, const text *content, lb_error *error) {
    FILE *f = fopen(path, "w");
    if (!f) return lb_fail(error, LB_IO, "cannot write %s: %s", path, strerror(errno));
    const size_t written = fwrite(content->data, 1, content->length, f);
    if (fclose(f) == 0 && written == content->length) return LB_OK;
    return lb_fail(error, LB_IO, "cannot write %s: %s", path, strerror(errno));
}

static int is_empty(const char *path) {
    FILE *f = fopen(path, "r");
    if (!f) return 1;
    const int first = getc(f);
    fclose(f);
    return first == EOF;
}

static int publish(const char *stem, char part[FILES][4096], lb_error *error) {
    char path[4096];
    for (size_t i = 0; i < FILES; i++)
        if (is_empty(part[i]))
            return lb_fail(error, LB_INTERNAL, "gnuplot drew nothing into %s.%s: does this gnuplot have its %s?", stem,
                           ending[i], i == 1 ? "svg terminal" : "pngcairo terminal (package gnuplot-nox)");
    for (size_t i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%.*s", (int)(strlen(part[i]) - strlen(".part")), part[i]);
        if (rename(part[i], path)) return lb_fail(error, LB_IO, "cannot write %s: %s", path, strerror(errno));
    }
    return LB_OK;
}

/* --- gnuplot
 * ---------------------------------------------------------------------------------------------------------- */

/* In the child: commands from `input`, everything it says to `output`, no settings of the user's own. */
static void become_gnuplot(FILE *input, FILE *output) {
    static char *const arguments[] = {"gnuplot", "--default-settings", "-", NULL};
    if (dup2(fileno(input), 0) < 0 || dup2(fileno(output), 1) < 0 || dup2(fileno(output), 2) < 0 ||
        setenv("LC_ALL", "C.UTF-8", 1) || unsetenv("GNUTERM") || unsetenv("GNUPLOT_LIB"))
        _exit(NOT_STARTED);
    execvp(arguments[0], arguments);
    _exit(errno == ENOENT || errno == ENOTDIR ? NO_PROGRAM : NOT_STARTED);
}

/* The last line that says something: gnuplot's message follows an echo of the command. */
static void last_line(FILE *said, char *out, size_t size) {
    char line[512];
    snprintf(out, size, "no message");
    rewind(said);
    while (fgets(line, sizeof line, said)) {
        const char *begin = line + strspn(line, " \t");
        const size_t length = strcspn(begin, "\r\n");
        if (length && *begin != '^') snprintf(out, size, "%.*s", (int)length, begin);
    }
}

static int judge(const char *stem, int status, FILE *said, lb_error *error) {
    char message[300];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return LB_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
        return lb_fail(error, LB_NOT_FOUND,
                       "gnuplot, which draws the figures, is not installed: apt-get install gnuplot-nox");
    last_line(said, message, sizeof message);
    if (WIFSIGNALED(status))
        return lb_fail(error, LB_INTERNAL, "figure %s: gnuplot was stopped by signal %d (%s)", stem, WTERMSIG(status),
                       message);
    return lb_fail(error, LB_INVALID, "figure %s: gnuplot refused it: %s", stem, message);
}

static int run_gnuplot(const char *stem, const text *commands, lb_error *error) {
    int status = 0, code = LB_OK;
    FILE *input = tmpfile(), *said = tmpfile();
    if (!input || !said || fwrite(commands->data, 1, commands->length, input) != commands->length || fflush(input)) {
        code = lb_fail(error, LB_IO, "cannot write a temporary file for gnuplot: %s", strerror(errno));
        goto done;
    }
    rewind(input);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) become_gnuplot(input, said);
    pid_t ended = child;
    while (child > 0 && (ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
    }
    code = ended < 0 ? lb_fail(error, LB_INTERNAL, "cannot run gnuplot: %s", strerror(errno))
                     : judge(stem, status, said, error);
done:
    if (input) fclose(input);
    if (said) fclose(said);
    return code;
}

/* --- one figure
 * ------------------------------------------------------------------------------------------------------- */

static int prepare(const char *scripts, const char *script, const char *stem, const table *data, const char *note,
                   const figure_option *options, char part[FILES][4096], text *commands, lb_error *error) {
    text tsv = {0};
    layout l = {0};
    int code = check_options(options, stem, error);
    if (!code) code = data ? table_tsv(data, note, &tsv, error) : lb_fail_memory(error, "a table");
    if (!code) {
        l = layout_of(tsv.data, note);
        code = check_layout(&l, tsv.data, stem, error);
    }
    if (!code) {
        add_table(commands, &l);
        add_options(commands, options);
        add_loads(commands, scripts, script, part);
        code = commands->failed ? lb_fail_memory(error, "a figure") : write_part(part[0], &tsv, error);
    }
    text_free(&tsv);
    return code;
}

int figure_draw(const char *scripts, const char *script, const char *stem, const table *data, const char *note,
                const figure_option *options, lb_error *error) {
    char part[FILES][4096];
    text commands = {0};
    int code = LB_OK;
    for (size_t i = 0; i < FILES && !code; i++) code = name_part(stem, i, part[i], sizeof part[i], error);
    if (code) return code;
    code = prepare(scripts ? scripts : "plots", script, stem, data, note, options, part, &commands, error);
    if (!code) code = run_gnuplot(stem, &commands, error);
    if (!code) code = publish(stem, part, error);
    text_free(&commands);
    for (size_t i = 0; code && i < FILES; i++) unlink(part[i]);
    return code;
}
