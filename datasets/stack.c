#include "datasets/stack.h"

#include "datasets/csv.h"
#include "datasets/items.h"
#include "datasets/split.h"
#include "datasets/tiff_pages.h"
#include "datasets/whole_file.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 2, MOST_TYPES = 255, NO_SET = 255 };

#define LABELS_HEADER "index,type,part,set"
#define BOXES_HEADER "index,type,x1,y1,x2,y2"

/* A decoded stack. */
typedef struct {
    char directory[1024]; /* "": nothing is kept */
    tiff_shape shape;
    dataset_items images;        /* without goods first; masks and boxes as the files have them */
    unsigned char *given, *keep; /* [count]: set or NO_SET; 0 left out as a copy or a contradiction */
    char **type_names;           /* NULL-terminated, owned by `named` */
    size_t duplicates, conflicts;
} stack;

static stack kept;

/* --- names of types --- */

/* Type names outlive the stack they come from, as data sets point to them: kept until `forget`. */
typedef struct name_list {
    struct name_list *next;
    size_t count;
    char *names[MOST_TYPES + 2];
} name_list;

static name_list *named;

static name_list *names_new(void) {
    name_list *list = calloc(1, sizeof *list);
    if (!list) return NULL;
    list->next = named;
    named = list;
    return list;
}

/* The number of `name`, which is added when it is new; MOST_TYPES + 1: too many, -1: out of memory. */
static int names_find(name_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->names[i], name) == 0) return (int)i;
    if (list->count > MOST_TYPES) return MOST_TYPES + 1;
    list->names[list->count] = strdup(name);
    return list->names[list->count] ? (int)list->count++ : -1;
}

static void names_free(void) {
    while (named) {
        name_list *next = named->next;
        for (size_t i = 0; i < named->count; i++) free(named->names[i]);
        free(named);
        named = next;
    }
}

/* --- labels.csv --- */

typedef struct {
    const char *name;
    uint32_t index;
} part_name;

/* Columns of labels.csv by index; the texts belong to the csv. */
typedef struct {
    const char **types;
    part_name *parts;
} label_columns;

static int read_set(const csv *c, const char *name, unsigned char *out, lb_error *error) {
    char what[120];
    *out = NO_SET;
    if (name[0] == '\0') return LB_OK;
    for (int set = 0; set < SET_COUNT; set++)
        if (strcmp(name, dataset_set_names[set]) == 0) {
            *out = (unsigned char)set;
            return LB_OK;
        }
    snprintf(what, sizeof what, "'%.40s' is no set; there are train, select, calibrate and test", name);
    return csv_fail(c, what, error);
}

static int read_label(const csv *c, const label_columns *columns, stack *s, lb_error *error) {
    uint32_t index;
    int code = csv_index(c, 0, s->shape.count, &index, error);
    if (code) return code;
    if (columns->types[index]) return csv_fail(c, "this index has a row already", error);
    if (c->fields[1][0] == '\0') return csv_fail(c, "the type is empty; write good or the name of the defect", error);
    columns->types[index] = c->fields[1];
    columns->parts[index] = (part_name){c->fields[2], index};
    return read_set(c, c->fields[3], &s->given[index], error);
}

static int read_rows(csv *c, const label_columns *columns, stack *s, lb_error *error) {
    size_t rows = 0;
    for (int more = 1; more; rows += (size_t)more) {
        int code = csv_next(c, &more, error);
        if (!code && more) code = read_label(c, columns, s, error);
        if (code) return code;
    }
    if (rows != s->shape.count)
        return lb_fail(error, LB_FORMAT, "'%.250s' has %zu rows and images.tif has %zu pages; give each page one row",
                       c->path, rows, s->shape.count);
    return LB_OK;
}

/* Types are numbered as they come up by index, so that the order of rows does not matter. */
static int number_types(const csv *c, const label_columns *columns, stack *s, lb_error *error) {
    name_list *list = names_new();
    if (!list || names_find(list, "good") != 0) return lb_fail_memory(error, "the types of a stack");
    for (size_t i = 0; i < s->shape.count; i++) {
        const int type = names_find(list, columns->types[i]);
        if (type < 0) return lb_fail_memory(error, "the types of a stack");
        if (type > MOST_TYPES)
            return lb_fail(error, LB_INVALID, "'%.250s' has more than %d types of defect", c->path, MOST_TYPES);
        s->images.types[i] = (uint16_t)type;
    }
    s->type_names = list->names;
    return LB_OK;
}

static int by_name(const void *a, const void *b) {
    const part_name *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* A part bears the index of its first image. */
static void number_parts(part_name *parts, stack *s) {
    qsort(parts, s->shape.count, sizeof *parts, by_name);
    for (size_t i = 0; i < s->shape.count; i++) {
        const int same = i > 0 && parts[i].name[0] && strcmp(parts[i].name, parts[i - 1].name) == 0;
        s->images.parts[parts[i].index] = same ? s->images.parts[parts[i - 1].index] : parts[i].index;
    }
}

static int check_sets(const csv *c, const stack *s, lb_error *error) {
    for (size_t i = 1; i < s->shape.count; i++)
        if ((s->given[i] == NO_SET) != (s->given[0] == NO_SET))
            return lb_fail(error, LB_FORMAT,
                           "'%.250s': the set is empty in some rows only; fill in all of them or none", c->path);
    return LB_OK;
}

static int read_labels(stack *s, const char *path, lb_error *error) {
    csv c;
    int code = csv_open(&c, path, LABELS_HEADER, error);
    if (code) return code;
    label_columns columns = {.types = calloc(s->shape.count, sizeof *columns.types),
                             .parts = calloc(s->shape.count, sizeof *columns.parts)};
    if (!columns.types || !columns.parts) code = lb_fail_memory(error, "the labels of a stack");
    if (!code) code = read_rows(&c, &columns, s, error);
    if (!code) code = check_sets(&c, s, error);
    if (!code) code = number_types(&c, &columns, s, error);
    if (!code) number_parts(columns.parts, s);
    free(columns.types);
    free(columns.parts);
    csv_close(&c);
    return code;
}

/* --- boxes.csv --- */

static int read_type(const csv *c, const stack *s, uint32_t *out, lb_error *error) {
    for (*out = 1; s->type_names[*out]; ++*out)
        if (strcmp(c->fields[1], s->type_names[*out]) == 0) return LB_OK;
    return csv_fail(c, "this type of defect is not in labels.csv", error);
}

static int read_box(const csv *c, const stack *s, dataset_box *out, lb_error *error) {
    int code = csv_index(c, 0, s->shape.count, &out->item, error);
    if (!code) code = read_type(c, s, &out->type, error);
    float *const corners[] = {&out->x1, &out->y1, &out->x2, &out->y2};
    for (size_t i = 0; i < 4 && !code; i++) code = csv_number(c, 2 + i, corners[i], error);
    if (!code && !(out->x1 >= 0 && out->x1 < out->x2 && out->x2 <= (float)s->shape.width && out->y1 >= 0 &&
                   out->y1 < out->y2 && out->y2 <= (float)s->shape.height))
        code = csv_fail(c, "the box is empty or leaves the image", error);
    return code;
}

static int append_box(dataset_items *images, size_t *capacity, dataset_box box, lb_error *error) {
    if (images->box_count == *capacity) {
        const size_t wanted = *capacity ? 2 * *capacity : 64;
        dataset_box *boxes = realloc(images->boxes, wanted * sizeof *boxes);
        if (!boxes) return lb_fail_memory(error, "the boxes of a stack");
        images->boxes = boxes;
        *capacity = wanted;
    }
    images->boxes[images->box_count++] = box;
    return LB_OK;
}

static int by_item(const void *a, const void *b) {
    const dataset_box *x = a, *y = b;
    if (x->item != y->item) return x->item < y->item ? -1 : 1;
    const float of_x[] = {x->y1, x->x1, x->y2, x->x2, (float)x->type},
                of_y[] = {y->y1, y->x1, y->y2, y->x2, (float)y->type};
    for (size_t i = 0; i < 5; i++)
        if (of_x[i] != of_y[i]) return of_x[i] < of_y[i] ? -1 : 1;
    return 0;
}

static int read_boxes(stack *s, const char *path, lb_error *error) {
    csv c;
    size_t capacity = 0;
    dataset_box box;
    int code = csv_open(&c, path, BOXES_HEADER, error);
    if (code) return code;
    for (int more = 1; more && !code;) {
        code = csv_next(&c, &more, error);
        if (!code && more) code = read_box(&c, s, &box, error);
        if (!code && more) code = append_box(&s->images, &capacity, box, error);
    }
    csv_close(&c);
    if (!code && s->images.box_count) qsort(s->images.boxes, s->images.box_count, sizeof *s->images.boxes, by_item);
    return code;
}

/* --- reading a stack --- */

static void stack_free(stack *s) {
    items_free(&s->images);
    free(s->given);
    free(s->keep);
    *s = (stack){0};
}

static int read_images(stack *s, const char *path, lb_error *error) {
    const int code = tiff_pages_read(path, &s->shape, &s->images.pixels, error);
    if (code) return code;
    const size_t n = s->images.count = s->shape.count;
    s->images.types = calloc(n, sizeof *s->images.types);
    s->images.parts = calloc(n, sizeof *s->images.parts);
    s->given = malloc(n);
    s->keep = malloc(n);
    if (!s->images.types || !s->images.parts || !s->given || !s->keep)
        return lb_fail_memory(error, "the images of a stack");
    memset(s->keep, 1, n);
    return LB_OK;
}

static int read_masks(stack *s, const char *path, lb_error *error) {
    tiff_shape shape;
    const int code = tiff_pages_read(path, &shape, &s->images.masks, error);
    if (code) return code;
    if (shape.count != s->shape.count || shape.height != s->shape.height || shape.width != s->shape.width ||
        shape.channels != 1)
        return lb_fail(error, LB_FORMAT,
                       "'%.250s' has %zu pages of %zu x %zu x %zu; images.tif needs %zu grey masks of %zu x %zu", path,
                       shape.count, shape.width, shape.height, shape.channels, s->shape.count, s->shape.width,
                       s->shape.height);
    const size_t size = shape.count * shape.height * shape.width;
    for (size_t i = 0; i < size; i++) s->images.masks[i] = s->images.masks[i] > 127 ? 255 : 0;
    return LB_OK;
}

/* `path` becomes directory/file; returns whether there is one. */
static int find_file(const stack *s, const char *file, char *path, size_t size) {
    snprintf(path, size, "%s/%s", s->directory, file);
    return access(path, F_OK) == 0;
}

static int stack_read(stack *s, lb_error *error) {
    char path[1100];
    if (!find_file(s, "labels.csv", path, sizeof path))
        return lb_fail(error, LB_NOT_FOUND,
                       "there is no '%.250s'; a stack is a folder with images.tif and labels.csv (%s)", path,
                       LABELS_HEADER);
    if (!find_file(s, "images.tif", path, sizeof path))
        return lb_fail(error, LB_FORMAT, "there is no '%.250s' beside its labels.csv", path);
    int code = read_images(s, path, error);
    find_file(s, "labels.csv", path, sizeof path);
    if (!code) code = read_labels(s, path, error);
    if (!code && find_file(s, "masks.tif", path, sizeof path)) code = read_masks(s, path, error);
    if (!code && find_file(s, "boxes.csv", path, sizeof path)) code = read_boxes(s, path, error);
    if (code) return code;
    return split_drop_duplicates(&s->images, s->shape.height * s->shape.width * s->shape.channels, s->keep,
                                 &s->duplicates, &s->conflicts, error);
}

/* The last stack stays decoded: the harness opens it once per seed. */
static int stack_open(const dataset_request *request, const stack **out, lb_error *error) {
    const char *directory = request->search ? request->search : "";
    if (directory[0] == '\0' || strlen(directory) >= sizeof kept.directory)
        return lb_fail(error, LB_INVALID, "data set 'stack' needs the folder of the stack, up to %zu characters long",
                       sizeof kept.directory - 1);
    *out = &kept;
    if (strcmp(directory, kept.directory) == 0) return LB_OK;
    stack_free(&kept);
    snprintf(kept.directory, sizeof kept.directory, "%s", directory);
    const int code = stack_read(&kept, error);
    if (code) stack_free(&kept);
    return code;
}

static void forget(void) {
    stack_free(&kept);
    names_free();
}

/* --- the data set --- */

static uint64_t add_numbers(uint64_t state, const uint32_t *numbers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const unsigned char bytes[] = {(unsigned char)numbers[i], (unsigned char)(numbers[i] >> 8),
                                       (unsigned char)(numbers[i] >> 16), (unsigned char)(numbers[i] >> 24)};
        state = hash64_add(state, bytes, sizeof bytes);
    }
    return state;
}

static uint64_t add_boxes(uint64_t state, const dataset_items *images) {
    for (size_t i = 0; i < images->box_count; i++) {
        const dataset_box *b = &images->boxes[i];
        const float corners[] = {b->x1, b->y1, b->x2, b->y2};
        uint32_t numbers[6] = {b->item, b->type};
        memcpy(numbers + 2, corners, sizeof corners);
        state = add_numbers(state, numbers, 6);
    }
    return state;
}

/* Over everything that the files say. */
static uint64_t content_of(const stack *s) {
    const size_t n = s->shape.count, area = s->shape.height * s->shape.width;
    const uint32_t shape[] = {(uint32_t)n,
                              (uint32_t)s->shape.height,
                              (uint32_t)s->shape.width,
                              (uint32_t)s->shape.channels,
                              s->images.masks != NULL,
                              (uint32_t)s->images.box_count};
    uint64_t state = add_numbers(HASH64_START, shape, 6);
    state = hash64_add(state, s->images.pixels, n * area * s->shape.channels);
    for (size_t i = 0; i < n; i++) {
        const uint32_t label[] = {s->images.types[i], s->images.parts[i], s->given[i]};
        state = add_numbers(state, label, 3);
    }
    for (char **name = s->type_names; *name; name++) state = hash64_add(state, *name, strlen(*name) + 1);
    if (s->images.masks) state = hash64_add(state, s->images.masks, n * area);
    return hash64_finish(add_boxes(state, &s->images));
}

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const stack *s;
    (void)values;
    const int code = stack_open(request, &s, error);
    if (code) return code;
    if (snprintf(out, size, "content=%016llx", (unsigned long long)content_of(s)) >= (int)size)
        return lb_fail(error, LB_INVALID, "no room for the content of 'stack'");
    return LB_OK;
}

static int open_stack(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    const stack *s;
    (void)values;
    const int code = stack_open(request, &s, error);
    if (code) return code;
    *out = (dataset){.height = s->shape.height,
                     .width = s->shape.width,
                     .channels = s->shape.channels,
                     .type_names = (const char *const *)s->type_names,
                     .duplicates = s->duplicates,
                     .conflicts = s->conflicts};
    return split_collection("stack", &s->images, s->keep, s->given[0] == NO_SET ? NULL : s->given, request, out, error);
}

const dataset_type dataset_stack = {
    .name = "stack",
    .version = VERSION,
    .summary = "a folder with images.tif and labels.csv (index,type,part,set)",
    .tasks = "classification, masks, boxes",
    .source = "the user",
    .licence = "the user's",
    .citation = "",
    .identify = identify,
    .open = open_stack,
    .forget = forget,
};

/* --- writing --- */

/* The item with number i when all sets are counted through. */
typedef struct {
    const dataset *d;
    unsigned char *blank; /* the mask of items without one */
} writer;

static const dataset_items *locate(const dataset *d, size_t *i) {
    const dataset_items *set = d->sets;
    for (; *i >= set->count; set++) *i -= set->count;
    return set;
}

static const unsigned char *image_at(const void *context, size_t i) {
    const dataset *d = ((const writer *)context)->d;
    const dataset_items *set = locate(d, &i);
    return set->pixels + i * d->height * d->width * d->channels;
}

static const unsigned char *mask_at(const void *context, size_t i) {
    const writer *w = context;
    const dataset_items *set = locate(w->d, &i);
    return set->masks ? set->masks + i * w->d->height * w->d->width : w->blank;
}

static int write_text(const char *path, text *t, lb_error *error) {
    const int code =
        t->failed ? lb_fail_memory(error, "the labels of a stack") : whole_file_write(path, t->data, t->length, error);
    text_free(t);
    return code;
}

static int write_labels(const dataset *d, const char *path, lb_error *error) {
    text t = {0};
    size_t index = 0;
    text_add(&t, LABELS_HEADER "\n");
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        for (size_t i = 0; i < set->count; i++)
            text_add(&t, "%zu,%s,%u,%s\n", index++, d->type_names[set->types[i]], set->parts[i],
                     dataset_set_names[which]);
    }
    return write_text(path, &t, error);
}

static int write_boxes(const dataset *d, const char *path, lb_error *error) {
    text t = {0};
    size_t before = 0;
    text_add(&t, BOXES_HEADER "\n");
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        for (size_t i = 0; i < set->box_count; i++) {
            const dataset_box *b = &set->boxes[i];
            text_add(&t, "%zu,%s,%.9g,%.9g,%.9g,%.9g\n", before + b->item, d->type_names[b->type], (double)b->x1,
                     (double)b->y1, (double)b->x2, (double)b->y2);
        }
        before += set->count;
    }
    return write_text(path, &t, error);
}

static int write_masks(const dataset *d, const tiff_shape *images, const char *path, lb_error *error) {
    const tiff_shape shape = {images->count, images->height, images->width, 1};
    const writer w = {d, calloc(d->height, d->width)};
    const int code =
        w.blank ? tiff_pages_write(path, &shape, mask_at, &w, error) : lb_fail_memory(error, "the masks of a stack");
    free(w.blank);
    return code;
}

/* What a stack of an earlier write must not leave behind. */
static int clear_folder(const char *directory, lb_error *error) {
    static const char *const files[] = {"labels.csv", "masks.tif", "boxes.csv", "images.tif"};
    char path[1100];
    if (mkdir(directory, 0777) && errno != EEXIST)
        return lb_fail(error, LB_IO, "cannot make the folder '%.300s': %s", directory, strerror(errno));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        if (unlink(path) && errno != ENOENT)
            return lb_fail(error, LB_IO, "cannot replace '%.300s': %s", path, strerror(errno));
    }
    return LB_OK;
}

/* Names that labels.csv can hold as they are, with `good` for the goods. */
static int check_names(const dataset *d, lb_error *error) {
    if (strcmp(d->type_names[0], "good") != 0) return lb_fail(error, LB_INVALID, "type 0 of a stack must be 'good'");
    for (size_t i = 0; d->type_names[i]; i++)
        if (strpbrk(d->type_names[i], ",\"\r\n") || d->type_names[i][0] == '\0')
            return lb_fail(error, LB_INVALID, "'%.60s' cannot name a type in a stack", d->type_names[i]);
    return LB_OK;
}

int stack_write(const dataset *d, const char *directory, lb_error *error) {
    char path[1100];
    tiff_shape shape = {0, d->height, d->width, d->channels};
    int has_masks = 0, has_boxes = 0;
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        shape.count += set->count;
        has_masks |= set->masks != NULL;
        has_boxes |= set->boxes != NULL;
        if (set->count && !set->pixels)
            return lb_fail(error, LB_INVALID, "only images can be written as a stack, not tables");
    }
    if (strlen(directory) >= sizeof kept.directory)
        return lb_fail(error, LB_INVALID, "the path '%.60s...' is too long", directory);
    const writer w = {.d = d};
    int code = check_names(d, error);
    if (!code) code = clear_folder(directory, error);
    snprintf(path, sizeof path, "%s/images.tif", directory);
    if (!code) code = tiff_pages_write(path, &shape, image_at, &w, error);
    snprintf(path, sizeof path, "%s/masks.tif", directory);
    if (!code && has_masks) code = write_masks(d, &shape, path, error);
    snprintf(path, sizeof path, "%s/boxes.csv", directory);
    if (!code && has_boxes) code = write_boxes(d, path, error);
    snprintf(path, sizeof path, "%s/labels.csv", directory);
    if (!code) code = write_labels(d, path, error);
    return code;
}
