#pragma once

#include <string>

#include "descriptor.h"

namespace flashfreeze {

/** `fd` is -1 where `error`, an errno, is not 0. */
struct RawOpened {
  int fd = -1;
  int error = 0;
};

/**
 * Opens a mount point for FIFREEZE and FITHAW: a directory, or a regular file where a single file is
 * bind-mounted. Anything else is refused before it is opened, because opening a pipe waits and
 * opening a device does something: ELOOP for a symbolic link, since a mount point as mountinfo shows it
 * is none, and one that has become one leads somewhere else; ENOTDIR for what is neither directory nor
 * file. Makes nothing but system calls.
 */
RawOpened open_mount_point_raw(const char* path);

/**
 * The same; `/proc/self/fd/<n>` stands for what this process has opened before (mount_opener.h), and is
 * duplicated. Throws SystemError with the path.
 */
Descriptor open_mount_point(const std::string& path);

}  // namespace flashfreeze
