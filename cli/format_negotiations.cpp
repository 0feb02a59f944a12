#include <algorithm>
#include <utility>
#include <vector>

#include "cli/format.h"
#include "cli/text.h"

// Failed negotiations: what each side wanted, and what would mend it.
namespace ipsec::cli {

namespace {

// Behind a cell that differs, so that it shows without colours, too.
constexpr std::string_view kDiffers = " *";

std::string_view mode_text(proto::FailedNegotiation::Mode mode) {
  return mode == proto::FailedNegotiation::MODE_MAIN ? "Main mode" : "Quick mode";
}

std::string_view side_text(proto::Side side) {
  switch (side) {
    case proto::SIDE_THIS_HOST:
      return "this host";
    case proto::SIDE_PEER:
      return "the peer";
    default:
      return "nobody";
  }
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& texts, std::string_view separator) {
  std::string all;
  for (const std::string& text : texts) all += fmt::format("{}{}", all.empty() ? "" : separator, harmless(text));
  return all;
}

std::string title(const proto::FailedNegotiation& failed) {
  const std::string times = failed.times() > 1 ? fmt::format(", {} times", failed.times()) : "";
  return fmt::format("{} begun by {}, {} ago{}", mode_text(failed.mode()),
                     failed.initiator() ? "this host" : "the peer", duration(failed.age_seconds()), times);
}

// "by the peer, of main mode message 1: NO-PROPOSAL-CHOSEN (not authenticated)"
std::string refusal_text(const proto::Explanation& explanation) {
  const bool silent = explanation.refused_by() == proto::SIDE_UNSPECIFIED;
  std::string text = silent ? "by nobody" : fmt::format("by {}", side_text(explanation.refused_by()));
  if (!explanation.at().empty())
    text += fmt::format(", {}{}", harmless(explanation.at()), silent ? " did not come" : "");
  if (!explanation.notify().empty()) text += fmt::format(", {}", harmless(explanation.notify()));
  return text;
}

std::string windows_text(const proto::FailedNegotiation& failed) {
  if (failed.windows_event() == 0) return "none";
  const std::string status = failed.windows_status() == 0 ? "" : fmt::format(", status {}", failed.windows_status());
  return fmt::format("{} (2003: {}){}", failed.windows_event(), failed.windows_event_2003(), status);
}

// ---- offers -------------------------------------------------------------------------------------------------------

void add_rows(const google::protobuf::RepeatedPtrField<proto::OfferRow>& rows, std::string_view side, bool all,
              Table& table) {
  for (const proto::OfferRow& row : rows) {
    if (!all && !row.closest()) continue;
    std::vector<std::string> cells = {fmt::format("{} {}{}", side, row.offer(), all && row.closest() ? " <" : "")};
    for (const proto::OfferCell& cell : row.cells())
      cells.push_back(harmless(cell.text()) + std::string(cell.differs() ? kDiffers : ""));
    table.add(std::move(cells));
  }
}

bool has_closest(const proto::OfferTable& offers) {
  const auto is_closest = [](const proto::OfferRow& row) { return row.closest(); };
  return std::any_of(offers.offered().begin(), offers.offered().end(), is_closest);
}

std::string more_text(std::uint32_t more, std::string_view side) {
  return more == 0 ? "" : fmt::format("  and {} more {}\n", more, side);
}

std::string offers_text(const proto::Explanation& explanation, const ShowOptions& options) {
  const proto::OfferTable& offers = explanation.offers();
  if (offers.columns().empty()) return "";
  const bool all = options.verbose || !has_closest(offers);
  std::vector<std::string> header = {"Offer"};
  for (const std::string& column : offers.columns()) header.push_back(harmless(column));
  Table table(std::move(header));
  add_rows(offers.offered(), "offered", all, table);
  add_rows(offers.configured(), "configured", all, table);
  std::string text = "\n" + table.to_string(0);
  if (!offers.configured().empty()) {
    text += fmt::format("{}*: differs from the nearest offer of the other side.{}\n",
                        options.verbose ? "<: the closest pair. " : "",
                        options.verbose ? "" : " level=verbose shows every offer.");
  } else {
    text += "What the peer has configured is not known here.\n";
  }
  return text + more_text(offers.more_offered(), "offered") + more_text(offers.more_configured(), "configured");
}

// ---- traffic ------------------------------------------------------------------------------------------------------

// Two sets of numbers or addresses, drawn over one scale that keeps order and not distance.
template <typename Value>
struct Interval {
  Value first;
  Value last;
};

template <typename Value>
class Scale {
 public:
  void add(const Interval<Value>& interval) {
    add(interval.first, false);
    add(interval.last, true);
  }
  std::string draw(const Interval<Value>& interval) const {
    constexpr std::size_t kStep = 6;
    std::string line(kStep * 3 + 1, ' ');
    const std::size_t begin = place(interval.first, false) * kStep;
    const std::size_t end = place(interval.last, true) * kStep;
    std::fill(line.begin() + static_cast<std::ptrdiff_t>(begin), line.begin() + static_cast<std::ptrdiff_t>(end), '=');
    line[begin] = '[';
    line[end] = ']';
    return line;
  }

 private:
  // Inclusive ends lie behind beginnings of the same value.
  using Mark = std::pair<Value, bool>;
  void add(const Value& value, bool is_end) {
    const Mark mark{value, is_end};
    const auto at = std::lower_bound(marks_.begin(), marks_.end(), mark);
    if (at == marks_.end() || *at != mark) marks_.insert(at, mark);
  }
  std::size_t place(const Value& value, bool is_end) const {
    const auto at = std::lower_bound(marks_.begin(), marks_.end(), Mark{value, is_end});
    return static_cast<std::size_t>(at - marks_.begin());
  }
  std::vector<Mark> marks_;
};

struct Drawn {
  std::string_view set;
  std::string picture;
  std::string text;
};

template <typename Value>
std::string dimension(std::string_view name, const Interval<Value>& asked, const std::string& asked_text,
                      const Interval<Value>& configured, const std::string& configured_text,
                      const std::string& overlap_text) {
  Scale<Value> scale;
  scale.add(asked);
  scale.add(configured);
  const bool meet = asked.first <= configured.last && configured.first <= asked.last;
  const Interval<Value> overlap{std::max(asked.first, configured.first), std::min(asked.last, configured.last)};
  std::string text = fmt::format("  {}\n", name);
  for (const Drawn& drawn :
       {Drawn{"asked", scale.draw(asked), asked_text}, Drawn{"configured", scale.draw(configured), configured_text},
        Drawn{"overlap", meet ? scale.draw(overlap) : "none", meet ? overlap_text : ""}}) {
    text += fmt::format("    {:<10}  {:<19}  {}", drawn.set, drawn.picture, drawn.text);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

std::string addresses(std::string_view name, const AddressRange& asked, const AddressRange& configured) {
  const auto overlap = intersection(asked, configured);
  return dimension<IpAddress>(name, {asked.first, asked.last}, asked.to_string(), {configured.first, configured.last},
                              configured.to_string(), overlap ? overlap->to_string() : "");
}

std::string ports(std::string_view name, const PortRange& asked, const PortRange& configured) {
  const PortRange overlap{std::max(asked.first, configured.first), std::min(asked.last, configured.last)};
  return dimension<std::uint16_t>(name, {asked.first, asked.last}, asked.to_string(),
                                  {configured.first, configured.last}, configured.to_string(), overlap.to_string());
}

Interval<int> protocols(std::uint8_t protocol) {
  return protocol == kProtocolAny ? Interval<int>{0, 256} : Interval<int>{protocol, protocol};
}

std::string traffic_text(const proto::Explanation& explanation) {
  if (!explanation.has_traffic()) return "";
  const auto asked = rpc::from_proto(explanation.traffic().asked(), "asked");
  const auto configured = rpc::from_proto(explanation.traffic().configured(), "configured");
  if (!asked.ok() || !configured.ok()) return "";
  std::string text = "\nTraffic, as packets from this host to the peer:\n";
  text += addresses("Source address", asked->source, configured->source);
  text += addresses("Destination address", asked->destination, configured->destination);
  const std::uint8_t common = asked->protocol == kProtocolAny ? configured->protocol : asked->protocol;
  text += dimension<int>("Protocol", protocols(asked->protocol), protocol_name(asked->protocol),
                         protocols(configured->protocol), protocol_name(configured->protocol), protocol_name(common));
  text += ports("Source port", asked->source_port, configured->source_port);
  text += ports("Destination port", asked->destination_port, configured->destination_port);
  if (!explanation.traffic().has_overlap()) text += "  The two have no packet in common.\n";
  return text;
}

// ---- what to do -----------------------------------------------------------------------------------------------------

std::string remedy_text(const proto::Remedy& remedy) {
  std::string text = fmt::format("  on {}: {}{}\n", side_text(remedy.side()), joined(remedy.fields(), ", "),
                                 remedy.weak() ? " (allows a weak algorithm: rather change the other side)" : "");
  if (remedy.commands().empty()) text += "    (netsh has no single command for it)\n";
  for (const std::string& command : remedy.commands()) text += fmt::format("    {}\n", harmless(command));
  return text;
}

std::string remedies_text(const proto::Explanation& explanation) {
  if (explanation.remedies().empty()) return "";
  std::string text = "\nThe smallest change, on one side:\n";
  // Where there are keys, both sides need theirs.
  const auto needs_key = [](const proto::Remedy& one) { return one.authentication() == "preshared key"; };
  if (std::count_if(explanation.remedies().begin(), explanation.remedies().end(), needs_key) > 1)
    text = "\nThe same key on both sides:\n";
  for (const proto::Remedy& remedy : explanation.remedies()) text += remedy_text(remedy);
  if (explanation.unproven() && !explanation.offers().configured().empty())
    text += "  What the peer wants is not authenticated: anybody could have said it in its name.\n";
  return text;
}

std::string list_text(std::string_view heading, const google::protobuf::RepeatedPtrField<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = fmt::format("\n{}\n", heading);
  for (const std::string& line : lines) text += fmt::format("  - {}\n", harmless(line));
  return text;
}

std::string format_negotiation(const proto::FailedNegotiation& failed, const ShowOptions& options) {
  const proto::Explanation& explanation = failed.explanation();
  std::string text = title(failed) + "\n";
  text += field("Me", endpoint_text(failed.local(), options)) + field("Peer", endpoint_text(failed.peer(), options)) +
          field("Reason", harmless(failed.reason())) + field("Refused", refusal_text(explanation)) +
          field("Rule Name", harmless(failed.rule_name())) + field("Policy Name", harmless(failed.policy_name()));
  if (!failed.filter().empty()) text += field("Filter", harmless(failed.filter()));
  text += field("Windows Event", windows_text(failed));
  if (options.verbose) text += field("Text", harmless(failed.text()));
  return text + offers_text(explanation, options) + traffic_text(explanation) + remedies_text(explanation) +
         list_text("What was seen:", explanation.facts()) + list_text("What to check:", explanation.checks());
}

}  // namespace

std::string format_negotiations(const proto::ListFailedNegotiationsReply& reply, const ShowOptions& options) {
  if (reply.negotiations().empty()) return "No negotiation has failed.\n";
  std::string text = "Failed Negotiations, newest first\n---------------------------------\n";
  for (const proto::FailedNegotiation& failed : reply.negotiations())
    text += "\n" + format_negotiation(failed, options);
  return text;
}

}  // namespace ipsec::cli
