/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: defaults, then the config file, then section.key=value arguments. config.def has them
 * all.
 *
 * Each setting has a role, which decides who looks at it:
 *
 *   role     what it decides                              STORED  RESUMED  WEIGHTS  ARM
 *   place    where, how fast and how noisily a run goes   no      no       no       no
 *   clock    when the wall clock stops a run              no      no       no       yes
 *   pace     how long to train, validations, the finish   yes     no       no       yes
 *   size     the sizes of the weights                     yes     yes      yes      yes
 *   learned  all else that changes what is learned        yes     yes      no       yes
 *   acting   how the model chooses in a world             yes     no       no       yes
 *
 * STORED: a checkpoint holds it. Settings of place and clock change nothing of what a step learns;
 * so that two runs that learn the same write the same bytes, checkpoints do not hold them. RESUMED:
 * a run that is resumed must have the same value. WEIGHTS: so must a run that begins with the
 * weights of another. ARM: an arm of an ablation with another value is another arm. */
#ifndef SOUK_CONFIG_H
#define SOUK_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/number.h"
#include "base/status.h"

typedef char Config_text[960]; /* paths, worlds with all their options */
typedef int64_t Config_count;
typedef double Config_real;
typedef int64_t Config_flag;

typedef struct {
#define SETTING(type, role, section, name, value, low, high, help) Config_##type section##_##name;
#include "base/config.def"
#undef SETTING
} Config;

/* The value of a setting that is "auto", a count or a real: something else decides it. Only the
 * settings that are auto by default may have it. */
enum { CONFIG_AUTO = -1 };

/* The columns of the table above: sets of settings. */
typedef enum {
    CONFIG_ALL = 0,
    CONFIG_STORED = 1,
    CONFIG_RESUMED = 2,
    CONFIG_WEIGHTS = 4,
    CONFIG_ARM = 8
} ConfigSet;

Config config_default(void);
/* "optim.lr", "3e-4". Former keys work too. Unknown keys, bad numbers and values out of range are
 * errors. */
Status config_set(Config *c, const char *key, const char *value);
/* "optim.lr=3e-4" */
Status config_assign(Config *c, const char *assignment);
/* An INI file: [section], key = value. Errors name file and line. */
Status config_read(Config *c, const char *path);

/* Walk all settings in order, as text: for the checkpoint and for printing. Reads back to the same
 * Config. */
int config_count(void);
const char *config_key(int i);
/* The key under which files (checkpoints, traces, reports) keep the setting: the first key it had,
 * so that renaming a setting changes no format. */
const char *config_file_key(int i);
void config_value(const Config *c, int i, char *value, size_t size);
/* The name of its role. */
const char *config_role(int i);
bool config_in(int i, ConfigSet set);
bool config_is_auto(const Config *c, int i);
/* Give the settings of `set` that are auto in `c` the values that they have in `from`. */
void config_fill(Config *c, const Config *from, ConfigSet set);

/* The number of the setting with this key or former key; -1: there is none. */
int config_find(const char *key);
/* Set setting i. A value that is refused is called `name`: "--threads". */
Status config_set_as(Config *c, int i, const char *value, const char *name);
/* For help texts: what it is, its default for people, and its range; false: it is a text. */
const char *config_explain(int i);
void config_default_text(int i, char *value, size_t size);
bool config_range(int i, NumberRange *r);
/* The key, the default, the help and the range of every setting. */
void config_help(FILE *out);

/* The first setting of `set` that differs between two Configs, with both values as text. */
typedef struct {
    const char *key;
    char a[sizeof(Config_text)], b[sizeof(Config_text)];
} ConfigDifference;
bool config_differ(const Config *a, const Config *b, ConfigSet set, ConfigDifference *d);

#endif
