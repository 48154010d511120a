/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of simulated worlds.
 *
 * A world is an environment in which an agent acts. A kind of world (WorldKind) is one struct of
 * functions over two blocks of memory: the parameters, which are made once and never change, and
 * the state of one episode, a few bytes that are copied freely. episodes.h steps thousands of
 * episodes at once on all processors; play.h lets an actor choose in them; kinds.h lists the kinds;
 * open.h makes a world from a text.
 *
 * At each step the agent chooses one of `items` items: a product to show, a level of a bid grid, a
 * quantity to order. It sees a history of events, as the behaviour file stores them. One episode is
 * one history. Its opening event comes from the reset, so that there is a state before the first
 * choice; every later event answers one choice; the last event ends the episode. The history has
 * everything that a decision needs, except what the world hides on purpose.
 *
 * Random numbers are a function of (seed, episode, step, draw): Philox with the seed as its key and
 * the counter (episode, step x 65536 + draw). So a world gives the same bits for any number of
 * threads and slots, and two policies that act in episode e meet the same random numbers (common
 * random numbers).
 */
#ifndef SOUK_WORLD_H
#define SOUK_WORLD_H

#include "base/rng.h"
#include "data/behaviour/behaviour.h"
#include "world/mdp.h"

enum { WORLD_NUMBERS_MAX = 16, WORLD_OPTIONS_MAX = 48 };

/* An event, with the columns of a behaviour file. */
typedef struct {
    int64_t time;        /* milliseconds since the beginning of the episode; rises at each event */
    int32_t item;        /* the chosen item; in the opening event, an item that was not chosen */
    uint8_t action, end; /* kind of event; END_GOES_ON, END_TERMINAL or END_TRUNCATED */
    float reward;
    /* The numbers that are seen after the event (stock, budget, …), in the units of the world. */
    float number[WORLD_NUMBERS_MAX];
} WorldEvent;

/* For `count` events of whole episodes, one after the other: whether a choice was made after event
 * i. If so, event i + 1 is the answer to it. */
static inline bool world_precedes_choice(const WorldEvent *event, int64_t count, int64_t i)
{
    return i + 1 < count && event[i].end == END_GOES_ON;
}

/* The random numbers of one step of one episode. */
typedef struct {
    uint64_t key, episode, counter;
} WorldDraw;
static inline Philox world_draw(WorldDraw *d) { return philox(d->key, d->episode, d->counter++); }

/* ---- What a kind of world says about itself -------------------------------------------------- */

/* An option of a world. A number must be in [low, high]; a WORLD_COUNT must also be whole. */
typedef enum { WORLD_TEXT, WORLD_REAL, WORLD_COUNT } WorldOptionType;
typedef struct {
    WorldOptionType type;
    const char *name, *value; /* `value` is the default */
    double low, high;
    const char *help;
} WorldOption;

/* Settings of a kind of world that have a name: "key=value,key=value", as open.h reads them. */
typedef struct {
    const char *name, *settings, *help;
} WorldPreset;

/* The values of a world's options, in the order of its table of options. */
typedef struct {
    double number[WORLD_OPTIONS_MAX];
    char text[WORLD_OPTIONS_MAX][256];
} WorldSettings;

typedef struct {
    int64_t items; /* choices at each step */
    int actions;   /* kinds of events */
    const char *const *action_name;
    const float *action_reward; /* [actions] the usual reward of a kind, for the file's header */
    /* [actions] whether an item with this answer was shown and not taken; NULL: no such answers */
    const bool *action_impression;
    int numbers;
    const char *const *number_name; /* [numbers] */
    /* [numbers] Roughly the mean and the standard deviation (above 0) of each number, which
     * normalise it in the log. */
    float number_mean[WORLD_NUMBERS_MAX], number_std[WORLD_NUMBERS_MAX];
    FeatureSet item_features; /* features of the items; owned by the world; {0}: there are none */
    double discount;          /* discount of the returns */
    int64_t horizon;          /* choices after which an episode is truncated; at least 1 */
    size_t state_bytes;       /* bytes of the state of one episode; may be 0 */
} WorldSpec;

/* A policy that comes with the world. */
typedef struct World World;
typedef struct {
    const char *name, *help;
    bool oracle; /* it reads parts of the state that no history shows */
    /* Returns the choice in `state`; *propensity is the probability with which it was made. */
    int32_t (*act)(const World *world, const void *state, WorldDraw *draw, float *propensity);
} WorldBaseline;

/* A kind of world. Its functions change only the memory that they are given to fill. */
typedef struct {
    const char *name, *summary;
    const WorldOption *options; /* the last one has the name NULL */
    const WorldPreset *presets; /* the last one has the name NULL; NULL: there are none */
    /* Makes the parameters of a world from settings within their ranges, and fills `spec`, which is
     * zero before. */
    Status (*open)(void **world, WorldSpec *spec, const WorldSettings *settings);
    void (*close)(void *world); /* safe on NULL */
    /* Begins an episode: fills all of `state`, and the opening event, which is zero before. */
    void (*reset)(const void *world, void *state, WorldDraw *draw, WorldEvent *event);
    /* Answers the choice of `item`, 0 .. items-1. `event` is zero before, except for its item and
     * its time: the clock of a world that does not set it moves a second a step. The world sets
     * END_TERMINAL where the episode ends by itself; episodes_step truncates at the horizon. */
    void (*step)(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event);
    /* Prefetches what a step with `item` will read: in a large catalogue it is not in the cache.
     * NULL where a step reads little. */
    void (*prefetch)(const void *world, int32_t item);
    const WorldBaseline *baselines; /* the last one has the name NULL; NULL: there are none */
    /* For a world that is a finite MDP, whose state the history shows: `mdp` makes it, with the
     * items as actions; mdp_state numbers the state of an episode. Both are NULL for a kind that is
     * never a finite MDP. mdp fails where the settings make it too large or hide its state. Callers
     * use world_mdp. */
    Status (*mdp)(const void *world, Mdp *mdp);
    int64_t (*mdp_state)(const void *world, const void *state);
    /* Prints information about this world beyond its settings, for a person to read; NULL: there is
     * none. */
    void (*describe)(const void *world, FILE *out);
    /* Prints a policy for a person to read, from `count` events of whole episodes that it played,
     * one after the other. NULL: there is no such table. */
    Status (*print)(const World *w, const WorldEvent *event, int64_t count, FILE *out);
    /* Draws the same as a picture: NAME.dat, NAME.gp and, where gnuplot is installed, NAME.svg, in
     * an existing folder. NULL: there is no such picture. */
    Status (*plot)(const World *w, const WorldEvent *event, int64_t count, const char *folder,
                   const char *name);
} WorldKind;

/* ---- A world --------------------------------------------------------------------------------- */

struct World {
    const WorldKind *kind;
    WorldSpec spec;
    void *parameters; /* the `world` that the functions of the kind take */
};

void world_close(World *w); /* safe on {0} */

/* The world as an MDP with the discount of the spec; ERR_USAGE where the world is no finite MDP. */
Status world_mdp(const World *w, Mdp *mdp);

/* A policy by its name: one of the world's, or "random", which every world has. NULL: there is no
 * policy of this name. */
const WorldBaseline *world_baseline(const World *w, const char *name);
/* ERR_USAGE: `option` is the name of a policy that the world does not have. `more`: a name that
 * `option` takes besides, or NULL. */
Status world_no_policy(const World *w, const char *option, const char *name, const char *more);

/* For the `open` of a kind: reads an option that has two values, its default and `other`. *is_other
 * says which of them `text` is. ERR_USAGE, with a message that names the world, where it is
 * neither. */
Status world_either(const char *world, const WorldOption *option, const char *text,
                    const char *other, bool *is_other);

#endif
