/* Settings: defaults, then the config file, then section.key=value arguments. config.def has them
 * all. */
#ifndef SOUK_CONFIG_H
#define SOUK_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

typedef char Config_text[512];
typedef int64_t Config_count;
typedef double Config_real;
typedef int64_t Config_flag;

typedef struct {
#define OPTION(type, section, name, value, low, high, help) Config_##type section##_##name;
#include "base/config.def"
#undef OPTION
} Config;

Config config_default(void);
/* "optim.lr", "3e-4". Former keys work too. Unknown keys, bad numbers and values out of range are errors. */
Status config_set(Config *c, const char *key, const char *value);
/* "optim.lr=3e-4" */
Status config_assign(Config *c, const char *assignment);
/* An INI file: [section], key = value. Errors name file and line. */
Status config_read(Config *c, const char *path);

/* Walk all settings in order, as text: for the checkpoint and for printing. Reads back to the same
 * Config. */
int config_count(void);
const char *config_key(int i);
/* The key that the setting had before it was renamed; NULL: always the same. */
const char *config_former_key(int i);
void config_value(const Config *c, int i, char *value, size_t size);
/* Key, default and help of every setting. */
void config_help(FILE *out);

#endif
