/* SPDX-License-Identifier: Apache-2.0 */
/* n-step targets of temporal differences on packed windows (Sutton and Barto 2018, 7.1).
 *
 * In a window [b, e) of cu_seqlens every token t < e-1 is a transition: state t, an action whose
 * reward is reward[t] and whose end flag is end[t], next state t+1. The window's last token has no
 * action.
 *
 *   m(t) = the smallest m >= 1 with   m = n   or   end[t+m-1] != 0   or   t+m = e-1
 *   y[t] = sum_{k<m} gamma^k reward[t+k] + (end[t+m-1] == 1 ? 0 : gamma^m next_value[t+m])
 *
 * So a terminal (end 1) ends the sum without a bootstrap. A truncation (end 2) ends it with a
 * bootstrap from the state that follows. A window that ends early bootstraps from its last token,
 * with the smaller m.
 *
 *   valid[t] = 1 for transitions; 0 (and y[t] = 0) for the last token of a window, for tokens past
 *   cu_seqlens[windows], and, where last_has_value is false (next_value of a window's last token is
 *   undefined, as for SARSA), for transitions with t+m = e-1 that are not terminal.
 *
 *   y, valid               [tokens]        f32, overwritten; valid is 1 or 0
 *   reward, next_value     [tokens]        f32; next_value[t] is the backup value of state t
 *   end                    [tokens]        u8: 0 goes on, 1 terminal, 2 truncated (end.h)
 *   cu_seqlens             [windows + 1]   i32, from 0, never falling, its last at most tokens
 *
 * Nothing may alias. Sums are computed in double and rounded once. Undefined values are never read.
 * On cpu and cuda. Scratch: none. Deterministic.
 */
#ifndef SOUK_TD_H
#define SOUK_TD_H

#include <stdbool.h>

#include "base/device.h"
#include "losses/end.h"

#ifdef __cplusplus
extern "C" {
#endif

void td_targets(Device *dev, Tensor y, Tensor valid, Tensor reward, Tensor end, Tensor next_value,
                Tensor cu_seqlens, float gamma, int n, bool last_has_value);

/* The CUDA half, in td.cu. Call the function above instead: it checks shapes. */
void td_targets_cuda(Device *dev, Tensor y, Tensor valid, Tensor reward, Tensor end,
                     Tensor next_value, Tensor cu_seqlens, float gamma, int n, bool last_has_value);

#ifdef __cplusplus
}
#endif
#endif
