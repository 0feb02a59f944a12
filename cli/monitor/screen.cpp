#include "cli/monitor/screen.h"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <ctime>

#include <ncurses.h>
#include <unistd.h>

#include "cli/monitor/render.h"
#include "cli/monitor/sampler.h"

namespace ipsec::cli::monitor {

namespace {

constexpr int kTitlePair = 1;
constexpr int kWarningPair = 2;
constexpr std::size_t kPage = 10;

Timestamp monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}

class Terminal {
 public:
  Terminal() {
    std::setlocale(LC_ALL, "");
    initscr();
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    if (!has_colors()) return;
    start_color();
    use_default_colors();
    init_pair(kTitlePair, COLOR_WHITE, COLOR_BLUE);
    init_pair(kWarningPair, COLOR_YELLOW, -1);
  }
  ~Terminal() { endwin(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void draw(const std::vector<Line>& lines) {
    erase();
    for (std::size_t row = 0; row < lines.size(); ++row) {
      const Line& line = lines[row];
      attrset(attributes(line.style));
      move(static_cast<int>(row), 0);
      if (line.style == Style::kTitle) chgat(-1, attributes(line.style), has_colors() ? kTitlePair : 0, nullptr);
      addstr(line.text.c_str());
    }
    refresh();
  }

 private:
  static attr_t attributes(Style style) {
    if (style == Style::kTitle) return has_colors() ? static_cast<attr_t>(COLOR_PAIR(kTitlePair)) : A_REVERSE;
    if (style == Style::kWarning) return has_colors() ? static_cast<attr_t>(COLOR_PAIR(kWarningPair)) : A_BOLD;
    return style == Style::kHeading ? A_BOLD : A_NORMAL;
  }
};

void switch_view(Screen& screen, View view) {
  screen.view = view;
  screen.scroll = 0;
}

void scroll_by(Screen& screen, const Model& model, std::ptrdiff_t lines) {
  const auto most = static_cast<std::ptrdiff_t>(body_size(model, screen));
  const std::ptrdiff_t wanted = static_cast<std::ptrdiff_t>(screen.scroll) + lines;
  screen.scroll = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(wanted, 0, std::max<std::ptrdiff_t>(most, 0)));
}

// False if the key ends the monitor.
bool handle_key(int key, Screen& screen, const Model& model) {
  for (const ViewRow& row : views()) {
    if (key == row.key) switch_view(screen, row.view);
  }
  const auto count = views().size();
  const auto index = static_cast<std::size_t>(screen.view);
  if (key == '\t' || key == KEY_RIGHT) switch_view(screen, views()[(index + 1) % count].view);
  if (key == KEY_LEFT || key == KEY_BTAB) switch_view(screen, views()[(index + count - 1) % count].view);
  if (key == KEY_DOWN) scroll_by(screen, model, 1);
  if (key == KEY_UP) scroll_by(screen, model, -1);
  if (key == KEY_NPAGE || key == ' ') scroll_by(screen, model, kPage);
  if (key == KEY_PPAGE) scroll_by(screen, model, -static_cast<std::ptrdiff_t>(kPage));
  if (key == 'p' || key == 'P') screen.is_paused = !screen.is_paused;
  return key != 'q' && key != 'Q';
}

}  // namespace

Status run_screen(Agent& agent, int interval_ms) {
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
    return unavailable("the live screen needs a terminal; use --once or --json");
  }
  if (std::getenv("TERM") == nullptr) return unavailable("TERM is not set; use --once or --json");
  Terminal terminal;
  Model model;
  Screen screen;
  Timestamp next;
  while (true) {
    const Timestamp now = monotonic_now();
    if (!screen.is_paused && now >= next) {
      model.update(take_sample(agent, now, std::time(nullptr)));
      next = monotonic_now() + std::chrono::milliseconds(interval_ms);
    }
    screen.height = static_cast<std::size_t>(std::max(LINES, 4));
    screen.width = static_cast<std::size_t>(std::max(COLS, 20));
    terminal.draw(render(model, screen));
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - monotonic_now()).count();
    timeout(screen.is_paused ? -1 : static_cast<int>(std::max<std::int64_t>(left, 1)));
    const int key = getch();
    if (key != ERR && !handle_key(key, screen, model)) return {};
  }
}

}  // namespace ipsec::cli::monitor
