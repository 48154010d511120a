/* Worlds: what an agent acts in. A world is one struct of functions over two blobs: parameters, made
 * once and never changed, and the state of one episode, a few bytes that are copied freely. Thousands
 * of episodes are stepped at once, on all processors.
 *
 * The agent of a world is souk's: it chooses one of `items` actions (an item to show, a level of a bid
 * grid, a quantity to order) and sees a history of events as the behaviour file has them. An episode is
 * one history: its opening event comes from the reset (so a state exists before the first choice),
 * every later event answers one choice, and the last one ends it. Nothing that a decision needs may be
 * hidden from the history unless the world is meant to hide it.
 *
 * Randomness is a function of (seed, episode, step, draw): Philox with key seed and counter (episode,
 * step x 65536 + draw). So a world gives the same bits for any number of threads and of slots, and two
 * policies that act in episode e meet the same luck (common random numbers).
 *
 * A world is opened from text: "shop", "shop:items=100000,drift=0.1".
 */
#ifndef SOUK_WORLD_H
#define SOUK_WORLD_H

#include "base/rng.h"
#include "data/behaviour/behaviour.h"
#include "world/mdp.h"

enum { WORLD_NUMBERS_MAX = 16, WORLD_OPTIONS_MAX = 48 };

/* An event as the behaviour file knows it. */
typedef struct {
    int64_t time;        /* ms since the episode's own zero */
    int32_t item;        /* the chosen one, but for the opening event */
    uint8_t action, end; /* kind of event; END_GOES_ON, END_TERMINAL or END_TRUNCATED */
    float reward;
    float number
        [WORLD_NUMBERS_MAX]; /* what is seen after the event (stock, budget …), in its own units */
} WorldEvent;

/* Of episodes end to end: was event i seen before a choice, which i + 1 answers? */
static inline bool world_chose(const WorldEvent *event, int64_t count, int64_t i)
{
    return i + 1 < count && event[i].end == END_GOES_ON;
}

/* Random numbers of one step of one episode. */
typedef struct {
    uint64_t key, episode, counter;
} WorldDraw;
static inline Philox world_draw(WorldDraw *d) { return philox(d->key, d->episode, d->counter++); }

/* ---- What a world says of itself -------------------------------------------------------------- */

/* A setting. Numbers lie in [low, high]; a count is a whole one. */
typedef enum { WORLD_TEXT, WORLD_REAL, WORLD_COUNT } WorldOptionType;
typedef struct {
    WorldOptionType type;
    const char *name, *value; /* default */
    double low, high;
    const char *help;
} WorldOption;

/* Values of a world's options, in the order of its table. */
typedef struct {
    double number[WORLD_OPTIONS_MAX];
    char text[WORLD_OPTIONS_MAX][256];
} WorldSettings;

typedef struct {
    int64_t items; /* choices at each step */
    int actions;   /* kinds of events */
    const char *const *action_name;
    const float *action_reward; /* [actions] usual reward of a kind, for the file's header */
    int numbers;
    const char *const *number_name; /* [numbers] */
    float number_mean[WORLD_NUMBERS_MAX],
        number_std[WORLD_NUMBERS_MAX]; /* about, to normalise by */
    FeatureSet item_features;          /* of the choices; owned by the world; {0}: none */
    double discount;                   /* what a return is measured with */
    int64_t horizon;    /* choices after which an episode is cut (truncated); at least 1 */
    size_t state_bytes; /* of one episode */
} WorldSpec;

/* A policy that comes with the world. */
typedef struct World World;
typedef struct {
    const char *name, *help;
    bool oracle; /* sees what no history shows */
    /* The choice in `state`, and the probability with which it was made. */
    int32_t (*act)(const World *world, const void *state, WorldDraw *draw, float *propensity);
} WorldBaseline;

/* A kind of world. The functions are pure but for what they are told to fill. */
typedef struct {
    const char *name, *summary;
    const WorldOption *options; /* ends with name NULL */
    /* Parameters of a world from settings in range; fills `spec`, zeroed before. */
    Status (*open)(void **world, WorldSpec *spec, const WorldSettings *settings);
    void (*close)(void *world); /* safe on NULL */
    /* A new episode: all of `state`, and the opening event; `event` is zeroed before. */
    void (*reset)(const void *world, void *state, WorldDraw *draw, WorldEvent *event);
    /* The answer to choosing `item`, 0 .. items-1; `event` is zeroed before and has the item. The world
     * sets END_TERMINAL where an episode ends by itself; who steps it truncates at the horizon. */
    void (*step)(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event);
    /* Prefetch what a step with `item` will read: in a large catalogue it is far away. NULL: it is near. */
    void (*prefetch)(const void *world, int32_t item);
    const WorldBaseline *baselines; /* ends with name NULL; NULL: none */
    /* Where the world is a finite MDP whose state the history tells: it, with items as actions (see
     * world_mdp), and the state of an episode in it. Both NULL where it never is; mdp fails where
     * settings make it too large or hidden. */
    Status (*mdp)(const void *world, Mdp *mdp);
    int64_t (*mdp_state)(const void *world, const void *state);
    /* What a person should know of a world that its text does not say; prints nothing where there is nothing.
     * NULL: there never is. */
    void (*describe)(const void *world, FILE *out);
    /* A policy as a person reads it, from `count` events of episodes that it played, end to end (see
     * world_chose). NULL: there is no such picture. */
    Status (*print)(const World *w, const WorldEvent *event, int64_t count, FILE *out);
    /* The same as a plot: NAME.dat, NAME.gp and, where there is gnuplot, NAME.svg of an existing folder.
     * NULL: there is none. */
    Status (*plot)(const World *w, const WorldEvent *event, int64_t count, const char *folder,
                   const char *name);
} WorldKind;

/* All kinds; ends with NULL. */
extern const WorldKind *const world_kinds[];
extern const WorldKind shop_kind, small_shop_kind, inventory_world_kind, auction_world_kind;

/* ---- A world ------------------------------------------------------------------------------------ */

struct World {
    const WorldKind *kind;
    WorldSpec spec;
    void *parameters; /* the `world` of the kind's functions */
};

/* From "NAME" or "NAME:key=value,key=value"; `horizon` and `discount` are keys of every world and
 * replace the spec's. Unknown names, bad and out of range values are errors. */
Status world_open(World *w, const char *text);
void world_close(World *w); /* safe on {0} */
/* All worlds, or one: options, defaults, baselines. */
void world_help(FILE *out, const char *name);

/* The world as an MDP of the spec's discount; fails where it is none. */
Status world_mdp(const World *w, Mdp *mdp);

/* A baseline by name: the world's, or "random", which every world has. NULL: none is called so. */
const WorldBaseline *world_baseline(const World *w, const char *name);

/* ---- Many episodes at once ------------------------------------------------------------------------ */

typedef struct {
    const World *world;
    uint64_t seed;
    int64_t slots; /* episodes at once */
    int threads;
    char *state;      /* [slots, state_bytes, rounded up to 16] */
    size_t stride;    /* bytes */
    int64_t *episode; /* [slots] number of the episode in each */
    int64_t *step;    /* [slots] choices made so far */
} Episodes;

/* `threads` <= 0: all processors. */
Status episodes_open(Episodes *e, const World *w, int64_t slots, uint64_t seed, int threads);
void episodes_close(Episodes *e); /* safe on {0} */

/* Begin episode[i] in slot[i], for i < count; event[i] is its opening event. slot NULL: slot i. */
void episodes_reset(Episodes *e, int64_t count, const int64_t *slot, const int64_t *episode,
                    WorldEvent *event);
/* Choose item[i] in slot[i]; event[i] is the answer. An ended slot must be reset first. */
void episodes_step(Episodes *e, int64_t count, const int64_t *slot, const int32_t *item,
                   WorldEvent *event);
/* What a baseline chooses in slot[i], and with which probability. Its draws are none of the world's. On the
 * caller's thread: who plays baselines parts episodes among threads (play.h). */
void episodes_act(const Episodes *e, const WorldBaseline *b, int64_t count, const int64_t *slot,
                  int32_t *item, float *propensity);
/* State of a slot, for kind->mdp_state. */
const void *episodes_state(const Episodes *e, int64_t slot);

#endif
