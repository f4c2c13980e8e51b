#include "mount_point.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "system_error.h"

namespace flashfreeze {
namespace {

Descriptor open_retrying(const std::string& name, int flags, const std::string& path) {
  int fd = -1;
  do {
    fd = ::open(name.c_str(), flags | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw SystemError(errno, "open", path);
  return Descriptor(fd);
}

}  // namespace

Descriptor open_mount_point(const std::string& path) {
  const Descriptor place = open_retrying(path, O_PATH | O_NOFOLLOW, path);
  struct stat status {};
  if (fstat(place.get(), &status) != 0) throw SystemError(errno, "fstat", path);
  if (S_ISLNK(status.st_mode)) throw SystemError(ELOOP, "open", path);
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
    throw SystemError(ENOTDIR, "open", path);
  }
  // By way of the descriptor: what has been looked at is what is opened.
  return open_retrying("/proc/self/fd/" + std::to_string(place.get()), O_RDONLY, path);
}

}  // namespace flashfreeze
