/* Tables of numbers as text. */
#include "datasets/public/numbers_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static numbers_text start(const char *text) { return numbers_start(text, strlen(text), "table.txt", '\t'); }

static void expect_sentence(int code, const lb_error *error, const char *words) {
    cr_expect(eq(int, code, LB_FORMAT));
    cr_expect(strstr(error->message, words) == error->message, "wanted %s: %s", words, error->message);
    cr_expect(strstr(error->message, "; fetch the data again") != NULL, "%s", error->message);
}

Test(numbers, rows_end_in_lf_or_crlf_and_empty_ones_are_skipped) {
    numbers_text t = start("\xEF\xBB\xBF"
                           "1\t2\r\n\n\r\n3\t-4.5\n5\t6");
    static const float wanted[] = {1, 2, 3, -4.5f, 5, 6};
    static const size_t lines[] = {1, 4, 5};
    lb_error error = {0};
    int more;
    for (size_t row = 0; row < 3; row++) {
        cr_assert(eq(int, numbers_row(&t, 2, &more, &error), LB_OK), "%s", error.message);
        cr_assert(eq(int, more, 1));
        cr_expect(eq(sz, t.row.number, lines[row]));
        for (size_t c = 0; c < 2; c++) {
            float value;
            cr_assert(eq(int, numbers_value(&t, &value, &error), LB_OK), "%s", error.message);
            cr_expect(eq(flt, value, wanted[2 * row + c]));
        }
    }
    cr_expect(eq(int, numbers_row(&t, 2, &more, &error), LB_OK));
    cr_expect(eq(int, more, 0));
    cr_expect(eq(int, numbers_row(&t, 2, &more, &error), LB_OK));
    cr_expect(eq(int, more, 0));
}

Test(numbers, an_empty_text_has_no_row) {
    static const char *const texts[] = {"", "\n", "\r\n\r\n", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        numbers_text t = start(texts[i]);
        lb_error error = {0};
        int more = 1;
        cr_expect(eq(int, numbers_row(&t, 1, &more, &error), LB_OK));
        cr_expect(eq(int, more, 0));
        t = start(texts[i]);
        const int code = numbers_header(&t, "a,b", &error);
        cr_expect(eq(int, code, LB_FORMAT));
        cr_expect(strstr(error.message, ": the header must be 'a,b'") != NULL, "%s", error.message);
    }
}

Test(numbers, a_header_is_compared_byte_for_byte) {
    static const char *const wrong[] = {"1\t2\n", "a,c\n", "a,b\tc\n", "a\n", "a,b \n", "A\tb\n"};
    lb_error error = {0};
    numbers_text t = start("\xEF\xBB\xBF"
                           "a,b\r\n1\t2\n");
    int more;
    cr_expect(eq(int, numbers_header(&t, "a,b", &error), LB_OK));
    cr_expect(eq(int, numbers_row(&t, 2, &more, &error), LB_OK));
    cr_expect(eq(sz, t.row.number, 2));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        t = start(wrong[i]);
        expect_sentence(numbers_header(&t, "a,b", &error), &error, "'table.txt', line 1: the header must be 'a,b'");
    }
}

Test(numbers, another_number_of_columns_is_refused) {
    static const struct {
        const char *row, *words;
    } wrong[] = {{"1\t2", "'table.txt', line 2: 2 columns, where there must be 3"},
                 {"1", "'table.txt', line 2: 1 columns"},
                 {"1\t2\t3\t", "'table.txt', line 2: 4 columns"},
                 {"1\t2\t3\t4", "'table.txt', line 2: 4 columns"},
                 {"1,2,3", "'table.txt', line 2: 1 columns"},
                 {"1 2 3", "'table.txt', line 2: 1 columns"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[60];
        lb_error error = {0};
        int more;
        snprintf(text, sizeof text, "1\t2\t3\n%s\n1\t2\t3\n", wrong[i].row);
        numbers_text t = start(text);
        cr_expect(eq(int, numbers_row(&t, 3, &more, &error), LB_OK));
        expect_sentence(numbers_row(&t, 3, &more, &error), &error, wrong[i].words);
    }
}

static int read_one(const char *bytes, size_t size, float *out, lb_error *error) {
    numbers_text t = numbers_start(bytes, size, "table.txt", '\t');
    int more, code = numbers_row(&t, 1, &more, error);
    return code ? code : numbers_value(&t, out, error);
}

Test(numbers, are_decimals) {
    static const struct {
        const char *text;
        float value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"-0.000e5", 0},
                {"+7", 7},
                {"12987692", 12987692},
                {".5", 0.5f},
                {"5.", 5},
                {"-1.25e-2", -0.0125f},
                {"1E+3", 1000},
                {"1e-05", 1e-5f},
                {"1e-99", 0},
                {"3.4028235e38", 3.4028235e38f},
                {"000000000000000000000000000000000000001", 1}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        float value = 77;
        lb_error error = {0};
        cr_assert(eq(int, read_one(good[i].text, strlen(good[i].text), &value, &error), LB_OK), "%s: %s", good[i].text,
                  error.message);
        cr_expect(memcmp(&value, &good[i].value, sizeof value) == 0, "%s: %g", good[i].text, (double)value);
    }
}

Test(numbers, that_are_none_are_refused) {
    static const char *const wrong[] = {
        "x",    "1x",     "x1",    "1.2.3", "1,5", "-",    "+",
        ".",    "e5",     "1e",    "1e+",   "--1", "+-1",  " 1",
        "1 ",   "0x10",   "nan",   "NaN",   "inf", "-inf", "Infinity",
        "1e39", "-1e400", "\"1\"", "1e5.5", "?",   "1_0",  "0000000000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        float value;
        lb_error error = {0};
        expect_sentence(read_one(wrong[i], strlen(wrong[i]), &value, &error), &error,
                        "'table.txt', line 1: column 1 is no finite number");
    }
    float value;
    lb_error error = {0};
    expect_sentence(read_one("1\0", 2, &value, &error), &error, "'table.txt', line 1: column 1 is no finite");
    expect_sentence(read_one("\0", 1, &value, &error), &error, "'table.txt', line 1: column 1 is no finite");
}

Test(numbers, flags_and_words_name_their_column) {
    numbers_text t = start("M1\t0\t1\t\t2\t01\n");
    lb_error error = {0};
    size_t length;
    int more, flag;
    float value;
    cr_assert(eq(int, numbers_row(&t, 6, &more, &error), LB_OK));
    const char *word = numbers_word(&t, &length);
    cr_expect(length == 2 && memcmp(word, "M1", 2) == 0);
    cr_expect(eq(int, numbers_flag(&t, &flag, &error), LB_OK));
    cr_expect(eq(int, flag, 0));
    cr_expect(eq(int, numbers_flag(&t, &flag, &error), LB_OK));
    cr_expect(eq(int, flag, 1));
    expect_sentence(numbers_value(&t, &value, &error), &error, "'table.txt', line 1: column 4 is no finite number");
    expect_sentence(numbers_flag(&t, &flag, &error), &error, "'table.txt', line 1: column 5 is no 0 or 1");
    expect_sentence(numbers_flag(&t, &flag, &error), &error, "'table.txt', line 1: column 6 is no 0 or 1");
}
