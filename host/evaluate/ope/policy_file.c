/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/policy_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse(const char *line, double *probability)
{
    char *end;
    *probability = NAN;
    if (!line[strspn(line, " \t\r\n")]) return true;
    *probability = strtod(line, &end);
    if (end == line || end[strspn(end, " \t\r\n")]) return false;
    return isnan(*probability) || (*probability >= 0.0 && *probability <= 1.0);
}

static Status read_lines(OpeFilePolicy *p, const Behaviour *file, FILE *in)
{
    char *line = NULL;
    size_t capacity = 0;
    int64_t n = 0;
    Status st = OK;
    while (getline(&line, &capacity, in) > 0 && st == OK) {
        if (n < file->events && !parse(line, &p->probability[n]))
            st = FAIL(ERR_FORMAT,
                      "%s, line %" PRId64 ": \"%.*s\", want a probability, 0 to 1, or nothing",
                      p->path, n + 1, (int)strcspn(line, "\r\n"), line);
        n++;
    }
    if (st == OK && ferror(in)) st = FAIL(ERR_IO, "%s: %s", p->path, strerror(errno));
    if (st == OK && n != file->events)
        st = FAIL(ERR_FORMAT,
                  "%s has %" PRId64 " lines, want %" PRId64 ", one for each event of %s, in order",
                  p->path, n, file->events, file->path);
    free(line);
    return st;
}

Status ope_policy_file_read(OpeFilePolicy *p, const Behaviour *file, const char *path)
{
    *p = (OpeFilePolicy){
        .path = path, .probability = malloc(((size_t)file->events + 1) * sizeof *p->probability)};
    if (!p->probability)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " probabilities", file->events);
    FILE *in = fopen(path, "r");
    const Status st = in ? read_lines(p, file, in)
                         : FAIL(ERR_IO, "--probabilities %s: %s", path, strerror(errno));
    if (in) fclose(in);
    if (st != OK) ope_policy_file_close(p);
    return st;
}

void ope_policy_file_close(OpeFilePolicy *p)
{
    free(p->probability);
    *p = (OpeFilePolicy){0};
}

static Status answer_file(const OpePolicy *self, const OpeLog *log, const OpeQuestion *question,
                          const OpeAnswer *answer)
{
    const OpeFilePolicy *p = self->state;
    (void)question;
    for (int64_t i = 0; i < log->count; i++) {
        answer->chosen[i] = p->probability[log->event[i]];
        if (isnan(answer->chosen[i]))
            return FAIL(ERR_FORMAT,
                        "%s, line %" PRId64 ": no probability, want one: the event is a decision "
                        "of the log",
                        p->path, log->event[i] + 1);
    }
    return OK;
}

OpePolicy ope_policy_file(const OpeFilePolicy *p)
{
    return (OpePolicy){.name = "probabilities", .state = (void *)p, .answer = answer_file};
}
