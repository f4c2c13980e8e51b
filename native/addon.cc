/** The functions that JavaScript calls: they check and convert arguments, then call the other files. */
#include <fcntl.h>
#include <napi.h>

#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "arguments.h"
#include "btrfs.h"
#include "datagram.h"
#include "freezer.h"
#include "hard_to_kill.h"
#include "js_errors.h"
#include "kernel_clock.h"
#include "last_lever_object.h"
#include "mount_opener_call.h"
#include "number_line.h"
#include "system_error.h"
#include "thread.h"

namespace flashfreeze {
namespace {

void call_listener(Napi::Env env, Napi::Function listener, std::nullptr_t*, void*) {
  if (env != nullptr && !listener.IsEmpty()) listener.Call({});
}
using Doorbell = Napi::TypedThreadSafeFunction<std::nullptr_t, void, call_listener>;

/**
 * new Freezer(mountPoints: string[], listener: () => void, records: BigInt64Array,
 *             ledgerDirectory: number)
 */
class FreezerObject : public Napi::ObjectWrap<FreezerObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit FreezerObject(const Napi::CallbackInfo& info);
  ~FreezerObject() override { end(kCloseWaitNs); }

 private:
  static constexpr std::size_t kRecordFields = 6;  // see native.ts
  /** How long an environment that ends waits for a thaw; if it is too short, the guardian thaws. */
  static constexpr uint64_t kCloseWaitNs = 2'000'000'000;

  static void clean_up(void* self) { static_cast<FreezerObject*>(self)->end(kCloseWaitNs); }
  void end(uint64_t wait_ns);

  Napi::Value descriptors(const Napi::CallbackInfo& info);
  void keep_ledger(const Napi::CallbackInfo& info);
  Napi::Value watch_guardian(const Napi::CallbackInfo& info);
  void guardian_started(const Napi::CallbackInfo&) { freezer_->guardian_started(); }
  void guardian_released(const Napi::CallbackInfo& info);
  Napi::Value drain(const Napi::CallbackInfo& info);
  Napi::Value expedite(const Napi::CallbackInfo& info);
  void sync(const Napi::CallbackInfo& info);
  void freeze(const Napi::CallbackInfo& info);
  void thaw(const Napi::CallbackInfo& info);
  void thaw_anyones(const Napi::CallbackInfo& info);
  void thaw_everything(const Napi::CallbackInfo&) { freezer_->thaw_everything(); }
  void restore(const Napi::CallbackInfo&) { freezer_->grace_periods().restore(); }
  void use_last_lever(const Napi::CallbackInfo& info);
  Napi::Value freezing_threads(const Napi::CallbackInfo& info);
  void arm(const Napi::CallbackInfo& info);
  void disarm(const Napi::CallbackInfo& info);
  void keep_alive(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info) { end(to_ns(info[0])); }

  Napi::Env env_;
  Doorbell doorbell_;
  std::shared_ptr<Freezer> freezer_;
  Napi::Reference<Napi::BigInt64Array> records_;
  bool ended_ = false;
};

Napi::Function FreezerObject::define(Napi::Env env) {
  return DefineClass(env, "Freezer",
                     {InstanceMethod<&FreezerObject::descriptors>("descriptors"),
                      InstanceMethod<&FreezerObject::keep_ledger>("keepLedger"),
                      InstanceMethod<&FreezerObject::watch_guardian>("watchGuardian"),
                      InstanceMethod<&FreezerObject::guardian_started>("guardianStarted"),
                      InstanceMethod<&FreezerObject::guardian_released>("guardianReleased"),
                      InstanceMethod<&FreezerObject::drain>("drain"),
                      InstanceMethod<&FreezerObject::sync>("syncfs"),
                      InstanceMethod<&FreezerObject::freeze>("freeze"),
                      InstanceMethod<&FreezerObject::thaw>("thaw"),
                      InstanceMethod<&FreezerObject::thaw_anyones>("forceThaw"),
                      InstanceMethod<&FreezerObject::thaw_everything>("thawEverything"),
                      InstanceMethod<&FreezerObject::expedite>("expedite"),
                      InstanceMethod<&FreezerObject::restore>("restoreGracePeriods"),
                      InstanceMethod<&FreezerObject::use_last_lever>("useLastLever"),
                      InstanceMethod<&FreezerObject::freezing_threads>("freezingThreads"),
                      InstanceMethod<&FreezerObject::arm>("arm"),
                      InstanceMethod<&FreezerObject::disarm>("disarm"),
                      InstanceMethod<&FreezerObject::keep_alive>("keepAlive"),
                      InstanceMethod<&FreezerObject::close>("close")});
}

FreezerObject::FreezerObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<FreezerObject>(info), env_(info.Env()), doorbell_(nullptr) {
  const auto mount_points = to_strings(info[0].As<Napi::Array>());
  const int ledger_directory = info[3].As<Napi::Number>();
  records_ = Napi::Persistent(info[2].As<Napi::BigInt64Array>());
  doorbell_ = Doorbell::New(env_, info[1].As<Napi::Function>(), "flashfreeze", 0, 1);
  try {
    freezer_ = guarded(env_, [&] {
      return Freezer::open(mount_points, ledger_directory,
                           [bell = doorbell_] { bell.NonBlockingCall(); });
    });
  } catch (const Napi::Error&) {
    ended_ = true;
    doorbell_.Release();
    throw;
  }
  doorbell_.Unref(env_);
  // After the doorbell: hooks run in reverse order, and the bell's thread must end before the doorbell does.
  napi_add_env_cleanup_hook(env_, clean_up, this);
}

void FreezerObject::end(uint64_t wait_ns) {
  if (ended_) return;
  ended_ = true;
  napi_remove_env_cleanup_hook(env_, clean_up, this);
  freezer_->close(wait_ns);
  doorbell_.Abort();  // events that JavaScript has not drained yet are dropped
}

/** { ledger, gracePeriods (-1: none), lifeline, mountPoints } */
Napi::Value FreezerObject::descriptors(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto mount_points = Napi::Array::New(env, freezer_->size());
  for (uint32_t i = 0; i < freezer_->size(); ++i) mount_points.Set(i, freezer_->mount_point(i));
  auto all = Napi::Object::New(env);
  all.Set("ledger", Napi::Number::New(env, freezer_->ledger().descriptor()));
  all.Set("gracePeriods", Napi::Number::New(env, freezer_->grace_periods().descriptor()));
  all.Set("lifeline", Napi::Number::New(env, guarded(env, lifeline)));
  all.Set("mountPoints", mount_points);
  return all;
}

/** keepLedger(directory: number, name: string) */
void FreezerObject::keep_ledger(const Napi::CallbackInfo& info) {
  const int directory = info[0].As<Napi::Number>();
  const std::string name = info[1].As<Napi::String>();
  guarded(info.Env(), [&] { freezer_->ledger().keep(directory, name); });
}

Napi::Value FreezerObject::watch_guardian(const Napi::CallbackInfo& info) {
  const int fd = guarded(info.Env(), [&] { return freezer_->watch_guardian(); });
  return Napi::Number::New(info.Env(), fd);
}

void FreezerObject::guardian_released(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { freezer_->guardian_released(); });
}

Napi::Value FreezerObject::drain(const Napi::CallbackInfo& info) {
  Napi::BigInt64Array records = records_.Value();
  const auto& events = freezer_->completions().drain();
  if (records.ElementLength() < events.size() * kRecordFields) {
    throw Napi::RangeError::New(info.Env(), "array of records is too short");
  }
  int64_t* field = records.Data();
  for (const Event& event : events) {
    *field++ = static_cast<int64_t>(event.kind);
    *field++ = event.file_system;
    *field++ = event.error;
    *field++ = event.was_frozen ? 1 : 0;
    *field++ = static_cast<int64_t>(event.stamps.start_ns);
    *field++ = static_cast<int64_t>(event.stamps.end_ns);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(events.size()));
}

Napi::Value FreezerObject::expedite(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), freezer_->grace_periods().expedite());
}

void FreezerObject::sync(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { freezer_->sync(to_indexes(info)); });
}

void FreezerObject::freeze(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { freezer_->freeze(to_indexes(info)); });
}

void FreezerObject::thaw_anyones(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { freezer_->thaw_anyones(to_indexes(info)); });
}

void FreezerObject::thaw(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { freezer_->thaw(to_indexes(info)); });
}

/** useLastLever(lever: LastLever): pulled whenever a freeze is aborted. */
void FreezerObject::use_last_lever(const Napi::CallbackInfo& info) {
  const auto lever = LastLeverObject::Unwrap(info[0].As<Napi::Object>())->lever();
  freezer_->on_break_off([lever] { lever->pull(); });
}

/** freezingThreads(): number[] — for each file system, the thread that calls FIFREEZE */
Napi::Value FreezerObject::freezing_threads(const Napi::CallbackInfo& info) {
  auto threads = Napi::Array::New(info.Env(), freezer_->size());
  for (uint32_t i = 0; i < freezer_->size(); ++i) {
    threads.Set(i, freezer_->ledger().entry(i).freezing_thread.load());
  }
  return threads;
}

void FreezerObject::arm(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { freezer_->arm(to_ns(info[0])); });
}

void FreezerObject::disarm(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] { freezer_->disarm(); });
}

/** keepAlive(wanted: boolean): whether this freezer keeps the event loop alive. */
void FreezerObject::keep_alive(const Napi::CallbackInfo& info) {
  if (ended_) return;
  if (info[0].As<Napi::Boolean>().Value()) {
    doorbell_.Ref(info.Env());
  } else {
    doorbell_.Unref(info.Env());
  }
}

struct flock whole_file() {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

/** tryLock(descriptor: number): number — F_SETLK for writing, on the whole file; 0, or the errno */
Napi::Value try_lock(const Napi::CallbackInfo& info) {
  struct flock range = whole_file();
  const int result = fcntl(info[0].As<Napi::Number>().Int32Value(), F_SETLK, &range);
  return Napi::Number::New(info.Env(), result == 0 ? 0 : errno);
}

/** sendDatagram(path: string, content: Uint8Array): number — to a UNIX socket, without waiting; 0, or the errno */
Napi::Value send_datagram_to(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const auto content = info[1].As<Napi::Uint8Array>();
  return Napi::Number::New(info.Env(),
                           send_datagram(path, content.Data(), content.ByteLength()));
}

/** lockHolder(descriptor: number): number — the process that holds the lock of tryLock(); 0 if unknown or none */
Napi::Value lock_holder(const Napi::CallbackInfo& info) {
  struct flock range = whole_file();
  const int result = fcntl(info[0].As<Napi::Number>().Int32Value(), F_GETLK, &range);
  return Napi::Number::New(info.Env(), result == 0 && range.l_type != F_UNLCK ? range.l_pid : 0);
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  forbid_core_dump();
  exports.Set("Freezer", FreezerObject::define(env));
  exports.Set("LastLever", LastLeverObject::define(env));
  exports.Set("tryPermissionGroup", Napi::Function::New(env, try_permission_group));
  exports.Set("tryLock", Napi::Function::New(env, try_lock));
  exports.Set("sendDatagram", Napi::Function::New(env, send_datagram_to));
  exports.Set("lockHolder", Napi::Function::New(env, lock_holder));
  exports.Set("kernelClock", Napi::Function::New(env, kernel_clock));
  exports.Set("readNumbers", Napi::Function::New(env, read_numbers));
  exports.Set("btrfsScrubs", Napi::Function::New(env, btrfs_scrubs));
  exports.Set("openMountPoints", Napi::Function::New(env, open_mount_points));
  return exports;
}

}  // namespace
}  // namespace flashfreeze

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  return flashfreeze::initialize(env, exports);
}
NODE_API_MODULE(flashfreeze, initialize)
