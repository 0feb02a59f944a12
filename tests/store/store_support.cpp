#include "tests/store/store_support.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <stdlib.h>

#include "store/defaults.h"
#include "store/filter_key.h"
#include "store/guid.h"
#include "tests/support/source_tree.h"

namespace ipsec::store::tests {

using ipsec::tests::SeededRandom;

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "policyagent-store-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
  path_ = name;
}
TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

FilterAddress range(std::string_view text) { return *AddressRange::parse(text); }

Filter filter_to_port(std::uint16_t port) {
  Filter filter = filter_between(AddressKeyword::kMe, range("10.77.0.0/24"));
  filter.protocol = kProtocolTcp;
  filter.destination_port = port;
  return filter;
}

Filter filter_between(FilterAddress source, FilterAddress destination) {
  Filter filter;
  filter.source = std::move(source);
  filter.destination = std::move(destination);
  return filter;
}

AuthenticationMethod psk(std::string_view key) { return PresharedKeyAuthentication{SecretBytes(key)}; }

QuickModeOffer esp_offer(Cipher cipher, Integrity integrity) {
  QuickModeOffer offer;
  offer.esp = QuickModeOffer::Esp{cipher, integrity};
  return offer;
}

namespace {

Policy new_policy(std::string name, RandomSource& random) {
  Policy policy = default_policy(std::move(name), Profile::kModern);
  policy.guid = make_guid(random);
  policy.isakmp.guid = make_guid(random);
  policy.default_response.guid = make_guid(random);
  policy.last_modified = kNow;
  return policy;
}

FilterList new_list(std::string name, RandomSource& random) {
  FilterList list;
  list.guid = make_guid(random);
  list.name = std::move(name);
  list.last_modified = kNow;
  return list;
}

void add_filter(FilterList& list, Filter filter, RandomSource& random) {
  filter.guid = make_guid(random);
  list.filters.push_back(std::move(filter));
}

FilterAction new_action(std::string name, RandomSource& random) {
  FilterAction action;
  action.guid = make_guid(random);
  action.name = std::move(name);
  action.last_modified = kNow;
  action.offers = default_quick_mode_offers(Profile::kModern);
  return action;
}

Rule new_rule(std::string name, const FilterList& list, const FilterAction& action, RandomSource& random) {
  Rule rule;
  rule.guid = make_guid(random);
  rule.name = std::move(name);
  rule.last_modified = kNow;
  rule.filter_list = list.guid;
  rule.filter_action = action.guid;
  rule.authentication = {psk("a shared secret")};
  return rule;
}

// ---- random trees
// -----------------------------------------------------------------------------------------------------

template <typename T>
const T& pick(const std::vector<T>& from, SeededRandom& random) {
  return from[random.below(from.size())];
}

std::string random_text(SeededRandom& random) {
  static const std::vector<std::string> kPieces = {"a",   "Büro", " ",  "\"", "\\", "/", "~", "日本",
                                                   "'x'", "<b>",  "%s", "{}", "{",  "=", ";", "\xF0\x9F\x94\x92"};
  std::string text;
  for (std::uint64_t i = random.below(6); i > 0; --i) text += pick(kPieces, random);
  return text;
}

IpAddress any_random_address(AddressFamily family, SeededRandom& random) {
  return IpAddress::from_bytes(random.bytes(family == AddressFamily::kIpv4 ? 4 : 16));
}

// No filter is for a multicast group or the limited broadcast address of its own.
IpAddress random_address(AddressFamily family, SeededRandom& random) {
  for (;;) {
    const IpAddress address = any_random_address(family, random);
    if (!address.is_multicast() && address != IpAddress::last(AddressFamily::kIpv4)) return address;
  }
}

FilterAddress random_range(AddressFamily family, SeededRandom& random) {
  const IpAddress one = random_address(family, random), other = random_address(family, random);
  switch (random.below(3)) {
    case 0:
      return AddressRange::host(one);
    case 1:
      return AddressRange::of(Subnet::around(one, static_cast<unsigned>(random.below(one.bits() + 1))));
    default:
      return AddressRange{std::min(one, other), std::max(one, other)};
  }
}

FilterAddress random_side(AddressFamily family, SeededRandom& random) {
  switch (random.below(4)) {
    case 0:
      return AddressKeyword::kMe;
    case 1:
      return AddressKeyword::kAny;
    case 2: {
      DnsName dns{fmt::format("host-{}.example", random.below(1000)), {}};
      for (std::uint64_t i = random.below(3); i > 0; --i) dns.resolved.push_back(random_address(family, random));
      return dns;
    }
    default:
      return random_range(family, random);
  }
}

Filter random_filter(SeededRandom& random, bool mirrored) {
  const auto family = random.chance(0.5) ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  Filter filter = filter_between(random_side(family, random), random_side(family, random));
  if (random.chance(0.1)) {
    filter.source = AddressKeyword::kMe;
    filter.destination = static_cast<AddressKeyword>(2 + random.below(4));
  }
  const std::vector<std::uint8_t> protocols = {0, 6, 17, 47, 255};
  filter.protocol = pick(protocols, random);
  if (protocol_has_ports(filter.protocol)) {
    filter.source_port = random.chance(0.5) ? 0 : static_cast<std::uint16_t>(random.below(65536));
    filter.destination_port = static_cast<std::uint16_t>(random.below(65536));
  }
  filter.mirrored = mirrored;
  filter.description = random_text(random);
  return filter;
}

FilterList random_list(std::size_t index, SeededRandom& random) {
  FilterList list = new_list(fmt::format("L{} {}", index, random_text(random)), random);
  list.description = random_text(random);
  list.last_modified = static_cast<WallClock>(random.below(4'000'000'000));
  const bool mirrored = index % 2 == 0;  // odd lists may serve tunnels
  std::vector<std::string> keys;
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    Filter filter = random_filter(random, mirrored);
    const std::string key = filter_key(filter);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    keys.push_back(key);
    add_filter(list, std::move(filter), random);
  }
  return list;
}

QuickModeOffer random_offer(SeededRandom& random) {
  QuickModeOffer offer;
  if (random.chance(0.4)) offer.ah = static_cast<Integrity>(1 + random.below(5));
  if (!offer.ah || random.chance(0.6)) {
    const auto cipher = static_cast<Cipher>(random.below(9));
    const bool aead = info(cipher).is_aead();
    const auto lowest = cipher == Cipher::kNull ? 1u : 0u;
    offer.esp = QuickModeOffer::Esp{
        cipher, aead ? Integrity::kNone : static_cast<Integrity>(lowest + random.below(6 - lowest))};
  }
  offer.lifetime_kilobytes = static_cast<std::uint32_t>(20480 + random.below(2147483647 - 20480 + 1));
  offer.lifetime_seconds = static_cast<std::uint32_t>(300 + random.below(172501));
  return offer;
}

std::vector<QuickModeOffer> random_offers(SeededRandom& random) {
  std::vector<QuickModeOffer> offers;
  for (std::uint64_t i = 1 + random.below(4); i > 0; --i) offers.push_back(random_offer(random));
  return offers;
}

DhGroup random_group(SeededRandom& random) { return all_dh_groups()[1 + random.below(all_dh_groups().size() - 1)].id; }

std::vector<AuthenticationMethod> random_authentication(SeededRandom& random) {
  std::vector<AuthenticationMethod> methods;
  for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
    switch (random.below(4)) {
      case 0:
        methods.emplace_back(KerberosAuthentication{});
        break;
      case 1:
        methods.emplace_back(
            CertificateAuthentication{"C=DE, O=" + random_text(random), random.chance(0.5), random.chance(0.5)});
        break;
      case 2:
        methods.push_back(psk("key " + random_text(random)));
        break;
      default:  // mostly not UTF-8
        methods.emplace_back(PresharedKeyAuthentication{SecretBytes(ByteView(random.bytes(1 + random.below(256))))});
    }
  }
  return methods;
}

FilterAction random_action(std::size_t index, SeededRandom& random) {
  FilterAction action = new_action(fmt::format("A{} {}", index, random_text(random)), random);
  action.description = random_text(random);
  action.action = static_cast<Action>(random.below(3));
  action.offers = action.action == Action::kNegotiate ? random_offers(random) : std::vector<QuickModeOffer>();
  action.quick_mode_pfs = random.chance(0.5);
  action.pfs_group = random.chance(0.5) ? DhGroup::kNone : random_group(random);
  action.inbound_passthrough = random.chance(0.5);
  action.allow_soft = random.chance(0.5);
  return action;
}

Rule random_rule(std::size_t index, const PolicyTree& tree, SeededRandom& random) {
  const std::size_t list = random.below(tree.filter_lists.size());
  const FilterAction& action = pick(tree.filter_actions, random);
  Rule rule = new_rule(fmt::format("R{} {}", index, random_text(random)), tree.filter_lists[list], action, random);
  rule.description = random_text(random);
  rule.authentication = random_authentication(random);
  if (action.action != Action::kNegotiate && random.chance(0.3)) rule.authentication.clear();
  if (list % 2 == 1 && random.chance(0.5))
    rule.tunnel_endpoint = *IpAddress::parse(random.chance(0.5) ? "192.0.2.7" : "2001:db8::7");
  rule.connection_type = static_cast<ConnectionType>(random.below(3));
  rule.active = random.chance(0.7);
  return rule;
}

Policy random_policy(std::size_t index, const PolicyTree& tree, SeededRandom& random) {
  Policy policy = new_policy(fmt::format("P{} {}", index, random_text(random)), random);
  policy.description = random_text(random);
  policy.profile = static_cast<Profile>(random.below(2));
  policy.isakmp.offers.clear();
  for (std::uint64_t i = 1 + random.below(4); i > 0; --i) {
    policy.isakmp.offers.push_back(
        {static_cast<Cipher>(1 + random.below(5)), static_cast<Integrity>(1 + random.below(5)), random_group(random)});
  }
  policy.isakmp.lifetime_minutes = static_cast<std::uint32_t>(1 + random.below(71582788));
  policy.isakmp.quick_mode_limit = random.u32();
  policy.isakmp.master_pfs = random.chance(0.5);
  policy.polling_interval_minutes = static_cast<std::uint32_t>(random.below(1000));
  policy.default_response.active = random.chance(0.5);
  policy.default_response.quick_mode_pfs = random.chance(0.5);
  policy.default_response.offers = random_offers(random);
  policy.default_response.authentication = random_authentication(random);
  for (std::uint64_t i = random.below(5); i > 0 && !tree.filter_lists.empty() && !tree.filter_actions.empty(); --i) {
    policy.rules.push_back(random_rule(i, tree, random));
  }
  return policy;
}

}  // namespace

PolicyTree small_tree(std::uint64_t seed) {
  SeededRandom random(seed);
  PolicyTree tree;
  tree.filter_lists = {new_list("L", random), new_list("Out", random), new_list("In", random)};
  add_filter(tree.filter_lists[0], filter_to_port(445), random);
  Filter out = filter_between(range("10.1.0.0/16"), range("10.2.0.0/16"));
  out.mirrored = false;
  Filter in = filter_between(out.destination, out.source);
  in.mirrored = false;
  add_filter(tree.filter_lists[1], out, random);
  add_filter(tree.filter_lists[2], in, random);
  tree.filter_actions = {new_action("A", random)};
  tree.policies = {new_policy("P", random), new_policy("T", random)};
  tree.policies[0].rules = {new_rule("R", tree.filter_lists[0], tree.filter_actions[0], random)};
  tree.policies[1].rules = {new_rule("out", tree.filter_lists[1], tree.filter_actions[0], random),
                            new_rule("in", tree.filter_lists[2], tree.filter_actions[0], random)};
  tree.policies[1].rules[0].tunnel_endpoint = IpAddress::parse("192.0.2.2").value();
  tree.policies[1].rules[1].tunnel_endpoint = IpAddress::parse("192.0.2.1").value();
  tree.assigned = tree.policies[0].guid;
  return tree;
}

PolicyTree random_tree(SeededRandom& random) {
  PolicyTree tree;
  for (std::uint64_t i = random.below(5); i > 0; --i)
    tree.filter_lists.push_back(random_list(tree.filter_lists.size(), random));
  for (std::uint64_t i = random.below(4); i > 0; --i) tree.filter_actions.push_back(random_action(i, random));
  for (std::uint64_t i = random.below(4); i > 0; --i) tree.policies.push_back(random_policy(i, tree, random));
  if (!tree.policies.empty() && random.chance(0.7)) tree.assigned = pick(tree.policies, random).guid;
  return tree;
}

std::vector<std::string> summary(const Problems& problems) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems)
    lines.push_back(fmt::format("{:05} {}: {}", problem.code, problem.object, problem.field));
  return lines;
}

std::vector<std::uint32_t> codes(const Problems& problems) {
  std::vector<std::uint32_t> all;
  for (const Problem& problem : problems) all.push_back(problem.code);
  return all;
}

std::string all_text(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem) + "\n";
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  ASSERT_TRUE(file.flush()) << path;
}

std::string source_file(const std::string& name) { return read_file(ipsec::tests::source_path("store/") + name); }

}  // namespace ipsec::store::tests
