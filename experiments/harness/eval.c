/* The lines of `lossbench eval`: JSON in, JSON out. */
#include "experiments/harness/eval.h"

#include "experiments/harness/eval_record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    eval_precision precision;
    const char *name; /* of the file */
    size_t line;      /* from 1 on */
    size_t broken;    /* lines that are not JSON */
    char first[160];  /* the sentence of the first one */
} eval_stream;

enum { READING = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES };

/* A copy in which numbers that no double holds are strings: 1e999, and NaN and Infinity, which Python writes but JSON
   does not have. The record is then refused with the name of the number. NULL: there is none, or no memory. */
static char *quote_nonfinite(const char *line) {
    char *out = malloc(2 * strlen(line) + 1), *to = out;
    int inside = 0, found = 0;
    while (out && *line) {
        char *end = (char *)line;
        const double number = !inside && strchr("-0123456789NI", *line) ? strtod(line, &end) : 0;
        if (end > line) {
            to += sprintf(to, isfinite(number) ? "%.*s" : "\"%.*s\"", (int)(end - line), line);
            line = end;
            found |= !isfinite(number);
            continue;
        }
        if (*line == '"') inside = !inside;
        if (inside && *line == '\\' && line[1]) *to++ = *line++;
        *to++ = *line++;
    }
    if (out) *to = '\0';
    if (!found) free(out);
    return found ? out : NULL;
}

/* Whole numbers beyond 64 bits make it read all as reals. */
static json_t *read_json(const char *line, size_t length, json_error_t *problem) {
    json_t *json = json_loadb(line, length, READING, problem);
    if (!json && json_error_code(problem) == json_error_numeric_overflow)
        json = json_loadb(line, length, READING | JSON_DECODE_INT_AS_REAL, problem);
    char *quoted = json || strlen(line) != length ? NULL : quote_nonfinite(line);
    if (quoted) json = json_loads(quoted, READING | JSON_DECODE_INT_AS_REAL, problem);
    free(quoted);
    return json;
}

/* JSON all the same, though not what this program takes. */
static int is_json(const json_error_t *problem) {
    switch (json_error_code(problem)) {
    case json_error_numeric_overflow:
    case json_error_stack_overflow:
    case json_error_null_character:
    case json_error_null_byte_in_key:
    case json_error_duplicate_key:
        return 1;
    default:
        return 0;
    }
}

/* The answer to a line that cannot be read. */
static json_t *refuse_line(eval_stream *s, const json_error_t *problem) {
    char sentence[sizeof s->first];
    const int json = is_json(problem);
    snprintf(sentence, sizeof sentence, "%.60s%sline %zu %s: %.70s", s->name, *s->name ? ", " : "", s->line,
             json ? "cannot be read" : "is not JSON", problem->text);
    if (!json && !s->broken++) memcpy(s->first, sentence, sizeof sentence);
    return eval_refusal(NULL, sentence);
}

static int answer_line(eval_stream *s, const char *line, size_t length, lb_error *error) {
    json_error_t problem;
    if (strspn(line, " \t\r\n") == length) return LB_OK;
    json_t *record = read_json(line, length, &problem);
    json_t *answer = record ? eval_answer(record, s->precision) : refuse_line(s, &problem);
    char *text = answer ? json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    int code = text ? LB_OK : lb_fail_memory(error, "an answer");
    /* line by line, for those who write a record and wait for the answer */
    if (!code && (puts(text) < 0 || fflush(stdout)))
        code = lb_fail(error, LB_IO, "cannot write the answers: %s", strerror(errno));
    free(text);
    json_decref(answer);
    json_decref(record);
    return code;
}

static int answer_file(eval_stream *s, FILE *file, lb_error *error) {
    char *line = NULL;
    size_t room = 0;
    int code = LB_OK;
    ssize_t length;
    for (s->line = 1; !code && (length = getline(&line, &room, file)) >= 0; s->line++)
        code = answer_line(s, line, (size_t)length, error);
    if (!code && ferror(file))
        code = lb_fail(error, LB_IO, "cannot read %s: %s", *s->name ? s->name : "the records", strerror(errno));
    free(line);
    return code;
}

static int answer_named(eval_stream *s, const char *name, lb_error *error) {
    FILE *file = fopen(name, "r");
    if (!file) return lb_fail(error, LB_NOT_FOUND, "cannot open the records '%.200s': %s", name, strerror(errno));
    s->name = name;
    const int code = answer_file(s, file, error);
    fclose(file);
    return code;
}

int eval_run(char *const *files, size_t count, eval_precision precision, lb_error *error) {
    eval_stream s = {.precision = precision, .name = ""};
    int code = count ? LB_OK : answer_file(&s, stdin, error);
    for (size_t i = 0; !code && i < count; i++) code = answer_named(&s, files[i], error);
    if (code || !s.broken) return code;
    if (s.broken == 1) return lb_fail(error, LB_FORMAT, "%s", s.first);
    return lb_fail(error, LB_FORMAT, "%s; %zu lines in all are not JSON", s.first, s.broken);
}
