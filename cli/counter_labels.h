#pragma once

#include <string_view>

#include "proto/common.pb.h"
#include "services/common/rpc/convert.h"

// What `show stats` calls a counter (reference, section 9.1), found by the counter's stable name. The text of a counter
// is what the documented monitor calls it; netsh has shorter words. A counter that is not documented keeps its text.
// Pure; the result borrows from the counter.
namespace ipsec::cli {

std::string_view ike_counter_label(const proto::Counter& counter);
std::string_view driver_counter_label(const proto::Counter& counter);

}  // namespace ipsec::cli
