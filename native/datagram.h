#pragma once

#include <cstddef>
#include <string>

namespace flashfreeze {

/**
 * Sends one datagram to the UNIX socket at a path, and never waits for its reader.
 *
 * @return 0, or the errno: EAGAIN if the reader has too much to read, EMSGSIZE if it is too long
 */
int send_datagram(const std::string& path, const void* content, std::size_t bytes);

}  // namespace flashfreeze
