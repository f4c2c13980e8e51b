#pragma once

namespace flashfreeze {

/**
 * Takes this process out of the out-of-memory killer's reach, gives it the highest priority and locks
 * its memory. Better where it works, no reason to refuse where a container forbids it.
 */
void make_hard_to_kill();

/**
 * A core dump is written to a file system that may be frozen by who crashes, and until it has been nobody
 * sees that he is dead: pipes, pidfds and threads stay. And it would hold the secrets of the run. Programs
 * that this process executes may dump core again.
 */
void forbid_core_dump();

}  // namespace flashfreeze
