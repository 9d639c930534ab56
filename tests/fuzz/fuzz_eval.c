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

/* --- changes of records, so that most of what is tried is JSON -------------------------------------------------------
 */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak)); /* libFuzzer's */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static json_t *new_number(fuzz_bytes *b) {
    static const double numbers[] = {0,   1,    -1,   2,     0.5,    1e-9, 1e308, -1e308, 1e39, 80,
                                     -80, 1e-3, 1000, -0.25, 1e-310, 255,  3,     0.999,  1e6,  4};
    if (fuzz_byte(b) % 2) return json_integer((json_int_t)fuzz_below(b, 12) - 2);
    return json_real(numbers[fuzz_below(b, sizeof numbers / sizeof numbers[0])]);
}

static json_t *new_text(fuzz_bytes *b) {
    static const char *const words[] = {"mean",         "sum",   "none",       "binary",  "multiclass",
                                        "segmentation", "boxes", "regression", "sigmoid", "auto",
                                        "softmax",      "rows",  "positives",  "macro",   "present",
                                        "all",          "micro", "off",        "x"};
    size_t types = 0;
    while (loss_type_at(types)) types++;
    const size_t which = fuzz_below(b, types + sizeof words / sizeof words[0]);
    return json_string(which < types ? loss_type_at(which)->name : words[which - types]);
}

static json_t *new_value(fuzz_bytes *b) {
    switch (fuzz_below(b, 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(fuzz_byte(b) % 2);
    case 2:
        return new_text(b);
    case 3: {
        json_t *list = json_array();
        for (size_t i = fuzz_below(b, 9); i; i--) json_array_append_new(list, new_number(b));
        return list;
    }
    default:
        return new_number(b);
    }
}

static void change_list(json_t *list, fuzz_bytes *b) {
    const size_t size = json_array_size(list), at = size ? (fuzz_byte(b) << 8 | fuzz_byte(b)) % size : 0;
    if (size && fuzz_byte(b) % 2)
        json_array_set_new(list, at, fuzz_byte(b) % 8 ? new_number(b) : new_value(b));
    else if (size && fuzz_byte(b) % 2)
        json_array_remove(list, at);
    else
        json_array_append_new(list, new_number(b));
}

/* A parameter of a loss. */
static void add_parameter(json_t *record, fuzz_bytes *b) {
    const char *name = json_string_value(json_object_get(record, "loss"));
    const loss_type *type = name ? loss_type_find(name) : NULL;
    json_t *params = json_object_get(record, "params");
    if (!type || !type->param_count || !json_is_object(params)) return;
    json_object_set_new(params, type->params[fuzz_below(b, type->param_count)].name, new_value(b));
}

static void change(json_t *record, fuzz_bytes *b) {
    static const char *const keys[] = {"loss",  "kind",     "params", "reduction", "shape",       "logits",
                                       "preds", "scores",   "boxes",  "weights",   "value",       "targets",
                                       "grad",  "dist_map", "rtol",   "tags",      "target_boxes"};
    json_t *at = record, *inside = NULL;
    const char *key = NULL, *name;
    size_t left = fuzz_below(b, json_object_size(record) + 2);
    json_object_foreach(record, name, inside) {
        if (left-- == 0) key = name;
    }
    inside = key ? json_object_get(record, key) : NULL;
    if (json_is_object(inside) && json_object_size(inside)) {
        at = inside;
        left = fuzz_below(b, json_object_size(at));
        json_object_foreach(at, name, inside) {
            if (left-- == 0) key = name;
        }
        inside = json_object_get(at, key);
    }
    if (!key)
        json_object_set_new(record, keys[fuzz_below(b, sizeof keys / sizeof keys[0])], new_value(b));
    else if (json_is_array(inside) && fuzz_byte(b) % 8)
        change_list(inside, b);
    else if (fuzz_byte(b) % 4 == 0)
        json_object_del(at, key);
    else if (fuzz_byte(b) % 2)
        add_parameter(record, b);
    else
        json_object_set_new(at, key, json_is_string(inside) ? new_text(b) : new_value(b));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    fuzz_bytes b = {.noise = seed};
    json_t *record = seed % 8 ? json_loadb((const char *)data, size, READING, NULL) : NULL;
    char *text = NULL;
    if (json_is_object(record)) {
        for (size_t count = 1 + fuzz_below(&b, 3); count; count--) change(record, &b);
        text = json_dumps(record, JSON_COMPACT);
    }
    json_decref(record);
    const size_t length = text ? strlen(text) : 0;
    if (length && length <= most) memcpy(data, text, length);
    free(text);
    return length && length <= most ? length : LLVMFuzzerMutate(data, size, most);
}
