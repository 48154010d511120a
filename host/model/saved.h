/* SPDX-License-Identifier: Apache-2.0 */
/* A trained model on disk, which is all that its use needs: a folder with
 *
 *   best.safetensors or last.safetensors   the parameters by the names of host/model/README.md, the
 *       count table, and in the metadata the settings it was trained with, the rule by which it
 *       acts, the hash of its catalogue and the fingerprint of its data. Training writes more into
 *       the same file (train/checkpoint.h); this module has the part that every use needs
 *   catalogue.h5                           the items' keys, features and texts, and the names of
 *       actions and features (data/behaviour/catalogue/write.h). Folders of earlier versions do not
 *       have it: their models need the behaviour file that they were trained on
 *   retired.txt                            written by the shop itself, where it wants to: the keys
 *       of items that are no longer sold (model/retired/retired.h)
 */
#ifndef SOUK_SAVED_H
#define SOUK_SAVED_H

#include "base/config.h"
#include "model/model.h"
#include "model/safetensors.h"

/* The file of a run: `path` itself when it is a file. In a folder: last.safetensors where
 * `resumable` is wanted, else best.safetensors or, without one, last.safetensors. */
Status saved_find(char *found, size_t size, const char *path, bool resumable);

/* Write the catalogue of `b` into the folder of a run, whole or not at all. */
Status saved_write_catalogue(const Behaviour *b, const char *folder);
/* Whether there is one beside the model in `path`, a file or a run's folder. */
Status saved_has_catalogue(const char *path, bool *has);
/* The file that has the catalogue of `path`: beside the model where that is a run's folder or its
 * .safetensors file, else `path` itself. ERR_USAGE where a model has none. */
enum { SAVED_PATH = 4096 + 16 };
Status saved_find_catalogue(char found[SAVED_PATH], const char *path);
/* Open the catalogue that is beside the model in `path`, a file or a run's folder. ERR_USAGE where
 * there is none. */
Status saved_open_catalogue(Behaviour *b, const char *path);

/* The settings that the file was trained with; settings that are newer than the file have their
 * defaults. */
Status saved_config(Config *c, const Safetensors *file);

/* Fails where `b` does not have the actions and features that the model was trained on
 * (data/behaviour/identity/inputs.h; files of earlier versions do not say), or another catalogue.
 * The message names what differs. */
Status saved_catalogue(const Safetensors *file, const Behaviour *b);

/* Where the rows of the file's model are in the catalogue of `b`, which may have grown: by the
 * catalogue beside the model (data/behaviour/catalogue/match.h). Fails as saved_catalogue where
 * there is none and `b` has another one. */
Status saved_match(CatalogueMatch *match, const Safetensors *file, const Behaviour *b);

/* Read one copy of the parameters, into the rows that `match` says; rows of what is new keep their
 * values. The file calls each parameter `prefix` and its name. Parameters from number `optional` on
 * keep their values where the file does not have them. A file is refused where another parameter is
 * missing, where a shape differs, or where a number is not finite. */
Status saved_load(const Params *p, ParamCopy copy, const char *prefix, const Safetensors *file,
                  int optional, const CatalogueMatch *match);

/* The first splits whose events the model contains, in its table or in its weights. 1, the train
 * split, where the file does not say. */
Status saved_known(const Safetensors *file, int *known);
/* Fails where the file has a count table whose pairs have other weights than today's
 * (counts/pair.h). Own events cannot be left out of such a table, and what has learned from one
 * would misread another. The metadata `pairs` is the version of the weights; without it the table
 * is of version 1. */
Status saved_pairs(const Safetensors *file);
/* Read what the model knows, and the count table where the model has one. */
Status saved_counts(Model *m, const Safetensors *file, const CatalogueMatch *match);
/* Whether the model of the file has learned and counts the events that `fingerprint` stands for
 * (data/behaviour/identity/hash.h); true where the file does not say. */
bool saved_has_events(const Safetensors *file, const char *fingerprint);

/* Open the model in `path`, a file or a run's folder, for use with `b` on `dev`. Of the
 * parameters only PARAM_VALUE is read, and the count table. `c` gets its settings. A model whose
 * file has no count table is opened without one. Where the table counts another log than `b`, no
 * event of `b` is left out of it (Model.counted is 0). Where the catalogue of `b` has grown since,
 * the items that the model does not have are never chosen (model_shut), and events of them count by
 * their actions and times. Nor are those on the list of retired items. On failure *m is {0}. */
Status saved_open(Model *m, Config *c, const Behaviour *b, Device *dev, const char *path);

#endif
