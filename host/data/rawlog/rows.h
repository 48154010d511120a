/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a raw log: a record's fields -> a row with keys, time, action and cells.
 *
 * A log is read in pieces of whole records. Threads parse pieces independently of each other, each
 * into LogRows of its own. A format (format/format.h) finds the records and their fields;
 * everything here is the same for all formats.
 */
#ifndef SOUK_RAWLOG_ROWS_H
#define SOUK_RAWLOG_ROWS_H

#include "base/status.h"
#include "data/rawlog/arrow/table.h"
#include "data/rawlog/mapping.h"

enum {
    RECORD_BYTES_MAX = 1 << 20,
    ROW_TEXT_MAX = 1 << 16,
    PARTS_MAX = 255,
    ROW_FIELDS_MAX = LOG_COLUMNS_MAX + LIST_COLUMNS_MAX * LIST_FIELDS_MAX
};

typedef enum {
    BAD_LONG,   /* a line of more than RECORD_BYTES_MAX */
    BAD_FIELDS, /* not as many fields as the header has */
    BAD_QUOTE,  /* a quote that is not closed, or text after a closing quote */
    BAD_JSON,
    BAD_SEQUENCE,
    BAD_LIST,    /* an empty list, or lists of different lengths */
    BAD_NO_USER, /* nothing, or a text that stands for a missing value */
    BAD_NO_ITEM,
    BAD_USER,
    BAD_ITEM,
    BAD_TIME,
    BAD_UNIT, /* a time in another unit than those before */
    BAD_ACTION,
    BAD_END,
    BAD_NUMBER,
    BAD_KINDS
} BadKind;
extern const char *const rows_bad_name[BAD_KINDS];

/* Rows that could not be read: how many, and the first one in order of the input. `why` may quote
 * the log, which may have personal data, between double quotes. */
typedef struct {
    int64_t count, line;
    char why[256];
} BadRow;

/* The texts of actions that the mapping does not know, and how many rows each has: the first
 * UNKNOWN_MAX texts, each cut to what fits. */
enum { UNKNOWN_MAX = 16 };
typedef struct {
    int64_t rows; /* all of them */
    int texts;
    struct {
        char text[32];
        int64_t rows;
    } text[UNKNOWN_MAX];
} UnknownActions;

/* What separates the fields of a record. */
typedef struct {
    char delimiter[DELIMITER_MAX + 1];
    bool quoted; /* a field in double quotes may contain delimiters and line ends */
} Dialect;

/* Where the fields of a file's records are. */
typedef struct {
    int fields; /* of a record */
    Dialect dialect;
    int role[ROLES], cell[CELLS_MAX]; /* number of the field of each; -1: absent */
    int list[LIST_COLUMNS_MAX], then[LIST_COLUMNS_MAX]; /* fields of the lists; -1: absent */
    int taken; /* field of the items of a list that were taken; -1: absent */
} LogLayout;

typedef union {
    float number;  /* NaN: missing */
    Text category; /* "": missing */
} LogCell;

typedef struct {
    Text user, item;
    uint64_t user_hash, item_hash;
    int64_t time;           /* ms; without a clock: ms from this event to the user's next one */
    uint32_t hash, session; /* session 0: none is given */
    uint8_t action, end, part;
} LogRow;
enum { TAKEN_MAX = 256 };   /* items that were taken of those that one record shows */
enum { END_UNKNOWN = 255 }; /* LogRow.end where the log has no such column */

typedef struct {
    LogRow *row;
    LogCell *cell; /* [rows, cells] */
    int64_t count, capacity;
    int64_t seen; /* rows in the piece, bad ones included */
    int64_t outside_time, outside_limits;
    BadRow bad[BAD_KINDS];
    UnknownActions unknown;
    char **block; /* memory of rows_text */
    int blocks, blocks_used;
    size_t block_used;
    char *buffer; /* memory of rows_buffer */
    size_t buffer_size;
    /* Of the record: the items that were taken, and whether its lists show them. */
    int takens;
    Text taken[TAKEN_MAX];
    bool met[TAKEN_MAX];
    Text *field; /* [ROW_FIELDS_MAX] for the formats: the fields of a record, then of an element */
} LogRows;

typedef struct {
    const char *path;
    int file, files; /* number of the file, and how many the log has */
    int64_t first_line;
    char *text; /* a format may rewrite it in place: quotes */
    size_t length;
    bool too_long;    /* it stands for one line that is too long, and has no text of it */
    ArrowRange range; /* the rows of an Arrow stream, which has no text: `length` counts them */
} LogPiece;

/* Forget the rows of the piece before; the memory is kept. Texts of rows point into the piece or
 * into memory of `rows`, so that they live until the next rows_begin. */
Status rows_begin(LogRows *rows);
void rows_close(LogRows *rows); /* safe on {0} */

/* Memory for `size` bytes of a row's text that is not in the piece itself; NULL where memory is
 * lacking. At most ROW_TEXT_MAX. */
char *rows_text(LogRows *rows, size_t size);
/* Gives back what is behind `end` of the memory that rows_text gave last. */
void rows_text_end(LogRows *rows, const char *end);
/* Memory for a text that takes the place of a whole piece's, until the next call; NULL where memory
 * is lacking. */
char *rows_buffer(LogRows *rows, size_t size);
/* A key made of the line's number, and of the file's where there are several files. */
Status rows_line_key(LogRows *rows, const LogPiece *piece, int64_t line, Text *key);
/* Count a bad row. The text of the first one of each kind becomes part of the cleaning report,
 * which the behaviour file stores. */
void rows_bad(LogRows *rows, BadKind kind, int64_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Add what another piece has found: `from` comes later in the input. */
void rows_add_unknown(UnknownActions *to, const UnknownActions *from);
/* Add a row from a record's fields, or count it as bad or outside the mapping's limits. `hash` is
 * of the record's text: rows of equal user, item, time and hash are duplicates. */
Status rows_add(LogRows *rows, const Mapping *m, const LogLayout *layout, const LogPiece *piece,
                const Text *field, uint32_t hash, int64_t line);

#endif
