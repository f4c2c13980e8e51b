#pragma once

#include <string>

#include "descriptor.h"

namespace flashfreeze {

/** `fd` is -1 if `error`, an errno, is not 0. */
struct RawOpened {
  int fd = -1;
  int error = 0;
};

/**
 * Opens a mount point for FIFREEZE and FITHAW: a directory, or a regular file if a single file is
 * bind-mounted. Refuses anything else before it is opened, because opening a pipe waits and opening a
 * device can have an effect: ELOOP for a symbolic link, because a mount point in mountinfo is never one, and
 * a path that has become one leads somewhere else; ENOTDIR if it is neither a directory nor a file. ESHUTDOWN:
 * the path leads there, but the file system answers EIO, as one does that was shut down. Makes only system calls.
 */
RawOpened open_mount_point_raw(const char* path);

/**
 * Opens a mount point like open_mount_point_raw(). `/proc/self/fd/<n>` means a descriptor that this process has
 * opened before (mount_opener.h); it is duplicated. Throws SystemError with the path.
 */
Descriptor open_mount_point(const std::string& path);

}  // namespace flashfreeze
