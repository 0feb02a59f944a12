#include "cli/monitor/render.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/format.h"
#include "cli/show_json.h"
#include "cli/text.h"

namespace ipsec::cli::monitor {

namespace {

constexpr ViewRow kViews[] = {
    {View::kOverview, '1', "Overview"}, {View::kMainMode, '2', "Main mode"}, {View::kQuickMode, '3', "Quick mode"},
    {View::kDrops, '4', "Drops"},       {View::kStatistics, '5', "Stats"},   {View::kEvents, '6', "Events"},
};

// Title and keys.
constexpr std::size_t kFrameLines = 2;
constexpr int kOverviewEvents = 6;

std::string rate_text(const std::optional<double>& per_second) {
  return per_second ? byte_count(static_cast<std::uint64_t>(*per_second)) + "/s" : "-";
}

std::string count_rate(const std::optional<double>& per_second) {
  return per_second ? fmt::format("{:.1f}/s", *per_second) : "-";
}

// Columns of a body: widths are what 80 columns allow; the last takes what is left.
struct Column {
  std::string_view name;
  std::size_t width;
};

std::string row_text(std::span<const Column> columns, const std::vector<std::string>& cells) {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = harmless(cells[i]);
    text += i + 1 < cells.size() ? padded(cut(cell, columns[i].width), columns[i].width) + " " : cell;
  }
  return text;
}

Line heading(std::span<const Column> columns) {
  std::vector<std::string> cells;
  for (const Column& column : columns) cells.emplace_back(column.name);
  return {row_text(columns, cells), Style::kHeading};
}

std::string selector_side(const proto::AddressRange& range, const proto::PortRange* ports) {
  const auto value = rpc::from_proto(range, "");
  if (!value.ok()) return "?";
  const std::string address = value->is_any() ? "any" : value->to_string();
  const std::string port = ports_text(ports);
  return port == "ANY" ? address : fmt::format("{}:{}", address, port);
}

std::vector<Line> main_mode_body(const Model& model) {
  constexpr Column kColumns[] = {{"Peer", 19}, {"State", 18}, {"Methods", 19}, {"Age", 10}, {"Auth", 0}};
  if (!model.latest().main_mode_sas) return {{"Main mode SAs are not available.", Style::kWarning}};
  if (model.latest().main_mode_sas->sas().empty()) return {{"There are no main mode SAs."}};
  std::vector<Line> lines = {heading(kColumns)};
  for (const auto& sa : model.latest().main_mode_sas->sas()) {
    const bool is_waiting = sa.state() != "established";
    lines.push_back(
        {row_text(kColumns, {address_text(sa.peer().address(), {}), sa.state(), main_mode_suite_text(sa.offer()),
                             duration(sa.age_seconds()), sa.authentication()}),
         is_waiting ? Style::kWarning : Style::kPlain});
  }
  return lines;
}

std::vector<Line> quick_mode_body(const Model& model) {
  constexpr Column kColumns[] = {{"", 3}, {"Peer traffic", 27}, {"Method", 18}, {"Age", 8}, {"Bytes", 8}, {"Rate", 0}};
  if (!model.latest().quick_mode_sas) return {{"Quick mode SAs are not available.", Style::kWarning}};
  if (model.quick_modes().empty()) return {{"There are no quick mode SAs."}};
  std::vector<Line> lines = {heading(kColumns)};
  for (const QuickModeRow& row : model.quick_modes()) {
    const proto::Sa& sa = row.sa.sa();
    const proto::Selector& selector = sa.selector();
    const bool is_inbound = sa.direction() == proto::DIRECTION_INBOUND;
    // The far side is what tells SAs apart.
    std::string far =
        is_inbound ? selector_side(selector.source(), selector.has_source_port() ? &selector.source_port() : nullptr)
                   : selector_side(selector.destination(),
                                   selector.has_destination_port() ? &selector.destination_port() : nullptr);
    if (selector.protocol() != 0) far += " " + protocol_text(selector.protocol());
    if (sa.encapsulation() == proto::ENCAPSULATION_TUNNEL) far += " tunnel";
    lines.push_back(
        {row_text(kColumns, {is_inbound ? "in" : "out", far, sa_methods_text(sa), duration(row.sa.age_seconds()),
                             byte_count(row.sa.bytes()), rate_text(row.rate.bytes)}),
         row.sa.dying() ? Style::kWarning : Style::kPlain});
  }
  return lines;
}

std::vector<Line> counter_lines(const std::vector<CounterRow>& rows, bool with_name) {
  constexpr Column kColumns[] = {{"Packets", 12}, {"Rate", 10}, {"Reason", 0}};
  constexpr Column kPlain[] = {{"Value", 20}, {"Rate", 10}, {"Counter", 0}};
  const std::span<const Column> columns = with_name ? std::span<const Column>(kColumns) : kPlain;
  std::vector<Line> lines = {heading(columns)};
  for (const CounterRow& row : rows) {
    const std::string text = with_name ? fmt::format("{}: {}", row.name, row.text) : row.text;
    lines.push_back({row_text(columns, {std::to_string(row.value), count_rate(row.per_second), text})});
  }
  return lines;
}

void append(std::vector<Line>& lines, std::vector<Line> more) {
  lines.insert(lines.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<Line> drops_body(const Model& model) {
  if (!model.latest().statistics || !model.latest().statistics->has_driver()) {
    return {{"The IPsec driver does not answer.", Style::kWarning}};
  }
  if (!model.drops_are_known()) {
    std::vector<Line> lines = {{"The driver does not say which of these are drops.", Style::kWarning}};
    append(lines, counter_lines(model.drops(), true));
    return lines;
  }
  if (model.drops().empty()) return {{"No packet was dropped."}};
  return counter_lines(model.drops(), true);
}

std::vector<Line> statistics_body(const Model& model) {
  std::vector<Line> lines = {{"IKE", Style::kHeading}};
  append(lines, counter_lines(model.ike_counters(), false));
  lines.push_back({"", Style::kPlain});
  lines.push_back({"IPsec", Style::kHeading});
  append(lines, counter_lines(model.driver_counters(), false));
  return lines;
}

std::vector<Line> event_lines(const Model& model, int newest) {
  if (!model.latest().events) return {{"Events are not available.", Style::kWarning}};
  const auto& events = model.latest().events->events();
  std::vector<Line> lines;
  // The newest first: a long list is read from the top.
  for (int i = events.size() - 1; i >= 0 && static_cast<int>(lines.size()) < newest; --i) {
    const proto::Event& event = events[i];
    const std::string time = utc_time(event.wall_clock_ms() / 1000);
    const bool is_serious = event.severity() != proto::Event::SEVERITY_INFORMATION;
    lines.push_back({fmt::format("{} {}: {}", time.size() > 19 ? time.substr(11, 8) : time, harmless(event.name()),
                                 harmless(event.text())),
                     is_serious ? Style::kWarning : Style::kPlain});
  }
  if (lines.empty()) lines.push_back({"No events."});
  return lines;
}

Line service_line(const proto::ServiceStatus& service) {
  const std::string state = service.connected()
                                ? fmt::format("process {}, policy version {}, {} restart(s)", service.pid(),
                                              service.policy_version(), service.restarts())
                                : "does not answer";
  return {fmt::format("{:<13} {}", harmless(service.name()), state),
          service.connected() ? Style::kPlain : Style::kWarning};
}

Line dropped_line(const Model& model) {
  const auto dropped = model.dropped_packets();
  if (!dropped) return {fmt::format("{:<13} not known", "Dropped"), Style::kPlain};
  return {fmt::format("{:<13} {} packets", "Dropped", *dropped), *dropped == 0 ? Style::kPlain : Style::kWarning};
}

std::vector<Line> overview_body(const Model& model) {
  const Sample& sample = model.latest();
  std::vector<Line> lines;
  for (const std::string& failure : sample.failures) lines.push_back({harmless(failure), Style::kWarning});
  if (!sample.status) return lines;
  const proto::AgentStatus& status = *sample.status;
  const std::string policy = status.policy_name().empty() ? "none assigned" : harmless(status.policy_name());
  lines.push_back(
      {fmt::format("{:<13} {} ({}, version {})", "Policy", policy, harmless(status.profile()), status.policy_version()),
       status.policy_name().empty() ? Style::kWarning : Style::kPlain});
  if (status.profile() == "windows2003") lines.push_back({"IPv6          not filtered", Style::kWarning});
  for (const auto& service : status.services()) lines.push_back(service_line(service));
  lines.push_back({fmt::format("{:<13} {}", "Packet path", status.driver_attached() ? "attached" : "not attached"),
                   status.driver_attached() ? Style::kPlain : Style::kWarning});
  const auto total = [&](proto::Direction direction) {
    const Rate rate = model.total(direction);
    return fmt::format("{} {}", rate_text(rate.bytes),
                       rate.packets ? fmt::format("{:.0f} packets/s", *rate.packets) : "");
  };
  const int main_modes = sample.main_mode_sas ? sample.main_mode_sas->sas_size() : 0;
  lines.push_back({fmt::format("{:<13} {} main mode, {} quick mode", "SAs", main_modes, model.quick_modes().size())});
  lines.push_back({fmt::format("{:<13} {}", "Secured out", total(proto::DIRECTION_OUTBOUND))});
  lines.push_back({fmt::format("{:<13} {}", "Secured in", total(proto::DIRECTION_INBOUND))});
  lines.push_back(dropped_line(model));
  lines.push_back({"", Style::kPlain});
  lines.push_back({"Newest events", Style::kHeading});
  append(lines, event_lines(model, kOverviewEvents));
  return lines;
}

std::vector<Line> body(const Model& model, View view) {
  switch (view) {
    case View::kOverview:
      return overview_body(model);
    case View::kMainMode:
      return main_mode_body(model);
    case View::kQuickMode:
      return quick_mode_body(model);
    case View::kDrops:
      return drops_body(model);
    case View::kStatistics:
      return statistics_body(model);
    case View::kEvents:
      return event_lines(model, 1000);
  }
  return {};
}

std::string_view name_of(View view) {
  for (const ViewRow& row : kViews) {
    if (row.view == view) return row.name;
  }
  return "";
}

Line title(const Model& model, const Screen& screen) {
  const std::string left =
      fmt::format(" IP Security Monitor - {}{}", name_of(screen.view), screen.is_paused ? " (paused)" : "");
  const std::string right = utc_time(model.latest().wall_clock) + " ";
  const std::size_t used = display_width(left) + display_width(right);
  return {left + std::string(screen.width > used ? screen.width - used : 1, ' ') + right, Style::kTitle};
}

Line keys(const Screen&) {
  std::string text;
  for (const ViewRow& row : kViews) text += fmt::format(" {} {}", row.key, row.name);
  return {text + "  p Pause  q Quit", Style::kTitle};
}

std::size_t window_of(const Screen& screen) { return std::max<std::size_t>(screen.height, 4) - kFrameLines; }

}  // namespace

std::span<const ViewRow> views() { return kViews; }

std::size_t body_size(const Model& model, const Screen& screen) { return body(model, screen.view).size(); }

std::vector<Line> render(const Model& model, const Screen& screen) {
  std::vector<Line> all = body(model, screen.view);
  const std::size_t window = window_of(screen);
  const std::size_t last_start = all.size() > window ? all.size() - window : 0;
  const std::size_t start = std::min(screen.scroll, last_start);
  std::vector<Line> lines = {title(model, screen)};
  for (std::size_t i = start; i < start + window; ++i) lines.push_back(i < all.size() ? std::move(all[i]) : Line{});
  lines.push_back(keys(screen));
  for (Line& line : lines) line.text = cut(line.text, screen.width);
  return lines;
}

std::string render_plain(const Model& model, std::size_t width) {
  std::string text;
  for (const ViewRow& row : kViews) {
    if (row.view == View::kEvents) continue;  // the overview has the newest
    text += fmt::format("== {} ==\n", row.name);
    for (const Line& line : body(model, row.view)) text += cut(line.text, width) + "\n";
    text += "\n";
  }
  return text;
}

std::string render_json(const Model& model) {
  using Json = nlohmann::ordered_json;
  const Sample& sample = model.latest();
  const auto part = [](const auto& message) { return message ? message_json(*message) : Json(nullptr); };
  const auto dropped = model.dropped_packets();
  Json document = {{"schema", "policyagent-monitor/1"},
                   {"time", sample.wall_clock},
                   {"failures", sample.failures},
                   {"status", part(sample.status)},
                   {"main_mode_sas", part(sample.main_mode_sas)},
                   {"quick_mode_sas", part(sample.quick_mode_sas)},
                   {"statistics", part(sample.statistics)},
                   {"dropped_packets", dropped ? Json(*dropped) : Json(nullptr)},
                   {"events", part(sample.events)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ipsec::cli::monitor
