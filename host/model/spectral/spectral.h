/* SPDX-License-Identifier: Apache-2.0 */
/* Item vectors to start a training with: those whose inner products come nearest to the mutual
 * information of the items (model/spectral/pmi.h), U sqrt(S) of its largest singular values. Items
 * that occur together in the log begin near each other.
 *
 * Each vector v is divided by sqrt(|v|), and all are multiplied by one number, so that the mean
 * length of those that are not 0 is `length`. The division lifts items that the largest values
 * hardly reach, such as those of many short sessions. An item whose vector is 0, because it has no
 * neighbours, gets the mean over its known categories of the mean vector of the other items of the
 * category; without such a category it gets N(0, spread^2).
 *
 * Memory of the host: 8 bytes times items times (dim + 8), and 4 times items times neighbours. The
 * same bits for any number of threads, of one LAPACK.
 */
#ifndef SOUK_SPECTRAL_H
#define SOUK_SPECTRAL_H

#include "base/listener.h"
#include "counts/table.h"
#include "data/behaviour/behaviour.h"

typedef struct {
    int64_t dim;
    float length, spread;
    uint64_t seed;
    int threads;
    Listener *listener; /* NULL: nobody */
} SpectralOptions;

/* The vectors into *vectors [items, dim], which the caller frees. `table` is in memory of the
 * host. */
Status spectral_vectors(float **vectors, const CountTable *table, const FeatureSet *features,
                        const SpectralOptions *options);

#endif
