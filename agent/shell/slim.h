/*
 * slim: gives back the memory that only starting, or work that is over, has needed: free heap, and
 * the pages of program and library code, which the kernel has on file and brings back when they are
 * run again. An agent is idle nearly always, and there may be many on a host.
 */
#ifndef AGENT_SHELL_SLIM_H
#define AGENT_SHELL_SLIM_H

/* Before the first thread: one heap for all threads. */
void agent_slim_prepare(void);

/* Now; costs some page faults afterwards. */
void agent_slim(void);

#endif
