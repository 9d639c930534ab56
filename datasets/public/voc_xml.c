#include "datasets/public/voc_xml.h"

#include "datasets/public/picture.h"
#include "datasets/whole_file.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT "annotation"
#define OBJECT ROOT "/object"
#define BOX OBJECT "/bndbox"

enum { NO_FIELD = -1, WIDTH, HEIGHT, NAME, XMIN, YMIN, XMAX, YMAX, FIELDS };

/* What is read, as words below one another; those of an object follow NAME. */
static const struct {
    const char *path, *word;
} fields[FIELDS] = {
    [WIDTH] = {ROOT "/size/width", "width"}, [HEIGHT] = {ROOT "/size/height", "height"},
    [NAME] = {OBJECT "/name", "name"},       [XMIN] = {BOX "/xmin", "xmin"},
    [YMIN] = {BOX "/ymin", "ymin"},          [XMAX] = {BOX "/xmax", "xmax"},
    [YMAX] = {BOX "/ymax", "ymax"},
};

typedef struct {
    XML_Parser parser;
    const char *name; /* of the file */
    voc_annotation *out;
    size_t room; /* of out->objects */
    char path[48];
    size_t beyond; /* elements that are open below `path`, which has no room for them: none of ours */
    int field;     /* whose text is being read */
    char text[VOC_NAME];
    size_t length;
    int seen[FIELDS], values[FIELDS]; /* of the image, and of the object that is open */
    int code;                         /* of the first refusal */
    lb_error *error;
} reader;

__attribute__((format(printf, 2, 3))) static void refuse(reader *r, const char *format, ...) {
    char words[200];
    va_list arguments;
    if (r->code) return;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    r->code = lb_fail(r->error, LB_FORMAT, "'%.250s', line %lu: %s; get the file again", r->name,
                      (unsigned long)XML_GetCurrentLineNumber(r->parser), words);
    XML_StopParser(r->parser, XML_FALSE);
}

/* --- objects --- */

static void make_room(reader *r) {
    r->room = 2 * r->room + 4;
    voc_object *more = realloc(r->out->objects, r->room * sizeof *more);
    if (more) {
        r->out->objects = more;
        return;
    }
    r->code = lb_fail_memory(r->error, "an annotation");
    XML_StopParser(r->parser, XML_FALSE);
}

static void open_object(reader *r) {
    if (r->out->count == VOC_MOST_OBJECTS) refuse(r, "there are more than %d objects", VOC_MOST_OBJECTS);
    if (!r->code && r->out->count == r->room) make_room(r);
    memset(r->seen + NAME, 0, (FIELDS - NAME) * sizeof *r->seen);
}

static void expect_fields(reader *r, int first, int end, const char *what) {
    for (int field = first; field < end; field++)
        if (!r->seen[field]) refuse(r, "the %s lacks its <%s>", what, fields[field].word);
}

static void close_object(reader *r) {
    expect_fields(r, NAME, FIELDS, "object");
    if (r->code) return;
    voc_object *o = &r->out->objects[r->out->count++];
    o->xmin = r->values[XMIN];
    o->ymin = r->values[YMIN];
    o->xmax = r->values[XMAX];
    o->ymax = r->values[YMAX];
}

/* --- fields --- */

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void trim(reader *r) {
    size_t start = 0;
    while (r->length > 0 && is_blank(r->text[r->length - 1])) r->length--;
    while (start < r->length && is_blank(r->text[start])) start++;
    r->length -= start;
    memmove(r->text, r->text + start, r->length);
    r->text[r->length] = '\0';
}

/* A whole number of at most 9 digits, with or without a minus. */
static int read_number(const char *text, int *out) {
    const char *digits = text + (*text == '-');
    const size_t count = strspn(digits, "0123456789");
    if (count < 1 || count > 9 || digits[count]) return 0;
    *out = (int)strtol(text, NULL, 10);
    return 1;
}

static void keep_name(reader *r) {
    for (size_t i = 0; i < r->length; i++)
        if ((unsigned char)r->text[i] < ' ') refuse(r, "the <name> is more than one line");
    if (r->length == 0) refuse(r, "the <name> is empty");
    if (!r->code) memcpy(r->out->objects[r->out->count].name, r->text, r->length + 1);
}

static void close_field(reader *r) {
    const int field = r->field, of_image = field == WIDTH || field == HEIGHT;
    r->field = NO_FIELD;
    trim(r);
    if (field == NAME)
        keep_name(r);
    else if (!read_number(r->text, &r->values[field]))
        refuse(r, "<%s> is no whole number", fields[field].word);
    else if (of_image && (r->values[field] < 1 || r->values[field] > PICTURE_MAX_SIDE))
        refuse(r, "<%s> must be 1 to %d", fields[field].word, PICTURE_MAX_SIDE);
}

static void open_field(reader *r, int field) {
    if (r->seen[field]) refuse(r, "<%s> is given twice", fields[field].word);
    r->seen[field] = 1;
    r->field = field;
    r->length = 0;
}

/* --- what expat reports; after XML_StopParser it may still report an end --- */

static void on_start(void *user, const XML_Char *element, const XML_Char **attributes) {
    reader *r = user;
    (void)attributes;
    const size_t at = strlen(r->path);
    if (r->code) return;
    if (r->field != NO_FIELD) {
        refuse(r, "<%s> holds more than text", fields[r->field].word);
        return;
    }
    if (at == 0 && strcmp(element, ROOT) != 0) refuse(r, "the first element is not <" ROOT ">");
    if (r->beyond || at + strlen(element) + 2 > sizeof r->path) {
        r->beyond++;
        return;
    }
    snprintf(r->path + at, sizeof r->path - at, "%s%s", at ? "/" : "", element);
    if (strcmp(r->path, OBJECT) == 0) open_object(r);
    for (int field = 0; field < FIELDS && !r->code; field++)
        if (strcmp(r->path, fields[field].path) == 0) open_field(r, field);
}

static void on_end(void *user, const XML_Char *element) {
    reader *r = user;
    (void)element;
    if (r->code) return;
    if (r->beyond) {
        r->beyond--;
        return;
    }
    if (r->field != NO_FIELD) close_field(r);
    if (strcmp(r->path, OBJECT) == 0) close_object(r);
    if (strcmp(r->path, ROOT) == 0) expect_fields(r, WIDTH, NAME, "annotation");
    char *slash = strrchr(r->path, '/');
    *(slash ? slash : r->path) = '\0';
}

static void on_text(void *user, const XML_Char *text, int length) {
    reader *r = user;
    if (r->code || r->field == NO_FIELD) return;
    if (r->length + (size_t)length >= sizeof r->text) {
        refuse(r, "<%s> is longer than %zu bytes", fields[r->field].word, sizeof r->text - 1);
        return;
    }
    memcpy(r->text + r->length, text, (size_t)length);
    r->length += (size_t)length;
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                       int has_internal_subset) {
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    refuse(user, "a document type, and so any entity, is not allowed");
}

/* --- all of it --- */

static int is_bad(const voc_annotation *a, const voc_object *o) {
    return o->xmin < 0 || o->ymin < 0 || o->xmax > (int)a->width || o->ymax > (int)a->height || o->xmin >= o->xmax ||
           o->ymin >= o->ymax;
}

static void drop_bad(voc_annotation *a) {
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++)
        if (!is_bad(a, &a->objects[i])) a->objects[kept++] = a->objects[i];
    a->bad = a->count - kept;
    a->count = kept;
}

static int run(reader *r, const char *bytes, size_t size) {
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    if (XML_Parse(r->parser, bytes, (int)size, XML_TRUE) == XML_STATUS_OK || r->code) return r->code;
    const enum XML_Error reason = XML_GetErrorCode(r->parser);
    if (reason == XML_ERROR_NO_MEMORY) return lb_fail_memory(r->error, "an annotation");
    refuse(r, "broken XML (%s)", XML_ErrorString(reason));
    return r->code;
}

int voc_parse(const char *bytes, size_t size, const char *name, voc_annotation *out, lb_error *error) {
    *out = (voc_annotation){0};
    if (size > VOC_MOST_BYTES)
        return lb_fail(error, LB_FORMAT, "'%.250s' has %zu bytes, and no annotation has more than %d; get it again",
                       name, size, VOC_MOST_BYTES);
    reader r = {.parser = XML_ParserCreate(NULL), .name = name, .out = out, .field = NO_FIELD, .error = error};
    if (!r.parser) return lb_fail_memory(error, "an annotation");
    const int code = run(&r, bytes, size);
    XML_ParserFree(r.parser);
    if (code) {
        voc_free(out);
        return code;
    }
    out->width = (size_t)r.values[WIDTH];
    out->height = (size_t)r.values[HEIGHT];
    drop_bad(out);
    return LB_OK;
}

int voc_read(const char *path, voc_annotation *out, lb_error *error) {
    char *bytes;
    size_t size;
    *out = (voc_annotation){0};
    int code = whole_file_read(path, VOC_MOST_BYTES, &bytes, &size, error);
    if (code == LB_INVALID)
        code = lb_fail(error, LB_FORMAT,
                       "'%.250s' is no file, or one of more than the %d bytes of an annotation; get it again", path,
                       VOC_MOST_BYTES);
    if (!code) code = voc_parse(bytes, size, path, out, error);
    free(bytes);
    return code;
}

void voc_free(voc_annotation *a) {
    free(a->objects);
    *a = (voc_annotation){0};
}
