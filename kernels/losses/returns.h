/* SPDX-License-Identifier: Apache-2.0 */
/* Backward returns on packed windows: TD(lambda), GAE (Schulman et al. 2016), Retrace (Munos et al.
 * 2016) and V-trace (Espeholt et al. 2018) are one recursion, which runs from the end of a
 * window to its beginning.
 *
 * In a window [b, e) of cu_seqlens every token t < e-1 is a transition, as in td.h: state t, the
 * action taken there, its reward[t] and end[t], next state t+1. value[t] is V(s_t) or Q(s_t, a_t),
 * next_value[t+1] estimates the return from state t+1 on: V, max Q, the expectation of Q, or
 * Q(s_{t+1}, a_{t+1}).
 *
 *   w[t]     = exp(log_ratio[t]), log_ratio = log pi(a_t|s_t) - log beta(a_t|s_t); 1 without it
 *   rho[t]   = rho_max > 0 ? min(rho_max, w[t]) : 1
 *   c[t]     = lambda min(c_max, w[t + trace_of_next])
 *   boot[t]  = end[t] == 1 ? 0 : next_value[t+1]                    nothing follows a terminal
 *   delta[t] = reward[t] + gamma boot[t] - value[t]
 *   cut[t]   = end[t] != 0  or  t+1 = e-1                           the trace ends here
 *   E[t]     = rho[t] delta[t] + (cut[t] ? 0 : gamma c[t] E[t+1])
 *
 *   target[t]    = value[t] + E[t]
 *   advantage[t] = delta[t] + (cut[t] ? 0 : gamma E[t+1])           of V-trace; that of GAE
 *                                                                   is E = target - value
 *   valid[t]     as in td.h: 1 for transitions; 0, as target and advantage, for the last token of a
 *                window, for tokens past cu_seqlens[windows], and, where last_has_value is false,
 *                for transitions with t+1 = e-1 that are not terminal, whose E counts as 0
 *
 *                     log_ratio   rho_max   c_max    trace_of_next
 *   TD(lambda), GAE   absent      0         1        false
 *   Retrace           given       0         1        true
 *   V-trace           given       e.g. 1    e.g. 1   false
 *
 *   target, valid, advantage               [tokens]      f32, overwritten; advantage optional
 *   reward, value, next_value, log_ratio   [tokens]      f32; log_ratio optional
 *   end                                    [tokens]      u8: 0 goes on, 1 terminal, 2 truncated
 *   cu_seqlens                             [windows+1]   i32, from 0, never falling, its last at
 *                                                        most tokens
 *
 * Nothing may alias. Computed in double and rounded once; undefined values are never read. On cpu
 * and cuda. Scratch: none. Deterministic; on CUDA the recursion is a scan over 32 tokens at a time,
 * whose order follows from the window's length.
 */
#ifndef SOUK_RETURNS_H
#define SOUK_RETURNS_H

#include <stdbool.h>

#include "base/device.h"
#include "losses/end.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    float gamma, lambda, rho_max, c_max;
    bool trace_of_next, last_has_value;
} ReturnsOptions;

typedef struct {
    Tensor reward, end, value, next_value, log_ratio, cu_seqlens;
} ReturnsInput;

void returns(Device *dev, Tensor target, Tensor valid, Tensor advantage, ReturnsInput in,
             ReturnsOptions options);

/* The CUDA half, in returns.cu. Call the function above instead: it checks shapes. */
void returns_cuda(Device *dev, Tensor target, Tensor valid, Tensor advantage,
                  const ReturnsInput *in, const ReturnsOptions *options);

#ifdef __cplusplus
}
#endif
#endif
