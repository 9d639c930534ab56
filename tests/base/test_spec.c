#include "lib/base/spec.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAMMA, ALPHA, COUNT, KIND, PARAMS };

static const param_word alpha_words[] = {{"off", -1}, {"auto", -2}, {NULL, 0}};
static const param_word kind_words[] = {{"cast", 0}, {"woven", 1}, {NULL, 0}};
static const param rows[PARAMS] = {
    [GAMMA] = {.name = "gamma", .fallback = 2, .low = 0, .high = 10, .scale = PARAM_LINEAR},
    [ALPHA] = {.name = "alpha", .fallback = -1, .low = 0, .high = 1, .scale = PARAM_LOGIT, .words = alpha_words},
    [COUNT] = {.name = "count", .fallback = 8, .low = 1, .high = 64, .scale = PARAM_INTEGER},
    [KIND] = {.name = "kind", .fallback = 0, .low = 0, .high = 1, .scale = PARAM_CHOICE, .words = kind_words},
};

static int read_args(const char *args, double values[PARAMS], lb_error *error) {
    return spec_read(args, "loss 'focal'", rows, PARAMS, values, error);
}

/* --- splitting ------------------------------------------------------------------------------------------------ */

static void assert_split(const char *input, const char *name, const char *args, const char *rest) {
    char found_name[SPEC_MAX_TEXT], found_args[SPEC_MAX_TEXT];
    const char *at = input;
    lb_error error = {0};
    cr_assert(zero(int, spec_split(&at, "loss", found_name, found_args, &error)), "%s: %s", input, error.message);
    cr_assert(eq(str, found_name, (char *)name));
    cr_assert(eq(str, found_args, (char *)args));
    cr_assert(eq(str, (char *)at, (char *)rest));
}

Test(spec, split_takes_one_expression_and_leaves_the_rest) {
    assert_split("focal", "focal", "", "");
    assert_split("  focal ( gamma=2, alpha = off ) + bce", "focal", "gamma=2, alpha = off", " + bce");
    assert_split("bce + dice", "bce", "", " + dice");
    assert_split("bce()", "bce", "", "");
    assert_split("tiny-yolo_v2.1(a=1)", "tiny-yolo_v2.1", "a=1", "");
}

static void assert_no_split(const char *input, const char *sentence) {
    char name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT];
    const char *at = input;
    lb_error error = {0};
    cr_assert(eq(int, spec_split(&at, "model", name, args, &error), LB_INVALID), "%s is not refused", input);
    cr_assert(ne(ptr, strstr(error.message, sentence), NULL), "'%s' does not say '%s'", error.message, sentence);
    cr_assert(eq(ptr, (void *)at, (void *)input));
}

Test(spec, split_refusals_name_what_is_expected) {
    char longer[2 * SPEC_MAX_TEXT];
    assert_no_split("", "expected the name of a model");
    assert_no_split("(gamma=2)", "expected the name of a model at '(gamma=2)'");
    memset(longer, 'x', sizeof longer);
    longer[SPEC_MAX_TEXT] = '\0';
    assert_no_split(longer, "model name is too long");
}

Test(spec, split_refuses_open_and_endless_arguments) {
    char name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT], longer[2 * SPEC_MAX_TEXT];
    lb_error error = {0};
    const char *at = "cnn(width=8";
    cr_assert(eq(int, spec_split(&at, "model", name, args, &error), LB_INVALID));
    cr_assert(eq(str, error.message, "model 'cnn': the '(' is not closed by ')'"));
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "cnn(", 4);
    memcpy(longer + SPEC_MAX_TEXT + 4, ")", 2);
    at = longer;
    cr_assert(eq(int, spec_split(&at, "model", name, args, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "more than 511 characters"), NULL));
}

/* --- reading --------------------------------------------------------------------------------------------------- */

Test(spec, read_puts_defaults_first) {
    double values[PARAMS];
    cr_assert(zero(int, read_args("", values, NULL)));
    for (size_t i = 0; i < PARAMS; i++) cr_assert(eq(dbl, values[i], rows[i].fallback));
    cr_assert(zero(int, read_args(" alpha = auto ,kind=woven,  gamma=1.5e0", values, NULL)));
    cr_assert(eq(dbl, values[GAMMA], 1.5));
    cr_assert(eq(dbl, values[ALPHA], -2));
    cr_assert(eq(dbl, values[COUNT], 8));
    cr_assert(eq(dbl, values[KIND], 1));
}

Test(spec, read_takes_both_ends_of_a_range) {
    double values[PARAMS];
    cr_assert(zero(int, read_args("gamma=0, alpha=1, count=64", values, NULL)));
    cr_assert(zero(int, read_args("gamma=10, alpha=0, count=1", values, NULL)));
}

static const struct {
    const char *args, *sentence;
} refused[] = {
    {"gama=2", "loss 'focal' has no parameter 'gama'; it has: gamma, alpha, count, kind"},
    {"gamma=2, gamma=3", "loss 'focal': parameter 'gamma' is given twice"},
    {"gamma", "loss 'focal': expected name=value at 'gamma'"},
    {"gamma=2,,alpha=off", "loss 'focal': expected name=value at ''"},
    {"=2", "has no parameter ''"},
    {"gamma=", "gamma= is not a number from 0 to 10"},
    {"gamma=2x", "gamma=2x is not a number from 0 to 10"},
    {"gamma=nan", "gamma=nan is not a number from 0 to 10"},
    {"gamma=inf", "gamma=inf is not a number from 0 to 10"},
    {"gamma=10.001", "gamma=10.001 is not a number from 0 to 10"},
    {"gamma=-1e-300", "is not a number from 0 to 10"},
    {"alpha=none", "alpha=none is not a number from 0 to 1 or one of: off, auto"},
    {"alpha=-1", "alpha=-1 is not a number from 0 to 1 or one of: off, auto"},
    {"count=2.5", "count=2.5 is not a whole number from 1 to 64"},
    {"kind=silk", "kind=silk is not one of: cast, woven"},
    {"kind=1", "kind=1 is not one of: cast, woven"},
};

ParameterizedTestParameters(spec, read_refuses) {
    static size_t index[sizeof refused / sizeof *refused];
    const size_t count = sizeof refused / sizeof *refused;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, spec, read_refuses) {
    double values[PARAMS];
    lb_error error = {0};
    cr_assert(eq(int, read_args(refused[*index].args, values, &error), LB_INVALID), "%s", refused[*index].args);
    cr_assert(eq(int, (int)error.code, LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, refused[*index].sentence), NULL), "'%s' does not say '%s'", error.message,
              refused[*index].sentence);
}

Test(spec, a_table_of_nothing_says_so) {
    lb_error error = {0};
    cr_assert(eq(int, spec_read("a=1", "model 'linear'", NULL, 0, NULL, &error), LB_INVALID));
    cr_assert(eq(str, error.message, "model 'linear' has no parameter 'a'; it has: none at all"));
    cr_assert(zero(int, spec_read("", "model 'linear'", NULL, 0, NULL, &error)));
}

Test(spec, a_refused_value_leaves_the_old_one) {
    double values[PARAMS] = {3, 0.5, 8, 0};
    cr_assert(eq(int, spec_set("gamma", "11", "loss", rows, PARAMS, values, NULL), LB_INVALID));
    cr_assert(eq(dbl, values[GAMMA], 3));
    cr_assert(zero(int, spec_set("gamma", "4", "loss", rows, PARAMS, values, NULL)));
    cr_assert(eq(dbl, values[GAMMA], 4));
}

/* --- writing --------------------------------------------------------------------------------------------------- */

Test(spec, values_read_back_equal) {
    static const double values[] = {0,     1,           -1,      0.1,       1.0 / 3,
                                    0.02,  2e-16,       1e300,   123456789, 1e-5,
                                    100.0, 0.000123456, 6.02e23, 0.99999,   4503599627370497.0,
                                    -0.25};
    const param row = {.name = "x", .low = -1e308, .high = 1e308};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char shown[64];
        spec_format_value(&row, values[i], shown, sizeof shown);
        cr_assert(eq(dbl, strtod(shown, NULL), values[i]), "%s", shown);
    }
}

Test(spec, values_are_short) {
    static const struct {
        double value;
        const char *shown;
    } pairs[] = {{0.1, "0.1"}, {2, "2"}, {200, "200"}, {20000, "20000"}, {0.25, "0.25"}, {1e-5, "1e-05"}, {0, "0"}};
    const param row = {.name = "x"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char shown[64];
        spec_format_value(&row, pairs[i].value, shown, sizeof shown);
        cr_assert(eq(str, shown, (char *)pairs[i].shown));
    }
}

Test(spec, words_are_written_as_words) {
    char shown[64];
    spec_format_value(&rows[ALPHA], -2, shown, sizeof shown);
    cr_assert(eq(str, shown, "auto"));
    spec_format_value(&rows[ALPHA], 0.25, shown, sizeof shown);
    cr_assert(eq(str, shown, "0.25"));
}

Test(spec, format_writes_all_or_only_what_changed) {
    char all[200], changed[200];
    const double values[PARAMS] = {2, 0.25, 8, 1};
    cr_assert(zero(int, spec_format("focal", rows, PARAMS, values, 0, all, sizeof all)));
    cr_assert(eq(str, all, "focal(gamma=2, alpha=0.25, count=8, kind=woven)"));
    cr_assert(zero(int, spec_format("focal", rows, PARAMS, values, 1, changed, sizeof changed)));
    cr_assert(eq(str, changed, "focal(alpha=0.25, kind=woven)"));
    cr_assert(zero(int, spec_format("bce", rows, 0, values, 0, all, sizeof all)));
    cr_assert(eq(str, all, "bce"));
}

Test(spec, equal_specs_give_equal_text) {
    static const char *const ways[] = {"gamma=2, alpha=.5", "alpha=0.50,gamma=2.0", "alpha=5e-1", " alpha = 0.5 ,",
                                       "kind=cast, count=8, alpha=0.5"};
    char first[200], other[200];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        double values[PARAMS];
        cr_assert(zero(int, read_args(ways[i], values, NULL)));
        cr_assert(zero(int, spec_format("focal", rows, PARAMS, values, 0, i ? other : first, sizeof other)));
        if (i) cr_assert(eq(str, other, first));
    }
}

Test(spec, what_is_written_reads_back_equal) {
    char shown[200], name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT];
    const double values[PARAMS] = {1.0 / 3, -1, 17, 1};
    double again[PARAMS];
    cr_assert(zero(int, spec_format("focal", rows, PARAMS, values, 0, shown, sizeof shown)));
    const char *at = shown;
    cr_assert(zero(int, spec_split(&at, "loss", name, args, NULL)));
    cr_assert(zero(int, read_args(args, again, NULL)));
    for (size_t i = 0; i < PARAMS; i++) cr_assert(eq(dbl, again[i], values[i]));
}

Test(spec, format_never_writes_beyond_its_room) {
    char out[60];
    const double values[PARAMS] = {2, 0.25, 8, 1};
    const size_t needed = strlen("focal(gamma=2, alpha=0.25, count=8, kind=woven)") + 1;
    for (size_t size = 1; size < sizeof out; size++) {
        memset(out, '#', sizeof out);
        const int code = spec_format("focal", rows, PARAMS, values, 0, out, size);
        cr_assert(eq(int, code, size < needed ? LB_INVALID : LB_OK), "%zu bytes", size);
        for (size_t i = size; i < sizeof out; i++) cr_assert(eq(chr, out[i], '#'));
    }
}
