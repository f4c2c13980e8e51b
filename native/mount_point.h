#pragma once

#include <string>

#include "descriptor.h"

namespace flashfreeze {

/**
 * Opens a mount point for FIFREEZE and FITHAW: a directory, or a regular file where a single file is
 * bind-mounted. Anything else is refused before it is opened, because opening a pipe waits and
 * opening a device does something. Throws SystemError with the path: ELOOP for a symbolic link, since
 * a mount point as mountinfo shows it is none, and one that has become one leads somewhere else;
 * ENOTDIR for what is neither directory nor file.
 */
Descriptor open_mount_point(const std::string& path);

}  // namespace flashfreeze
