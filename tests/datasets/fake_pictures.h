/* Small grey pictures that tests write as files of fake packs. */
#ifndef TESTS_DATASETS_FAKE_PICTURES_H
#define TESTS_DATASETS_FAKE_PICTURES_H

#include <stddef.h>

/* pixels is [height][width]. */
void write_grey_jpeg(const char *path, const unsigned char *pixels, size_t height, size_t width);
void write_grey_png(const char *path, const unsigned char *pixels, size_t height, size_t width);

/* Fills pixels[n] with noise that `key` decides. */
void fill_noise(unsigned char *pixels, size_t n, unsigned key);

void write_text_file(const char *path, const char *content);

#endif
