/* The two faces of `souk info`. */
#ifndef SOUK_INFO_H
#define SOUK_INFO_H

#include "data/behaviour/summary.h"

/* Keys of the top items are read from `b`. */
Status info_print(Behaviour *b, const Summary *s);
Status info_print_json(Behaviour *b, const Summary *s);

#endif
