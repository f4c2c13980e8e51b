/** What the process outside the lab and the lab's supervisor say to each other, line by line. */

/** From outside: a signal's name, for the command in the lab. */
export const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** From the supervisor: `ready <pid of the lab's first process>`, once. */
export const READY = 'ready';
