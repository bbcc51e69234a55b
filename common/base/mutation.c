#include "common/base/mutation.h"

#ifdef SKEIN_MUTATIONS
enum mutation mutation_planted = MUTATION_NONE;
#else
/* A source file needs at least one declaration. */
typedef int mutation_is_off;
#endif
