#include "last_lever_object.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "js_errors.h"
#include "permission_group.h"

namespace flashfreeze {
namespace {

uint64_t to_ns(const Napi::Value& milliseconds) {
  return static_cast<uint64_t>(milliseconds.As<Napi::Number>().Int64Value()) * 1'000'000;
}

Ledger map_ledger(int fd) {
  Descriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw SystemError(errno, "fcntl");
  Ledger ledger = Ledger::open(std::move(copy));
  ledger.close_descriptor();
  return ledger;
}

}  // namespace

Napi::Function LastLeverObject::define(Napi::Env env) {
  return DefineClass(env, "LastLever",
                     {InstanceMethod<&LastLeverObject::errors>("errors"),
                      InstanceMethod<&LastLeverObject::outcome>("outcome"),
                      InstanceMethod<&LastLeverObject::close>("close")});
}

LastLeverObject::LastLeverObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<LastLeverObject>(info), env_(info.Env()) {
  const int ledger = info[0].As<Napi::Number>();
  const auto action = static_cast<LeverAction>(info[1].As<Napi::Number>().Uint32Value());
  const FanotifyLever::Times times{to_ns(info[3]), to_ns(info[4])};
  auto daemons = daemons_of(info[2].As<Napi::Array>(), action);
  lever_ = guarded(env_, [&] {
    return FanotifyLever::create(action, std::move(daemons), times, map_ledger(ledger));
  });
  napi_add_env_cleanup_hook(env_, clean_up, this);
}

std::vector<FanotifyLever::Daemon> LastLeverObject::daemons_of(const Napi::Array& array,
                                                               LeverAction action) {
  std::vector<FanotifyLever::Daemon> daemons;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto daemon = array.Get(i).As<Napi::Object>();
    const pid_t pid = daemon.Get("pid").As<Napi::Number>();
    const int fd = daemon.Get("descriptor").As<Napi::Number>();
    errors_.push_back(0);
    try {
      const bool answers = action != LeverAction::kKill;
      daemons.push_back({pid, answers ? duplicate_permission_group(pid, fd) : Descriptor()});
    } catch (const SystemError& failure) {
      errors_.back() = failure.error();
    }
  }
  return daemons;
}

void LastLeverObject::end() {
  if (ended_ || !lever_) return;
  ended_ = true;
  napi_remove_env_cleanup_hook(env_, clean_up, this);
  lever_->close();
}

Napi::Value LastLeverObject::errors(const Napi::CallbackInfo& info) {
  auto all = Napi::Array::New(info.Env(), errors_.size());
  for (uint32_t i = 0; i < errors_.size(); ++i) all.Set(i, errors_[i]);
  return all;
}

Napi::Value LastLeverObject::outcome(const Napi::CallbackInfo& info) {
  const std::vector<pid_t> pids = lever_->killed();
  auto killed = Napi::Array::New(info.Env(), pids.size());
  for (uint32_t i = 0; i < pids.size(); ++i) killed.Set(i, pids[i]);
  auto outcome = Napi::Object::New(info.Env());
  outcome.Set("answered", lever_->answered());
  outcome.Set("killed", killed);
  return outcome;
}

}  // namespace flashfreeze
