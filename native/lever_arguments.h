#pragma once

#include <memory>

#include "fanotify_lever.h"

namespace flashfreeze {

/**
 * The last lever as the guardian's arguments order it: the number of a LeverAction, then for every
 * permission daemon `<pid>:<its fanotify descriptor>`. Null without arguments. A daemon that is gone
 * meanwhile is left out. `ledger` is duplicated. Throws SystemError.
 */
std::shared_ptr<FanotifyLever> lever_from_arguments(int argc, char** argv, int ledger);

}  // namespace flashfreeze
