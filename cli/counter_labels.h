#pragma once

#include <string_view>

// What `show stats` calls a counter (reference, section 9.1). The services name counters as the documented monitor
// does; netsh has shorter words. A counter that is not documented keeps its text. Pure.
namespace ipsec::cli {

std::string_view ike_counter_label(std::string_view monitor_text);
std::string_view driver_counter_label(std::string_view monitor_text);

}  // namespace ipsec::cli
