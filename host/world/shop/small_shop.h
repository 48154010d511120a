/* SPDX-License-Identifier: Apache-2.0 */
/* The world "small-shop": the law of events of the large shop (event.h) on so few shelves that the
 * optimum can be computed. Its state is the shelf that the shopper wants, the shelf shown last, and
 * how often that was shown in a row.
 *
 *   relevance  x = affinity [shelf wanted] + margin x shelf - shelf_step x rank
 *                - boredom x (showings of this shelf in a row before, at most `bored`)
 *   leaving    y = that boredom
 *   purchase   of an item of the wanted shelf: the shopper then wants the next shelf (a phone, then
 *              its accessories). `margin` makes each shelf sell better than the one before; after
 *              the last shelf comes the first
 *   drift      after any other event the shopper turns to another shelf with the probability
 *              `drift`
 *
 * Every event shows the shelf that is wanted (the numbers wants_0, wants_1, …: think of a search
 * box), and the items of the history show the showings in a row. So the history shows the whole
 * state. One function lists the outcomes of a choice with their probabilities; the MDP is made from
 * that list, and a step samples from it.
 */
#ifndef SOUK_SMALL_SHOP_H
#define SOUK_SMALL_SHOP_H

#include "world/world.h"

extern const WorldKind small_shop_world;

#endif
