#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "descriptor.h"
#include "futex.h"
#include "system_error.h"

namespace flashfreeze {

/** The state of one file system. A thaw is due in kFreezing and kFrozen only. */
enum class FreezeState : uint32_t {
  kIdle = 0,
  kRequested = 1,  // its thread has the order to freeze and has not begun
  kFreezing = 2,   // FIFREEZE is about to be called or has not returned
  kFrozen = 3,     // by us
  kRefused = 4,    // FIFREEZE failed (frozen by another tool, unsupported) or was cancelled
  kThawed = 5,
};

/** What the guardian did to a file system. If the worker lives, it reports this to JavaScript. */
enum class GuardianThaw : uint32_t { kNone = 0, kTrying = 1, kThawed = 2, kFoundThawed = 3 };

/**
 * One file system's line in the memory that the worker (the process that freezes) and the guardian share. The
 * freezing thread writes the state right before and right after FIFREEZE; the process that thaws writes kThawed.
 */
struct alignas(64) LedgerEntry {
  FutexWord state;                        // FreezeState; woken at every change
  std::atomic<int32_t> freezing_thread;   // thread id, so that its death can be noticed
  std::atomic<uint32_t> guardian;         // GuardianThaw
  std::atomic<uint64_t> guardian_start_ns; // CLOCK_MONOTONIC of its FITHAW
  std::atomic<uint64_t> guardian_end_ns;

  void tell_guardian(GuardianThaw word) { guardian.store(static_cast<uint32_t>(word)); }
  /** The details before the word, because the worker reads them when it sees the word. */
  void tell_thaw(GuardianThaw word, uint64_t start_ns, uint64_t end_ns) {
    guardian_start_ns.store(start_ns);
    guardian_end_ns.store(end_ns);
    tell_guardian(word);
  }
  FreezeState load() const { return static_cast<FreezeState>(state.load()); }
  /** FIFREEZE may not have returned. It has if a FITHAW had an effect; the thread may be unable to say so (stopped). */
  bool may_be_stuck() const {
    return load() == FreezeState::kFreezing &&
           guardian.load() != static_cast<uint32_t>(GuardianThaw::kThawed);
  }
  void store(FreezeState next) {
    state.store(static_cast<uint32_t>(next));
    wake_all(state);
  }
  bool exchange_if(FreezeState expected, FreezeState next) {
    auto seen = static_cast<uint32_t>(expected);
    if (!state.compare_exchange_strong(seen, static_cast<uint32_t>(next))) return false;
    wake_all(state);
    return true;
  }
};

struct alignas(64) LedgerHeader {
  static constexpr uint32_t kMagic = 0x5a464646;
  static constexpr uint32_t kVersion = 1;

  uint32_t magic;
  uint32_t version;
  uint32_t count;
  int32_t worker;                        // process id
  std::atomic<uint64_t> deadline_ns;     // CLOCK_MONOTONIC, of a wave or the whole run; 0: not armed
  std::atomic<uint32_t> revoked;         // set by the guardian: nothing may be frozen any more
  std::atomic<int32_t> former_expedited; // value of rcu_expedited to restore
  std::atomic<uint32_t> expedited;       // 1: we changed rcu_expedited
  std::atomic<uint64_t> seen_to_ns;      // the deadline that the worker itself has acted on
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);
// The layout that src/freezer/ledger.ts reads from a dead run's ledger.
static_assert(sizeof(LedgerHeader) == 64 && sizeof(LedgerEntry) == 64);
static_assert(offsetof(LedgerHeader, count) == 8 && offsetof(LedgerHeader, worker) == 12);
static_assert(offsetof(LedgerHeader, former_expedited) == 28);
static_assert(offsetof(LedgerHeader, expedited) == 32);
static_assert(offsetof(LedgerEntry, state) == 0 && offsetof(LedgerEntry, freezing_thread) == 4);

/** A mapped ledger. The guardian can inherit its descriptor. */
class Ledger {
 public:
  /**
   * Creates an empty ledger, as a file without a name in the open `directory`; keep() can give it one. The
   * directory has to be on a tmpfs, because writing to a mapped file of a file system that is being frozen
   * blocks. If it is not, if no file can be created there, or if the directory is -1, the ledger is in memory
   * only. Throws SystemError.
   */
  static Ledger create(uint32_t count, int directory);
  /** Maps the ledger behind `fd`; the caller keeps `fd`. Throws SystemError; EPROTO: not a ledger of this version. */
  static Ledger map_existing(int fd);

  Ledger(Ledger&& other) noexcept;
  Ledger& operator=(Ledger&&) = delete;
  ~Ledger();

  LedgerHeader& header() const { return *header_; }
  LedgerEntry& entry(std::size_t index) const {
    return reinterpret_cast<LedgerEntry*>(header_ + 1)[index];
  }
  int descriptor() const { return fd_.get(); }
  /** The mapping stays. */
  void close_descriptor() { fd_.reset(); }

  /**
   * Gives the ledger a name in the same directory, so that it outlives the processes that have it mapped. Throws
   * SystemError: EEXIST, or the reason why the ledger is in memory only.
   */
  void keep(int directory, const std::string& name) const;

 private:
  static std::size_t bytes_for(uint32_t count) {
    return sizeof(LedgerHeader) + count * sizeof(LedgerEntry);
  }
  static Ledger create_in(Descriptor fd, uint32_t count);
  Ledger(Descriptor fd, LedgerHeader* header, std::size_t bytes);

  std::optional<SystemError> in_memory_because_;
  Descriptor fd_;
  LedgerHeader* header_;
  std::size_t bytes_;
};

}  // namespace flashfreeze
