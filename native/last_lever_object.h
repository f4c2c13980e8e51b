#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "fanotify_lever.h"

namespace flashfreeze {

/** new LastLever(ledger: number, action: number, daemons: {pid, descriptor}[], graceMs, limitMs) */
class LastLeverObject : public Napi::ObjectWrap<LastLeverObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit LastLeverObject(const Napi::CallbackInfo& info);
  ~LastLeverObject() override { end(); }

  std::shared_ptr<FanotifyLever> lever() const { return lever_; }

 private:
  static void clean_up(void* self) { static_cast<LastLeverObject*>(self)->end(); }
  void end();

  std::vector<FanotifyLever::Daemon> daemons_of(const Napi::Array& array, LeverAction action);
  /** (): number[] — for each daemon the errno of the duplication, 0 where it succeeded */
  Napi::Value errors(const Napi::CallbackInfo& info);
  /** (): { answered: number, killed: number[] } — so far */
  Napi::Value outcome(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo&) { end(); }

  Napi::Env env_;
  std::shared_ptr<FanotifyLever> lever_;
  std::vector<int> errors_;
  bool ended_ = false;
};

}  // namespace flashfreeze
