/* SPDX-License-Identifier: Apache-2.0 */
/* EVERYWHERE marks inline functions that the host and CUDA kernels both call. */
#ifndef SOUK_EVERYWHERE_H
#define SOUK_EVERYWHERE_H

#ifdef __CUDACC__
#define EVERYWHERE __host__ __device__
#else
#define EVERYWHERE
#endif

#endif
