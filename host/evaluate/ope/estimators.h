/* The estimators of off-policy evaluation: one table of functions, a file a family.
 *
 * With w_i = pi(a_i | x_i) / beta(a_i | x_i), n decisions, M the clip, r(x, a) the reward model, and
 * D_i = sum_a pi(a | x_i) r(x_i, a), of a bandit log (ope_weighting.c, ope_doubly.c):
 *
 *   IPS          1/n sum w_i r_i                               Horvitz & Thompson 1952, Precup 2000
 *   clipped IPS  1/n sum min(w_i, M) r_i                       Ionides 2008
 *   SNIPS        sum w_i r_i / sum w_i                         Swaminathan & Joachims 2015
 *   DM           1/n sum D_i
 *   DR           1/n sum [D_i + w_i (r_i - r(x_i, a_i))]       Dudik et al. 2011
 *   SN-DR        1/n sum D_i + sum w_i (r_i - r(x_i, a_i)) / sum w_i
 *   Switch-DR    DR with w_i [w_i <= M]                        Wang et al. 2017
 *   DRos         DR with lambda w_i / (w_i^2 + lambda), lambda = M^2     Su et al. 2020
 *
 * Of a sequential log, over N episodes with w_t = prod_{s<=t} pi(a_s | x_s) / beta(a_s | x_s)
 * (ope_sequential.c), the expected discounted sum of an episode's rewards:
 *
 *   TIS          1/N sum w_T sum_t gamma^t r_t                 (T the last step) Precup 2000
 *   PDIS         1/N sum sum_t gamma^t w_t r_t                 Precup 2000
 *   SN-TIS       sum w_T sum_t gamma^t r_t / sum w_T
 *   FQE          1/N sum V(x_first), V fitted (sequential_fqe.h)      Le et al. 2019
 *   seq-DR       1/N sum D_first, with V and Q of FQE          Jiang & Li 2016
 *                D_t = V(x_t) + pi / beta(a_t | x_t) (r_t + gamma D_{t+1} - Q(x_t, a_t)), 0 after the last
 *
 * Of any log, for comparison: "the log", what the logging policy earned.
 *
 * Every estimator is  sum_u plain_u / sum_u size_u + sum_u top_u / sum_u bottom_u  over users, size_u
 * their decisions or episodes: from that come its intervals (ope_interval.h).
 */
#ifndef SOUK_OPE_ESTIMATORS_H
#define SOUK_OPE_ESTIMATORS_H

#include "evaluate/ope/fqe.h"
#include "evaluate/ope/reward.h"

typedef struct {
    const OpeLog *log;
    const double *weight;    /* [count] pi / beta of each decision */
    const OpeReward *reward; /* NULL: no reward model */
    const OpeFqe *fqe;       /* NULL: no fitted Q */
    double clip, gamma;
} OpeData;

/* [users] each. `top` and `bottom` stay 0 where an estimator has no such part. */
typedef struct {
    double *plain, *top, *bottom;
} OpeTerms;

typedef enum { OPE_ANY, OPE_BANDIT, OPE_MODEL, OPE_SEQUENTIAL, OPE_FITTED } OpeKind;

typedef struct {
    const char *name, *assumes; /* what has to hold beside true propensities */
    OpeKind kind;               /* OPE_MODEL: of a bandit log, with a reward model; OPE_FITTED: of a
                                   sequential one, with a fitted Q */
    bool bernstein; /* a mean of independent terms: has an empirical Bernstein interval */
    void (*terms)(const OpeData *data, const OpeTerms *terms);
} OpeEstimator;

enum { OPE_ESTIMATORS = 14 };
extern const OpeEstimator *const ope_estimators[OPE_ESTIMATORS];

extern const OpeEstimator weighting_ips, weighting_clipped_ips,
    weighting_snips; /* ope_weighting.c */
extern const OpeEstimator doubly_dm, doubly_dr, doubly_sn_dr, doubly_switch_dr,
    doubly_dros; /* ope_doubly.c */
extern const OpeEstimator sequential_logged, sequential_tis, sequential_pdis, sequential_sn_tis,
    sequential_seq_dr, sequential_fqe; /* ope_sequential.c */

#endif
