#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "futex.h"

namespace flashfreeze {

/**
 * One wait on a native thread that ends by calling a JavaScript function once. When the environment
 * ends first, the wait is cancelled and its thread awaited, because it must not touch the
 * environment any more.
 */
class PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  using Finish = std::function<void(Napi::Env, Napi::Function)>;

  static std::shared_ptr<PendingCall> start(Napi::Env env, Napi::Function callback) {
    return std::shared_ptr<PendingCall>(new PendingCall(env, callback));
  }

  /** Runs `begin_wait`, which starts the thread; takes itself back where that throws. */
  template <typename BeginWait>
  auto begin(BeginWait begin_wait) {
    try {
      return begin_wait();
    } catch (...) {
      function_.Release();
      throw;
    }
  }

  /** JavaScript's thread, once, right after begin(). */
  void on_clean_up(std::function<void()> cancel) {
    cancel_ = std::move(cancel);
    self_ = shared_from_this();
    napi_add_env_cleanup_hook(env_, clean_up, this);
  }

  /** The native thread, once. */
  void finish(Finish finish) {
    function_.BlockingCall([call = shared_from_this(), finish](Napi::Env env,
                                                               Napi::Function callback) {
      call->forget();
      finish(env, callback);
    });
    function_.Release();
    finished_.store(1);
    futex_wake_all(finished_);
  }

 private:
  PendingCall(Napi::Env env, Napi::Function callback)
      : env_(env), function_(Napi::ThreadSafeFunction::New(env, callback, "flashfreeze", 0, 1)) {}

  static void clean_up(void* data) {
    const auto call = static_cast<PendingCall*>(data)->self_;
    call->cancel_();
    while (call->finished_.load() == 0) futex_wait(call->finished_, 0);
    call->self_.reset();
  }

  void forget() {
    napi_remove_env_cleanup_hook(env_, clean_up, this);
    cancel_ = nullptr;
    self_.reset();
  }

  napi_env env_;
  Napi::ThreadSafeFunction function_;
  std::function<void()> cancel_;
  std::shared_ptr<PendingCall> self_;  // while the clean-up hook is registered
  FutexWord finished_{0};
};

}  // namespace flashfreeze
