#pragma once

#include <cstddef>
#include <functional>

#include "descriptor.h"

namespace flashfreeze {

/** Enough for the system calls made here and for the thread-local storage of node. */
constexpr std::size_t kThreadStackBytes = 128 * 1024;

/**
 * Starts a detached thread with a small fixed stack and every signal blocked, so that no handler of
 * the process ever runs on it. Throws SystemError.
 */
void start_thread(std::function<void()> body, std::size_t stack_bytes = kThreadStackBytes);

/**
 * Gives the calling thread a file table of its own that holds nothing but `fd`. A thread stuck in
 * the kernel keeps its file table open even when its process is killed; with a table of its own it
 * does not keep the process's pipes, sockets and locks from being released. Returns an errno, or 0.
 */
int keep_only_descriptor(int fd);

/** The same with nothing in it: for a thread that opens what it needs. */
int keep_no_descriptor();
/** Only in a file table of one's own: closes what the kernel has put into it, too. */
void close_all_descriptors();

/**
 * Gives the descriptor to a thread that does nothing but hold it, in a file table of its own, and never
 * is in the kernel for longer than a moment: whatever the other threads are stuck in when this process is
 * killed, the other end sees the end of file at once. Throws SystemError.
 */
void hold_until_death(Descriptor descriptor);

/** The other end of a pipe so held, one for the whole process and never closed. Throws SystemError. */
int lifeline();

}  // namespace flashfreeze
