#include "mount_opener_call.h"

#include <utility>

#include "arguments.h"
#include "mount_opener.h"
#include "system_error.h"

namespace flashfreeze {
namespace {

/** Runs on a thread of Node's pool; the end of the process waits for it, at most twice the limit. */
class Opening : public Napi::AsyncWorker {
 public:
  Opening(Napi::Function done, std::vector<std::string> paths, uint64_t limit_ns)
      : Napi::AsyncWorker(done, "flashfreeze"), opener_(std::move(paths), limit_ns) {}

 private:
  void Execute() override { opened_ = opener_.open(); }

  void OnOK() override {
    auto descriptors = Napi::Array::New(Env(), opened_.size());
    auto errors = Napi::Array::New(Env(), opened_.size());
    for (uint32_t i = 0; i < opened_.size(); ++i) {
      descriptors.Set(i, opened_[i].descriptor.release());
      errors.Set(i, opened_[i].error);
    }
    Callback().Call({descriptors, errors});
  }

  MountOpener opener_;
  std::vector<OpenedMountPoint> opened_;
};

}  // namespace

Napi::Value open_mount_points(const Napi::CallbackInfo& info) {
  auto* opening = new Opening(info[2].As<Napi::Function>(), to_strings(info[0].As<Napi::Array>()),
                              to_ns(info[1]));
  opening->Queue();  // deletes itself at its end
  return info.Env().Undefined();
}

}  // namespace flashfreeze
