#pragma once

#include <memory>

#include "fanotify_lever.h"

namespace flashfreeze {

/**
 * The last lever as the guardian's argument orders it: the number of a LeverAction. Null without one.
 * `ledger` is duplicated. Throws SystemError.
 */
std::shared_ptr<FanotifyLever> lever_from_arguments(int argc, char** argv, int ledger);

}  // namespace flashfreeze
