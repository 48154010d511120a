/* SPDX-License-Identifier: Apache-2.0 */
/* A refit: once validation has chosen the length of a training, the same training anew on the
 * train and the validation split, for that many steps. What validation events teach is then in the
 * weights, and nothing is left to validate with.
 *
 * The learning rate follows its schedule over the shorter length, after the same warm-up. The
 * standardisation of the features and the calibration of the policy are those of the checkpoint,
 * as both are constants that were chosen on events apart from those that were learned. Count
 * tables, the start of item vectors and biases read both splits. The same bits as any training
 * with these settings on a file whose train split has the events of both.
 */
#ifndef SOUK_REFIT_H
#define SOUK_REFIT_H

#include "base/config.h"
#include "base/listener.h"

/* Train anew with the settings `c`, none of which is auto, for as many steps as the checkpoint
 * `path` has, and write the result in its place. Where the listener asks to stop, nothing is
 * written and *interrupted is true. */
Status refit(const Config *c, const char *path, Listener *listener, bool *interrupted);

#endif
