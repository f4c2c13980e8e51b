/**
 * Reads the first bytes of disks, all at once, and ends. A program of its own, because a thread that hangs in the read of a
 * dead disk would prevent flashfreeze from ending; one process for all disks, because starting one for each took
 * 1.3 s of processor time with 64 disks.
 *
 * Arguments: how many bytes, then the paths. Standard output gets a frame for each path as soon as it has been read:
 * the path's index, an errno or 0, the number of bytes that follow (three 32-bit integers in the order of the machine),
 * then the bytes, or the text of the errno.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "descriptor.h"

namespace flashfreeze {
namespace {

// What O_DIRECT needs, whatever the disk's sector size.
constexpr std::size_t kAlignment = 4096;

struct Frame {
  uint32_t index;
  int32_t error;
  uint32_t length;
};

struct Free {
  void operator()(char* memory) const { free(memory); }
};
using Buffer = std::unique_ptr<char, Free>;

std::mutex output;

bool write_all(const void* bytes, std::size_t length) {
  const char* next = static_cast<const char*>(bytes);
  while (length > 0) {
    const ssize_t written = write(STDOUT_FILENO, next, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    next += written;
    length -= static_cast<std::size_t>(written);
  }
  return true;
}

void tell(uint32_t index, int error, std::string_view bytes) {
  const Frame frame{index, error, static_cast<uint32_t>(bytes.size())};
  const std::lock_guard<std::mutex> lock(output);
  // If this fails, flashfreeze does not read any more.
  if (write_all(&frame, sizeof frame)) write_all(bytes.data(), bytes.size());
}

/** Past the page cache of a block device; what is none has no cache but its own. */
Descriptor open_disk(const char* path) {
  struct stat status;
  const bool is_disk = stat(path, &status) == 0 && S_ISBLK(status.st_mode);
  return Descriptor(open(path, O_RDONLY | O_CLOEXEC | (is_disk ? O_DIRECT : 0)));
}

/** Fewer bytes than asked for only at the end of the disk. Returns -1 with errno set if it cannot be read. */
ssize_t read_all(int fd, char* bytes, std::size_t length) {
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got = read(fd, bytes + done, length - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

void read_head(uint32_t index, const char* path, std::size_t length) {
  const Buffer bytes(static_cast<char*>(aligned_alloc(kAlignment, length)));
  const Descriptor disk = open_disk(path);
  const ssize_t got = disk && bytes ? read_all(disk.get(), bytes.get(), length) : -1;
  if (got < 0) {
    const int error = errno;
    tell(index, error, strerror(error));
    return;
  }
  tell(index, 0, {bytes.get(), static_cast<std::size_t>(got)});
}

int read_heads(int count, char** arguments) {
  const std::size_t length = count > 1 ? strtoul(arguments[1], nullptr, 10) : 0;
  if (length == 0 || length % kAlignment != 0) return 2;
  std::vector<std::thread> readers;
  for (int index = 2; index < count; index++) {
    readers.emplace_back(read_head, static_cast<uint32_t>(index - 2), arguments[index], length);
  }
  for (std::thread& reader : readers) reader.join();
  return 0;
}

}  // namespace
}  // namespace flashfreeze

int main(int count, char** arguments) { return flashfreeze::read_heads(count, arguments); }
