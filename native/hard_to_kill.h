#pragma once

namespace flashfreeze {

/**
 * Takes this process out of the out-of-memory killer's reach, gives it the highest priority and locks
 * its memory. Better where it works, no reason to refuse where a container forbids it.
 */
void make_hard_to_kill();

}  // namespace flashfreeze
