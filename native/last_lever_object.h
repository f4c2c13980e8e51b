#pragma once

#include <napi.h>

#include <memory>

#include "fanotify_lever.h"

namespace flashfreeze {

/** new LastLever(ledger: number, action: number, graceMs: number, limitMs: number) */
class LastLeverObject : public Napi::ObjectWrap<LastLeverObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit LastLeverObject(const Napi::CallbackInfo& info);
  ~LastLeverObject() override { end(); }

  std::shared_ptr<FanotifyLever> lever() const { return lever_; }

 private:
  static void clean_up(void* self) { static_cast<LastLeverObject*>(self)->end(); }
  void end();

  /** (): { answered: number, killed: number[] } — so far */
  Napi::Value outcome(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo&) { end(); }

  Napi::Env env_;
  std::shared_ptr<FanotifyLever> lever_;
  bool ended_ = false;
};

/** tryPermissionGroup(pid: number, descriptor: number): duplicates it and closes the duplicate; returns 0 or an errno */
Napi::Value try_permission_group(const Napi::CallbackInfo& info);

}  // namespace flashfreeze
