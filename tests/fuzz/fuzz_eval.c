/* Any bytes as a line of `lossbench eval`: the answer is one line of JSON with a finite value or a sentence, in double
   and in float. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

static int take_answer(const char *text);
#define puts take_answer /* answers go here instead of to standard output */
#include "experiments/harness/eval.c"
#undef puts

static int is_finite(const json_t *json) {
    const json_t *entry;
    size_t i;
    if (json_is_number(json)) return isfinite(json_number_value(json));
    if (!json_is_array(json)) return 0;
    json_array_foreach((json_t *)json, i, entry) {
        if (!json_is_number(entry) || !isfinite(json_number_value(entry))) return 0;
    }
    return 1;
}

static int take_answer(const char *text) {
    json_t *answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    fuzz_require(json_is_object(answer), "not JSON: %s", text);
    const json_t *error = json_object_get(answer, "error"), *value = json_object_get(answer, "value");
    if (error)
        fuzz_require(json_is_string(error) && strlen(json_string_value(error)) > 8, "no sentence: %s", text);
    else
        fuzz_require(is_finite(value) && is_finite(json_object_get(answer, "grad")), "not finite: %s", text);
    fuzz_require(!strchr(text, '\n') && json_object_get(answer, "id"), "%s", text);
    json_decref(answer);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int precision = EVAL_DOUBLE; precision <= EVAL_FLOAT; precision++) {
        eval_stream s = {.precision = (eval_precision)precision, .name = "records", .line = 1};
        lb_error error = {0};
        char *line = fuzz_room(size + 1); /* getline ends a line with a 0 */
        memcpy(line, data, size);
        line[size] = '\0';
        const int code = answer_line(&s, line, size, &error);
        if (code) fuzz_require_sentence(code, &error, "answer_line");
        free(line);
    }
    return 0;
}
