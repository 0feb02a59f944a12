#pragma once

#include <vector>

#include "store/model.h"
#include "store/reporter.h"

namespace ipsec::store {

void check_main_mode_offers(const Reporter& report, const std::vector<MainModeOffer>& offers);
// Each offer for itself; whether there must be any is the caller's question.
void check_quick_mode_offers(const Reporter& report, const std::vector<QuickModeOffer>& offers);
void check_authentication(const Reporter& report, const std::vector<AuthenticationMethod>& methods);

}  // namespace ipsec::store
