/* A trained model on disk: a safetensors file with the parameters by the names of
 * host/model/README.md, and in its metadata the settings it was trained with and the hash of its
 * catalogue. Training writes more into the same file (train/checkpoint.h); here is what everybody
 * needs who uses the model.
 */
#ifndef SOUK_SAVED_H
#define SOUK_SAVED_H

#include "base/config.h"
#include "model/model.h"
#include "model/safetensors.h"

/* The file of a run: `path` itself when it is a file. In a folder: last.safetensors where
 * `resumable` is wanted, else best.safetensors or, without one, last.safetensors. */
Status saved_find(char *found, size_t size, const char *path, bool resumable);

/* The settings that the file was trained with; settings that are newer than the file have their
 * defaults. */
Status saved_config(Config *c, const Safetensors *file);

/* Fails, naming both, where `b` does not have the catalogue that the model was trained on. */
Status saved_catalogue(const Safetensors *file, const Behaviour *b);

/* Read one copy of the parameters; the file calls each `prefix` and its name. Parameters from
 * number `optional` on keep their values where the file does not have them; a file without any
 * other, with another shape or with a number that is not finite is refused. */
Status saved_load(const Params *p, ParamCopy copy, const char *prefix, const Safetensors *file,
                  int optional);

/* Open the model in `path`, a file or a run's folder, to be used on `b` and `dev`: PARAM_VALUE
 * only. `c` gets its settings. On failure *m is {0}. */
Status saved_open(Model *m, Config *c, const Behaviour *b, Device *dev, const char *path);

#endif
