#include "mount_point.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "system_error.h"

namespace flashfreeze {
namespace {

constexpr std::string_view kOwnDescriptor = "/proc/self/fd/";

int open_retrying(const char* name, int flags) {
  int fd = -1;
  do {
    fd = ::open(name, flags | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

/** The file system was reached, so an EIO is its own answer. */
int own_error(int error) { return error == EIO ? ESHUTDOWN : error; }

int kind_error(int place) {
  struct stat status {};
  if (fstat(place, &status) != 0) return own_error(errno);
  if (S_ISLNK(status.st_mode)) return ELOOP;
  return S_ISDIR(status.st_mode) || S_ISREG(status.st_mode) ? 0 : ENOTDIR;
}

}  // namespace

RawOpened open_mount_point_raw(const char* path) {
  RawOpened opened;
  const int place = open_retrying(path, O_PATH | O_NOFOLLOW);
  if (place < 0) {
    opened.error = errno;
    return opened;
  }
  opened.error = kind_error(place);
  if (opened.error == 0) {
    // Through the descriptor, so that the file that was checked is the one that is opened.
    char name[32];
    std::snprintf(name, sizeof name, "%s%d", kOwnDescriptor.data(), place);
    opened.fd = open_retrying(name, O_RDONLY);
    opened.error = opened.fd < 0 ? own_error(errno) : 0;
  }
  close(place);
  return opened;
}

Descriptor open_mount_point(const std::string& path) {
  RawOpened opened;
  if (path.starts_with(kOwnDescriptor)) {
    opened.fd = fcntl(std::atoi(path.c_str() + kOwnDescriptor.size()), F_DUPFD_CLOEXEC, 0);
    opened.error = opened.fd < 0 ? errno : 0;
  } else {
    opened = open_mount_point_raw(path.c_str());
  }
  if (opened.error != 0) throw SystemError(opened.error, "open", path);
  return Descriptor(opened.fd);
}

}  // namespace flashfreeze
