#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/monitor/model.h"

// The monitor's screen as lines of text; nothing here knows a terminal. Pure.
namespace ipsec::cli::monitor {

enum class View : std::uint8_t { kOverview, kMainMode, kQuickMode, kDrops, kStatistics, kEvents };

struct ViewRow {
  View view;
  char key;
  std::string_view name;
};
// In the order of their keys.
std::span<const ViewRow> views();

enum class Style : std::uint8_t { kPlain, kTitle, kHeading, kWarning };

struct Line {
  std::string text;  // no wider than the screen
  Style style = Style::kPlain;
};

struct Screen {
  View view = View::kOverview;
  std::size_t width = 80;
  std::size_t height = 24;
  std::size_t scroll = 0;  // lines of the view's body above the window
  bool is_paused = false;
};

// Exactly `height` lines (at least 4): title, body, keys. A `scroll` beyond the end shows the last page.
std::vector<Line> render(const Model& model, const Screen& screen);

// Lines that the body of the view has altogether, for scrolling.
std::size_t body_size(const Model& model, const Screen& screen);

// The whole overview and every view's body as plain text, for --once.
std::string render_plain(const Model& model, std::size_t width);

// {"schema": "policyagent-monitor/1", ...}: the same for programs, one object.
std::string render_json(const Model& model);

}  // namespace ipsec::cli::monitor
