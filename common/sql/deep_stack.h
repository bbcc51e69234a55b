/*
 * deep_stack: a call on a thread of its own whose stack is large enough for the parser. libpg_query
 * recurses about 2 kB deep for every level of an expression and does not look at its stack; 512 MiB
 * cost nothing until they are touched.
 */
#ifndef COMMON_SQL_DEEP_STACK_H
#define COMMON_SQL_DEEP_STACK_H

/*
 * Run work(context) to its end on a deep stack; at once when the caller is on one already, so that
 * whoever reads many scripts makes one thread for all of them.
 */
void deep_stack_run(void (*work)(void *context), void *context);

#endif
