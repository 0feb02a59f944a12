#pragma once

#include "store/model.h"
#include "store/reporter.h"

namespace ipsec::store {

void check_filter(const Reporter& report, const Filter& filter);

}  // namespace ipsec::store
