#include <limits>

#include <fmt/format.h>

#include "store/defaults.h"
#include "store/guid.h"
#include "store/json/document.h"
#include "store/json/object_reader.h"
#include "store/json/utc_time.h"
#include "store/limits.h"
#include "store/names.h"

namespace ipsec::store {

namespace {

using nlohmann::json;
using Words = std::vector<std::string_view>;

// The names of the algorithm table's rows, in their order; `none` tells whether the first one counts.
template <typename Table>
Words names_of(const Table& table, bool with_first) {
  Words words;
  for (const auto& row : table) {
    if (with_first || &row != &table.front()) words.push_back(row.name);
  }
  return words;
}

Cipher read_cipher(ObjectReader& in) {
  const auto at = in.word("cipher", names_of(all_ciphers(), true), true);
  return at ? all_ciphers()[*at].id : Cipher::kAes128Cbc;
}

Integrity read_integrity(ObjectReader& in, std::string_view key, bool with_none, bool required, Integrity fallback) {
  const auto at = in.word(key, names_of(all_integrities(), with_none), required);
  return at ? all_integrities()[*at + (with_none ? 0 : 1)].id : fallback;
}

DhGroup read_group(ObjectReader& in, std::string_view key, bool with_none, bool required, DhGroup fallback) {
  const auto at = in.word(key, names_of(all_dh_groups(), with_none), required);
  return at ? all_dh_groups()[*at + (with_none ? 0 : 1)].id : fallback;
}

Guid read_guid(ObjectReader& in) {
  if (!in.value("guid")) return {};
  const std::string text = in.text("guid");
  auto guid = parse_guid(text);
  if (guid.ok()) return *std::move(guid);
  if (!text.empty()) in.add(kGuidInvalid, "guid", guid.status().message());
  return {};
}

WallClock read_time(ObjectReader& in, WallClock now) {
  if (!in.value("last_modified")) return now;
  const std::string text = in.text("last_modified");
  const auto time = parse_utc(text);
  if (!time) in.add(kUnknownValue, "last_modified", "is no time; accepted is UTC as in 2026-11-20T08:30:00Z");
  return time.value_or(now);
}

// What every named object begins with.
template <typename Object, typename Label>
void read_header(ObjectReader& in, Object& object, WallClock now, Label label) {
  object.name = in.required_text("name");
  if (!object.name.empty()) in.set_label(label(object.name));
  object.guid = read_guid(in);
  object.description = in.text("description");
  object.last_modified = read_time(in, now);
}

MainModeOffer read_main_mode_offer(const json& value, std::string pointer, const std::string& label,
                                   Problems& problems) {
  ObjectReader in(value, std::move(pointer), label, problems);
  MainModeOffer offer;
  offer.cipher = read_cipher(in);
  offer.integrity = read_integrity(in, "integrity", false, true, offer.integrity);
  offer.group = read_group(in, "dh_group", false, true, offer.group);
  in.finish();
  return offer;
}

QuickModeOffer::Esp read_esp(const json& value, std::string pointer, const std::string& label, Problems& problems) {
  ObjectReader in(value, std::move(pointer), label, problems);
  QuickModeOffer::Esp esp;
  esp.cipher = read_cipher(in);
  const bool aead = info(esp.cipher).is_aead();
  esp.integrity = read_integrity(in, "integrity", true, !aead, aead ? Integrity::kNone : Integrity::kSha256);
  in.finish();
  return esp;
}

QuickModeOffer read_quick_mode_offer(const json& value, std::string pointer, const std::string& label,
                                     Problems& problems) {
  ObjectReader in(value, std::move(pointer), label, problems);
  QuickModeOffer offer;
  if (in.value("ah")) offer.ah = read_integrity(in, "ah", false, true, Integrity::kSha256);
  if (const json* esp = in.value("esp")) offer.esp = read_esp(*esp, in.pointer("esp"), label, problems);
  offer.lifetime_kilobytes = static_cast<std::uint32_t>(
      in.number("lifetime_kilobytes", kMinQuickModeKilobytes, kMaxQuickModeKilobytes, offer.lifetime_kilobytes));
  offer.lifetime_seconds = static_cast<std::uint32_t>(
      in.number("lifetime_seconds", kMinQuickModeSeconds, kMaxQuickModeSeconds, offer.lifetime_seconds));
  in.finish();
  return offer;
}

std::vector<QuickModeOffer> read_offers(ObjectReader& in, const std::vector<QuickModeOffer>& fallback,
                                        Problems& problems) {
  std::vector<QuickModeOffer> offers;
  const bool given = in.each("offers", [&](const json& value, std::string pointer) {
    offers.push_back(read_quick_mode_offer(value, std::move(pointer), in.label(), problems));
  });
  return given ? offers : fallback;
}

// In place of a key that is reported already, so that its length is not reported too.
SecretBytes unusable_key() { return SecretBytes(1); }

SecretBytes read_hex_key(ObjectReader& in) {
  std::string text = in.text("psk_hex");
  auto bytes = from_hex(text);
  wipe_memory(text.data(), text.size());
  if (!bytes.ok()) {
    in.add(kPresharedKeyInvalid, "psk_hex", "is not hexadecimal; accepted is an even number of digits 0 to f");
    return unusable_key();
  }
  SecretBytes key{ByteView(*bytes)};
  wipe_memory(bytes->data(), bytes->size());
  return key;
}

// Empty where the key is left out.
SecretBytes read_key(ObjectReader& in) {
  const bool text_given = in.value("psk") != nullptr;
  const json* hex = in.value("psk_hex");
  if (text_given && hex) {
    in.add(kPresharedKeyInvalid, "psk_hex", "stands beside psk; accepted is one of the two");
    return unusable_key();
  }
  if (hex) return read_hex_key(in);
  std::string text = in.text("psk");
  SecretBytes key{std::string_view(text)};
  wipe_memory(text.data(), text.size());
  return key;
}

void read_method(const json& value, std::string pointer, const std::string& label,
                 std::vector<AuthenticationMethod>& methods, std::vector<std::size_t>& keys_left_out,
                 Problems& problems) {
  ObjectReader in(value, std::move(pointer), label, problems);
  const auto method = in.word("method", {"kerberos", "psk", "certificate"}, true);
  if (!method) {
    methods.emplace_back(KerberosAuthentication{});  // keeps the places of the others
    return;                                          // which keys belong to it cannot be said
  }
  if (*method == 0) {
    methods.emplace_back(KerberosAuthentication{});
  } else if (*method == 1) {
    if (!in.has("psk") && !in.has("psk_hex")) keys_left_out.push_back(methods.size());
    methods.emplace_back(PresharedKeyAuthentication{read_key(in)});
  } else {
    CertificateAuthentication certificate;
    certificate.root_ca = in.required_text("root_ca");
    certificate.map_to_account = in.boolean("map_to_account", false);
    certificate.exclude_ca_name = in.boolean("exclude_ca_name", false);
    methods.emplace_back(std::move(certificate));
  }
  in.finish();
}

std::vector<AuthenticationMethod> read_authentication(ObjectReader& in, std::vector<std::size_t>& keys_left_out,
                                                      Problems& problems) {
  std::vector<AuthenticationMethod> methods;
  const bool given = in.each("authentication", [&](const json& value, std::string pointer) {
    read_method(value, std::move(pointer), in.label(), methods, keys_left_out, problems);
  });
  return given ? methods : default_authentication();
}

void read_main_mode(const json& value, std::string pointer, const std::string& label, Policy& policy,
                    Problems& problems) {
  ObjectReader in(value, std::move(pointer), label, problems);
  IsakmpPolicy& isakmp = policy.isakmp;
  isakmp.guid = read_guid(in);
  std::vector<MainModeOffer> offers;
  if (in.each("offers", [&](const json& offer, std::string at) {
        offers.push_back(read_main_mode_offer(offer, std::move(at), label, problems));
      })) {
    isakmp.offers = std::move(offers);
  }
  isakmp.lifetime_minutes = static_cast<std::uint32_t>(
      in.number("lifetime_minutes", kMinMainModeLifetimeMinutes, kMaxMainModeLifetimeMinutes, isakmp.lifetime_minutes));
  isakmp.quick_mode_limit =
      static_cast<std::uint32_t>(in.number("quick_mode_limit", 0, std::numeric_limits<std::uint32_t>::max(), 0));
  isakmp.master_pfs = in.boolean("master_pfs", false);
  in.finish();
}

void read_default_response(const json& value, std::string pointer, DocumentPolicy& out, Problems& problems) {
  ObjectReader in(value, std::move(pointer), default_rule_label(out.policy.name), problems);
  DefaultResponseRule& rule = out.policy.default_response;
  rule.guid = read_guid(in);
  rule.active = in.boolean("active", true);
  rule.quick_mode_pfs = in.boolean("quick_mode_pfs", false);
  rule.offers = read_offers(in, rule.offers, problems);
  rule.authentication = read_authentication(in, out.keys_left_out, problems);
  in.finish();
}

std::optional<IpAddress> read_tunnel_endpoint(ObjectReader& in) {
  if (!in.value("tunnel_endpoint")) return std::nullopt;
  const std::string text = in.text("tunnel_endpoint");
  const auto address = IpAddress::parse(text);
  if (address.ok()) return *address;
  if (!text.empty() || in.value("tunnel_endpoint")->is_string()) {
    in.add(kTunnelEndpointInvalid, "tunnel_endpoint",
           fmt::format("'{:.60}' is no address; accepted is an IPv4 or IPv6 address", text));
  }
  return std::nullopt;
}

DocumentRule read_rule(const json& value, std::string pointer, const std::string& policy, WallClock now,
                       Problems& problems) {
  ObjectReader in(value, std::move(pointer), fmt::format("a rule of policy '{}'", policy), problems);
  DocumentRule out;
  read_header(in, out.rule, now, [&](const std::string& name) { return rule_label(name, policy); });
  out.filter_list = in.required_text("filter_list");
  out.filter_action = in.required_text("filter_action");
  out.rule.authentication = read_authentication(in, out.keys_left_out, problems);
  out.rule.tunnel_endpoint = read_tunnel_endpoint(in);
  if (const auto at = in.word("connection_type", {"all", "lan", "dialup"}, false)) {
    out.rule.connection_type = static_cast<ConnectionType>(*at);
  }
  out.rule.active = in.boolean("active", true);
  in.finish();
  return out;
}

DocumentPolicy read_policy(const json& value, std::string pointer, WallClock now, Problems& problems) {
  ObjectReader in(value, std::move(pointer), "a policy", problems);
  const auto profile = in.word("profile", {"modern", "windows2003"}, false);
  DocumentPolicy out;
  out.policy = default_policy("", profile ? static_cast<Profile>(*profile) : Profile::kModern);
  read_header(in, out.policy, now, policy_label);
  out.policy.polling_interval_minutes = static_cast<std::uint32_t>(
      in.number("polling_interval_minutes", 0, kMaxPollingIntervalMinutes, out.policy.polling_interval_minutes));
  if (const json* main_mode = in.value("main_mode")) {
    read_main_mode(*main_mode, in.pointer("main_mode"), in.label(), out.policy, problems);
  }
  in.each("rules", [&](const json& rule, std::string at) {
    out.rules.push_back(read_rule(rule, std::move(at), out.policy.name, now, problems));
  });
  if (const json* rule = in.value("default_response")) {
    read_default_response(*rule, in.pointer("default_response"), out, problems);
  }
  in.finish();
  return out;
}

FilterAddress read_dns_name(const json& value, std::string pointer, const std::string& label, Problems& problems) {
  ObjectReader in(value, std::move(pointer), label, problems);
  DnsName dns;
  dns.name = in.required_text("dns_name");
  std::size_t place = 0;
  in.each("resolved", [&](const json& element, const std::string&) {
    const std::string key = fmt::format("resolved/{}", place++);
    const auto address = element.is_string()
                             ? IpAddress::parse(element.get_ref<const std::string&>())
                             : Result<IpAddress>(invalid(fmt::format("is {}", describe_value(element))));
    if (address.ok()) return dns.resolved.push_back(*address);
    Problem problem;
    problem.code = element.is_string() ? kAddressInvalid : kWrongType;
    problem.object = label;
    problem.field = fmt::format("{}/{}", in.pointer(""), key);
    problem.text = fmt::format("{}; accepted is an IPv4 or IPv6 address", address.status().message());
    problems.push_back(std::move(problem));
  });
  in.finish();
  return dns;
}

FilterAddress read_address(ObjectReader& in, std::string_view key, Problems& problems) {
  const json* value = in.value(key, true);
  if (!value) return AddressKeyword::kMe;
  if (value->is_object()) return read_dns_name(*value, in.pointer(key), in.label(), problems);
  if (!value->is_string()) {
    in.add(kWrongType, key,
           fmt::format("is {}; accepted is a string, or an object with dns_name", describe_value(*value)));
    return AddressKeyword::kMe;
  }
  auto address = parse_filter_address(value->get_ref<const std::string&>());
  if (address.ok()) return *std::move(address);
  in.add(kAddressInvalid, key,
         fmt::format("{}; a DNS name is written {{\"dns_name\": \"...\"}}", address.status().message()));
  return AddressKeyword::kMe;
}

std::uint8_t read_protocol(ObjectReader& in) {
  const json* value = in.value("protocol");
  if (!value) return kProtocolAny;
  if (!value->is_string()) return static_cast<std::uint8_t>(in.number("protocol", 0, 255, kProtocolAny));
  const Words words = {"ANY", "ICMP", "TCP", "UDP", "ICMPv6", "RAW"};
  const auto at = in.word("protocol", words, false);
  return at ? *protocol_by_name(words[*at]) : kProtocolAny;
}

Filter read_filter(const json& value, std::string pointer, const std::string& label, Problems& problems) {
  ObjectReader in(value, std::move(pointer), label, problems);
  Filter filter;
  filter.guid = read_guid(in);
  filter.description = in.text("description");
  filter.source = read_address(in, "source", problems);
  filter.destination = read_address(in, "destination", problems);
  filter.protocol = read_protocol(in);
  filter.source_port = static_cast<std::uint16_t>(in.number("source_port", 0, 65535, 0));
  filter.destination_port = static_cast<std::uint16_t>(in.number("destination_port", 0, 65535, 0));
  filter.mirrored = in.boolean("mirrored", true);
  in.finish();
  return filter;
}

FilterList read_filter_list(const json& value, std::string pointer, WallClock now, Problems& problems) {
  ObjectReader in(value, std::move(pointer), "a filter list", problems);
  FilterList list;
  read_header(in, list, now, filter_list_label);
  in.each("filters", [&](const json& filter, std::string at) {
    list.filters.push_back(read_filter(filter, std::move(at), in.label(), problems));
  });
  in.finish();
  return list;
}

FilterAction read_filter_action(const json& value, std::string pointer, WallClock now, Problems& problems) {
  ObjectReader in(value, std::move(pointer), "a filter action", problems);
  FilterAction action;
  read_header(in, action, now, filter_action_label);
  if (const auto at = in.word("action", {"permit", "block", "negotiate"}, false))
    action.action = static_cast<Action>(*at);
  const bool negotiates = action.action == Action::kNegotiate;
  action.offers = read_offers(
      in, negotiates ? default_quick_mode_offers(Profile::kModern) : std::vector<QuickModeOffer>(), problems);
  action.quick_mode_pfs = in.boolean("quick_mode_pfs", false);
  action.pfs_group = read_group(in, "pfs_group", true, false, DhGroup::kNone);
  action.inbound_passthrough = in.boolean("inbound_passthrough", false);
  action.allow_soft = in.boolean("allow_soft", false);
  in.finish();
  return action;
}

void read_assigned(ObjectReader& in, Document& document) {
  const json* value = in.value("assigned");
  if (!value) return;
  document.assigned_is_given = true;
  if (!value->is_null()) document.assigned = in.text("assigned");
}

}  // namespace

Document read_document(const json& value, WallClock now, Problems& problems) {
  ObjectReader in(value, "", "document", problems);
  Document document;
  const std::string format = in.required_text("format");
  if (in.has("format") && format != "policyagent/1") {
    in.add(kWrongFormat, "format", fmt::format("is '{:.60}'; accepted is policyagent/1", format));
    return document;
  }
  in.text("$schema");
  read_assigned(in, document);
  in.each("policies", [&](const json& policy, std::string at) {
    document.policies.push_back(read_policy(policy, std::move(at), now, problems));
  });
  in.each("filter_lists", [&](const json& list, std::string at) {
    document.filter_lists.push_back(read_filter_list(list, std::move(at), now, problems));
  });
  in.each("filter_actions", [&](const json& action, std::string at) {
    document.filter_actions.push_back(read_filter_action(action, std::move(at), now, problems));
  });
  in.finish();
  return document;
}

}  // namespace ipsec::store
