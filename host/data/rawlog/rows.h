/* Pieces of a log's text -> parsed rows. One piece holds whole records; pieces are parsed by any
 * thread, independently of each other. */
#ifndef SOUK_INGEST_ROWS_H
#define SOUK_INGEST_ROWS_H

#include "data/rawlog/map.h"

enum { RECORD_BYTES_MAX = 1 << 20, PARTS_MAX = 255 };

typedef enum {
    BAD_FIELDS, /* another number of fields than the header */
    BAD_QUOTE,  /* a quote that is not closed, or text after a closing quote */
    BAD_JSON,
    BAD_SEQUENCE,
    BAD_USER,
    BAD_ITEM,
    BAD_TIME,
    BAD_ACTION,
    BAD_END,
    BAD_NUMBER,
    BAD_KINDS
} BadKind;
extern const char *const rows_bad_name[BAD_KINDS];

/* Rows that could not be read: how many, and the first in order of the input. */
typedef struct {
    int64_t count, line;
    char why[256];
} BadRow;

/* Where a file's fields are. */
typedef struct {
    int fields;
    char delimiter;
    int role[ROLES], cell[CELLS_MAX]; /* field of each; -1 absent */
} Layout;

typedef union {
    float number;      /* NaN: missing */
    uint32_t category; /* in records: 0 missing, else id + 1 */
} CellValue;
typedef union {
    float number;
    Text category;
} RowCell;

typedef struct {
    Text user, item;
    uint64_t user_hash, item_hash;
    int64_t time; /* ms; without a clock: ms from this event to the user's next */
    uint32_t hash, session;
    uint8_t action, end, part;
} Row;
enum { END_UNKNOWN = 255 };

typedef struct {
    Row *row;
    RowCell *cell; /* [rows, cells] */
    int64_t count, room;
    int64_t seen, outside_time, outside_limits;
    BadRow bad[BAD_KINDS];
    char **block; /* texts that are not in the piece itself */
    int blocks, blocks_used;
    size_t block_used;
    Text *field;
} Rows;

typedef struct {
    const char *path;
    int file, files;
    int64_t first_line;
    char *text; /* may be rewritten in place: quotes */
    size_t length;
} Piece;

/* The first position after the record that begins at `at`; NULL when it does not end before `end`.
 * At the end of the input (`last`) a record needs no line end. A quote left open ends the record at
 * its first line end. */
const char *rows_record_end(const char *at, const char *end, const Mapping *m, char delimiter,
                            bool last);

/* Split one record (no line end) into at most `room` fields, rewriting quoted ones in place; the
 * number of fields there are, -1 for a broken quote. */
int rows_split_record(char *at, char *end, char delimiter, Text *field, int room);

/* Field numbers from the header's (or the mapping's) names. */
Status rows_layout_find(Layout *layout, const Mapping *m, const char *path, const Text *name,
                        int names);
void rows_layout_of_json(Layout *layout, const Mapping *m);

/* Replaces what `rows` held. Texts point into piece->text or into rows. Fails on lack of memory
 * only; bad rows are counted. */
Status rows_parse(Rows *rows, const Mapping *m, const Layout *layout, const Piece *piece);
void rows_close(Rows *rows); /* safe on {0} */

/* For the formats of other rooms: room for one more row's text, and a row from its fields. */
char *rows_text(Rows *rows, size_t size); /* NULL: no memory */
/* A key made of the file's number (where there are several) and the line's. */
Status rows_line_key(Rows *rows, const Piece *piece, int64_t line, Text *key);
void rows_bad(Rows *rows, BadKind kind, int64_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
Status rows_add(Rows *rows, const Mapping *m, const Layout *layout, const Piece *piece,
                const Text *field, uint32_t hash, int64_t line);
Status formats_parse_json(Rows *rows, const Mapping *m, const Layout *layout, const Piece *piece);
Status formats_parse_sequence(Rows *rows, const Mapping *m, const Piece *piece);
/* The next line of a piece: [*at, *end) without line end, and *at moves on; false at the end. */
bool rows_next_line(char **at, char *piece_end, char **line, char **line_end);

#endif
