#pragma once

namespace flashfreeze {

/**
 * Protects this process from the out-of-memory killer, gives it the highest priority and locks its memory. If a
 * container forbids that, the process runs without it.
 */
void make_hard_to_kill();

/**
 * A core dump would be written to a file system that this process may have frozen, and until it is written no
 * other process sees the death: pipes, pidfds and threads stay. It would also contain the secrets of the run.
 * Programs that this process executes may dump core again.
 */
void forbid_core_dump();

}  // namespace flashfreeze
