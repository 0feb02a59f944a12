#include "cli/format.h"
#include "cli/text.h"
#include "cli/words.h"

// Filter lists and filter actions.
namespace ipsec::cli {

namespace {

// One side of a written filter as its four columns.
struct Side {
  std::string address;
  std::string mask;
  std::string dns_name;
};

std::string keyword_text(const std::string& keyword) {
  if (equal_ignoring_case(keyword, "me")) return "<My IP Address>";
  if (equal_ignoring_case(keyword, "any")) return "<Any IP Address>";
  if (equal_ignoring_case(keyword, "gateway")) return "<Default Gateway>";
  std::string upper;
  for (const char c : keyword) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return fmt::format("<{} Server>", upper);
}

Side side_of_range(const proto::AddressRange& message, const ShowOptions& options) {
  const auto range = rpc::from_proto(message, "");
  if (!range.ok()) return {"NONE", "", ""};
  const auto subnet = range->as_subnet();
  if (!subnet) return {range->to_string(), "", ""};
  const std::string mask = subnet->address.is_v4()
                               ? IpAddress::last(AddressFamily::kIpv4).masked(subnet->prefix_length).to_string()
                               : std::to_string(subnet->prefix_length);
  const std::string name = options.name_of && range->is_host() ? options.name_of(range->first) : "";
  return {subnet->address.to_string(), mask, name};
}

Side side_of(const proto::StoredAddress& address, const ShowOptions& options) {
  if (address.has_range()) return side_of_range(address.range(), options);
  if (!address.has_dns_name()) return {keyword_text(address.keyword()), "", ""};
  std::string resolved;
  for (const auto& one : address.dns_name().resolved()) {
    resolved += (resolved.empty() ? "" : ", ") + address_text(one, {});
  }
  return {resolved.empty() ? "<not resolved>" : resolved, "255.255.255.255", address.dns_name().name()};
}

std::string format_filter(const proto::StoredFilter& filter, const ShowOptions& options) {
  const Side source = side_of(filter.source(), options);
  const Side destination = side_of(filter.destination(), options);
  return field("Description", filter.description()) + field("Mirrored", yes_no_text(filter.mirrored())) +
         field("Source IP Address", source.address) + field("Source Mask", source.mask) +
         field("Source DNS Name", source.dns_name) + field("Destination IP Address", destination.address) +
         field("Destination Mask", destination.mask) + field("Destination DNS Name", destination.dns_name) +
         field("Protocol", protocol_text(filter.protocol())) + field("Source Port", port_text(filter.source_port())) +
         field("Destination Port", port_text(filter.destination_port()));
}

std::string filter_table(const proto::StoredFilterList& list, const ShowOptions& options) {
  Table table({"Mirrored", "Source", "Source Mask", "Destination", "Destination Mask", "Protocol", "Source Port",
               "Destination Port", "Description"});
  for (const auto& filter : list.filters()) {
    const Side source = side_of(filter.source(), options);
    const Side destination = side_of(filter.destination(), options);
    table.add({filter.mirrored() ? "Yes" : "No", source.address, source.mask, destination.address, destination.mask,
               protocol_text(filter.protocol()), port_text(filter.source_port()), port_text(filter.destination_port()),
               filter.description()});
  }
  // A blank line after every row, and a header that ends in a line of dashes, are what programs look for.
  const std::size_t columns = options.columns();
  return table.header(columns) + table.rule(columns) + table.rows(columns, "\n");
}

std::string algorithm_or(const std::string& name, bool is_cipher) {
  if (is_cipher) {
    const auto cipher = cipher_by_name(name);
    return cipher ? algorithm_text(info(*cipher)) : name;
  }
  const auto integrity = integrity_by_name(name);
  return integrity ? algorithm_text(info(*integrity)) : name;
}

}  // namespace

std::string format_quick_mode_offers(const google::protobuf::RepeatedPtrField<proto::StoredQuickModeOffer>& offers,
                                     bool pfs) {
  Table table({"AH", "ESP", "Seconds", "kBytes", "PFS"});
  for (const auto& offer : offers) {
    std::string esp = "[NONE]";
    if (offer.has_esp_cipher()) {
      const auto cipher = cipher_by_name(offer.esp_cipher());
      const bool is_aead = cipher && info(*cipher).is_aead();
      const std::string integrity = offer.has_esp_integrity() ? algorithm_or(offer.esp_integrity(), false) : "NONE";
      esp = fmt::format("[{}{}]", algorithm_or(offer.esp_cipher(), true), is_aead ? "" : "," + integrity);
    }
    table.add({fmt::format("[{}]", offer.has_ah() ? algorithm_or(offer.ah(), false) : "NONE"), esp,
               std::to_string(offer.lifetime_seconds()), std::to_string(offer.lifetime_kilobytes()),
               std::string(yes_no_text(pfs))});
  }
  return table.to_string(0);
}

std::string format_filter_action(const proto::StoredFilterAction& action, std::string_view store) {
  std::string text = field("FilterAction Name", action.name()) + field("Description", action.description()) +
                     field("Store", store_text(store)) + field("Last Modified", utc_time(action.last_modified())) +
                     field("GUID", guid_text(action.guid())) + field("Action", action_text(action.action())) +
                     field("AllowUnsecure(Fallback)", yes_no_text(action.allow_soft())) +
                     field("Inbound Passthrough", yes_no_text(action.inbound_passthrough())) +
                     field("No. of Security.Methods", std::to_string(action.offers_size()));
  if (action.quick_mode_pfs()) {
    const auto group = dh_group_by_name(action.pfs_group());
    const bool is_own = group && *group != DhGroup::kNone;
    text += field("PFS Group", is_own ? algorithm_text(info(*group)) : "that of the main mode");
  }
  if (action.offers_size() > 0) text += "\n" + format_quick_mode_offers(action.offers(), action.quick_mode_pfs());
  return text;
}

std::string format_filter_list(const proto::StoredFilterList& list, std::string_view store,
                               const ShowOptions& options) {
  std::string text = field("FilterList Name", list.name()) + field("Description", list.description()) +
                     field("Store", store_text(store)) + field("Last Modified", utc_time(list.last_modified())) +
                     field("GUID", guid_text(list.guid())) +
                     field("No. of Filters", std::to_string(list.filter_count()));
  if (!options.verbose) return text;
  if (options.table) return text + "\n" + filter_table(list, options);
  text += "Filter(s)\n---------\n";
  for (const auto& filter : list.filters()) text += format_filter(filter, options) + "\n";
  return text;
}

std::string format_filter_lists(const proto::ReadReply& objects, const ShowOptions& options) {
  std::string text;
  if (options.table && !options.verbose) {
    Table table({"FilterList Name", "No. of Filters"});
    for (const auto& list : objects.filter_lists()) table.add({list.name(), std::to_string(list.filter_count())});
    // Programs that read this start at the third line and stop five lines before the end.
    return table.to_string(options.columns()) +
           fmt::format("\nNo. of FilterLists      : {}\nStore                   : {}\n\n\n",
                       objects.filter_lists_size(), store_text(objects.store()));
  }
  for (const auto& list : objects.filter_lists()) text += format_filter_list(list, objects.store(), options) + "\n";
  return text +
         fmt::format("No. of FilterLists : {}\nStore : {}\n", objects.filter_lists_size(), store_text(objects.store()));
}

std::string format_filter_actions(const proto::ReadReply& objects, const ShowOptions& options) {
  if (options.table) {
    Table table({"FilterAction Name", "Action"});
    for (const auto& action : objects.filter_actions()) table.add({action.name(), action_text(action.action())});
    return table.to_string(options.columns()) +
           fmt::format("\nNo. of FilterActions    : {}\nStore                   : {}\n\n\n",
                       objects.filter_actions_size(), store_text(objects.store()));
  }
  std::string text;
  for (const auto& action : objects.filter_actions()) text += format_filter_action(action, objects.store()) + "\n";
  return text + fmt::format("No. of FilterActions : {}\nStore : {}\n", objects.filter_actions_size(),
                            store_text(objects.store()));
}

}  // namespace ipsec::cli
