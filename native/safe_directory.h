#pragma once

#include <string>

#include "descriptor.h"

namespace flashfreeze {

/**
 * Opens an absolute directory path component by component, follows no symbolic link, and creates
 * what is missing with mode 0700. Nobody but root may be able to exchange a component: each must
 * belong to root and not be writable by group or others; above the last one a sticky directory such
 * as /tmp is accepted too, because there others cannot rename what belongs to root.
 * Throws SystemError with the component's path: ELOOP for a symbolic link, EACCES for a wrong owner
 * or mode, else what the system call said.
 */
Descriptor open_safe_directory(const std::string& path);

}  // namespace flashfreeze
