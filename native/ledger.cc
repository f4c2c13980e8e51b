#include "ledger.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace flashfreeze {
namespace {

LedgerHeader* map(int fd, std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) throw SystemError(errno, "mmap");
  return static_cast<LedgerHeader*>(at);
}

}  // namespace

Ledger Ledger::create_in(Descriptor fd, uint32_t count) {
  const std::size_t bytes = bytes_for(count);
  LedgerHeader* header = map(fd.get(), bytes);  // zero pages: every state is kIdle
  header->magic = LedgerHeader::kMagic;
  header->version = LedgerHeader::kVersion;
  header->count = count;
  header->worker = getpid();
  return Ledger(std::move(fd), header, bytes);
}

Ledger Ledger::map_existing(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw SystemError(errno, "fstat");
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < sizeof(LedgerHeader)) throw SystemError(EPROTO, "ledger");
  Ledger ledger(Descriptor(), map(fd, bytes), bytes);
  const LedgerHeader& header = ledger.header();
  if (header.magic != LedgerHeader::kMagic || header.version != LedgerHeader::kVersion ||
      bytes_for(header.count) != bytes) {
    throw SystemError(EPROTO, "ledger");
  }
  return ledger;
}

Ledger::Ledger(Descriptor fd, LedgerHeader* header, std::size_t bytes)
    : fd_(std::move(fd)), header_(header), bytes_(bytes) {}

Ledger::Ledger(Ledger&& other) noexcept
    : in_memory_because_(std::move(other.in_memory_because_)),
      fd_(std::move(other.fd_)),
      header_(std::exchange(other.header_, nullptr)),
      bytes_(other.bytes_) {}

Ledger::~Ledger() {
  if (header_ != nullptr) munmap(header_, bytes_);
}

}  // namespace flashfreeze
