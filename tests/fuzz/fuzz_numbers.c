/* Any bytes as a table of numbers: refused with a sentence; or rows of finite numbers that, written again, read back
   the same. The first byte tells the separator and the number of columns. */
#include "datasets/public/numbers_text.h"

#include "tests/fuzz/fuzz.h"

#include <math.h>

enum { MOST_COLUMNS = 8 };

/* Rows of `columns` numbers into values; *count receives the numbers. The text has `size` bytes. */
static int read_all(const char *bytes, size_t size, char separator, size_t columns, float *values, size_t *count,
                    lb_error *error) {
    numbers_text t = numbers_start(bytes, size, "input", separator);
    int more, code;
    *count = 0;
    while (!(code = numbers_row(&t, columns, &more, error)) && more) {
        for (size_t c = 0; c < columns && !code; c++) code = numbers_value(&t, &values[(*count)++], error);
        if (code) break;
        fuzz_require(!t.field && t.column == columns, "column %zu of %zu", t.column, columns);
    }
    return code;
}

static void try_numbers(const char *bytes, size_t size, char separator, size_t columns) {
    float *values = fuzz_room((size + 1) * columns * sizeof *values);
    size_t count, count_again, used = 0;
    lb_error error = {0};
    const int code = read_all(bytes, size, separator, columns, values, &count, &error);
    fuzz_require(code == LB_OK || code == LB_FORMAT, "code %d", code);
    if (code) {
        fuzz_require_sentence(code, &error, "numbers");
        free(values);
        return;
    }
    char *text = fuzz_room(count * 20 + 1);
    for (size_t i = 0; i < count; i++) {
        fuzz_require(isfinite(values[i]) && !(values[i] == 0 && signbit(values[i])), "%g", (double)values[i]);
        used += (size_t)sprintf(text + used, "%.9g%c", (double)values[i], (i + 1) % columns ? separator : '\n');
    }
    float *again = fuzz_room((used + 1) * columns * sizeof *again);
    fuzz_require(read_all(text, used, separator, columns, again, &count_again, &error) == LB_OK, "%s", error.message);
    fuzz_require(count_again == count && memcmp(again, values, count * sizeof *values) == 0, "%zu numbers, then %zu",
                 count, count_again);
    free(text);
    free(again);
    free(values);
}

/* Words and flags of each row stay within it, and so does a header. */
static void try_fields(const char *bytes, size_t size, char separator, size_t columns) {
    numbers_text t = numbers_start(bytes, size, "input", separator);
    lb_error error = {0};
    int more = 1, flag;
    int code = numbers_header(&t, "a,b", &error);
    if (code) fuzz_require_sentence(code, &error, "header");
    while (!(code = numbers_row(&t, columns, &more, &error)) && more)
        for (size_t c = 0; c < columns; c++) {
            size_t length;
            numbers_text before = t;
            const char *word = numbers_word(&t, &length);
            fuzz_require(word >= bytes && word + length <= bytes + size && !memchr(word, separator, length), "word");
            code = numbers_flag(&before, &flag, &error);
            fuzz_require((code == LB_OK) == (length == 1 && (*word == '0' || *word == '1')), "flag '%.*s'", (int)length,
                         word);
            fuzz_require(code || flag == (*word == '1'), "flag %d", flag);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const char separator = data[0] & 1 ? '\t' : ',';
    const size_t columns = 1 + (data[0] >> 1) % MOST_COLUMNS;
    try_numbers((const char *)data + 1, size - 1, separator, columns);
    try_fields((const char *)data + 1, size - 1, separator, columns);
    return 0;
}
