#include "safe_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "system_error.h"

namespace flashfreeze {
namespace {

std::vector<std::string> components_of(const std::string& path) {
  if (path.empty() || path.front() != '/') throw SystemError(EINVAL, "open", path);
  std::vector<std::string> components;
  for (std::size_t start = 1; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string component = path.substr(start, end - start);
    if (component == "." || component == "..") throw SystemError(EINVAL, "open", path);
    if (!component.empty()) components.push_back(component);
    start = end + 1;
  }
  return components;
}

void require_safe(int fd, const std::string& path, bool is_last) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw SystemError(errno, "fstat", path);
  const bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool sticky = (status.st_mode & S_ISVTX) != 0 && !is_last;
  if (status.st_uid != 0 || (others_write && !sticky)) throw SystemError(EACCES, "open", path);
}

bool is_symbolic_link(int parent, const std::string& name) {
  struct stat status {};
  return fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISLNK(status.st_mode);
}

int open_directory(int parent, const std::string& name) {
  return openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Opened before it is created: mkdir(2) blocks on a frozen file system even where the name exists.
Descriptor open_component(int parent, const std::string& name, const std::string& path) {
  Descriptor opened(open_directory(parent, name));
  if (!opened && errno == ENOENT) {
    if (mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
      throw SystemError(errno, "mkdir", path);
    }
    opened.reset(open_directory(parent, name));
  }
  if (opened) return opened;
  // With O_DIRECTORY the kernel answers ENOTDIR for a link.
  const int error = errno;
  throw SystemError(is_symbolic_link(parent, name) ? ELOOP : error, "open", path);
}

}  // namespace

Descriptor open_safe_directory(const std::string& path) {
  const std::vector<std::string> components = components_of(path);
  Descriptor current(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!current) throw SystemError(errno, "open", "/");
  std::string walked;
  for (std::size_t i = 0; i < components.size(); ++i) {
    walked += "/" + components[i];
    current = open_component(current.get(), components[i], walked);
    require_safe(current.get(), walked, i + 1 == components.size());
  }
  return current;
}

}  // namespace flashfreeze
