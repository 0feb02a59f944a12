#include "services/ike/core/offer_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "services/ike/certificates/method.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/nat_traversal.h"
#include "services/ike/core/transform_attributes.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

// One protocol of an offer; main mode has one without a name.
struct Part {
  std::string protocol;
  std::string encryption;
  std::string integrity;
};

// An offer as both sides can be compared in it: texts, equal where the numbers on the wire mean the same.
struct Offer {
  std::uint32_t number = 0;
  std::vector<Part> parts;
  std::string group;
  std::string encapsulation;
  std::string authentication;
  std::string lifetime;
  std::string kilobytes;
  std::string other;  // what is not known here

  // What a policy of this host would say; nullopt where it cannot.
  std::optional<MainModeOffer> main_mode;
  std::optional<QuickModeOffer> quick_mode;
  DhGroup pfs_group = DhGroup::kNone;
  Encapsulation mode = Encapsulation::kTransport;
  bool weak = false;

  const Part* part(std::string_view protocol) const {
    const auto found =
        std::find_if(parts.begin(), parts.end(), [&](const Part& one) { return one.protocol == protocol; });
    return found != parts.end() ? &*found : nullptr;
  }
  bool can_be_configured() const { return main_mode || quick_mode; }
};

struct Column {
  std::string_view title;
  std::string_view field;  // in the list of what is to be changed; empty: decides nothing
  const std::string& (*text)(const Offer&, const Part&);
};

const std::string& encryption_of(const Offer&, const Part& part) { return part.encryption; }
const std::string& integrity_of(const Offer&, const Part& part) { return part.integrity; }
const std::string& protocol_of(const Offer&, const Part& part) { return part.protocol; }
const std::string& group_of(const Offer& offer, const Part&) { return offer.group; }
const std::string& lifetime_of(const Offer& offer, const Part&) { return offer.lifetime; }
const std::string& kilobytes_of(const Offer& offer, const Part&) { return offer.kilobytes; }
const std::string& authentication_of(const Offer& offer, const Part&) { return offer.authentication; }
const std::string& encapsulation_of(const Offer& offer, const Part&) { return offer.encapsulation; }
const std::string& other_of(const Offer& offer, const Part&) { return offer.other; }

constexpr Column kEncryption{"Encryption", "encryption", encryption_of};
constexpr Column kHash{"Hash", "hash", integrity_of};
constexpr Column kGroup{"Group", "group", group_of};
constexpr Column kLifetime{"Lifetime", "", lifetime_of};
constexpr Column kAuthentication{"Authentication", "authentication method", authentication_of};
constexpr Column kProtocol{"Protocol", "protocol", protocol_of};
constexpr Column kIntegrity{"Integrity", "integrity", integrity_of};
constexpr Column kPfsGroup{"PFS group", "PFS group", group_of};
constexpr Column kEncapsulation{"Encapsulation", "encapsulation", encapsulation_of};
constexpr Column kKilobytes{"Kilobytes", "", kilobytes_of};
constexpr Column kOther{"Other", "attributes", other_of};

using Columns = std::vector<const Column*>;

Columns main_mode_columns() { return {&kEncryption, &kHash, &kGroup, &kLifetime, &kAuthentication}; }
Columns quick_mode_columns() {
  return {&kProtocol, &kEncryption, &kIntegrity, &kPfsGroup, &kEncapsulation, &kLifetime, &kKilobytes};
}

std::string method_text(std::uint16_t method) {
  switch (method) {
    case 0:
      return "none";
    case phase1::kMethodPresharedKey:
      return "preshared key";
    case 2:
      return "DSS signature";
    case 3:
      return "RSA signature";
    case 4:
      return "RSA encryption";
    case 5:
      return "revised RSA encryption";
    case 9:
    case 10:
    case 11:
      return "ECDSA signature";
    case 65001:
      return "Kerberos";
    default:
      return fmt::format("method {}", method);
  }
}

std::string group_text(std::uint16_t number) {
  if (number == 0) return "none";
  const auto group = dh_group_by_number(number);
  return group ? std::string(info(*group).name) : fmt::format("group {}", number);
}

std::string limit_text(const std::optional<std::uint32_t>& limit, std::string_view unit) {
  return limit && *limit != 0 ? fmt::format("{} {}", *limit, unit) : "none";
}

// Attributes by class; what has no number of 16 bits stands in `other`.
class Numbers {
 public:
  Numbers(const Transform& transform, LifetimeReader lifetimes, std::span<const std::uint16_t> known) {
    for (const Attribute& attribute : transform.attributes) {
      if (lifetimes.take(attribute)) continue;
      const auto value = attribute.as_number();
      const auto place = std::find(known.begin(), known.end(), attribute.type);
      if (!value || *value > 0xffff || place == known.end()) {
        other_ = fmt::format("attribute {}", attribute.type);
      } else {
        values_.at(attribute.type) = static_cast<std::uint16_t>(*value);
      }
    }
    lifetimes_ = lifetimes.result();
  }
  std::uint16_t of(std::uint16_t type) const { return values_.at(type); }
  const Lifetimes& lifetimes() const { return lifetimes_; }
  const std::string& other() const { return other_; }

 private:
  std::array<std::uint16_t, 16> values_{};
  Lifetimes lifetimes_;
  std::string other_;
};

constexpr std::array<std::uint16_t, 5> kMainModeClasses = {
    phase1::kEncryption, phase1::kHash, phase1::kAuthenticationMethod, phase1::kGroup, phase1::kKeyLength};
constexpr std::array<std::uint16_t, 4> kQuickModeClasses = {phase2::kGroup, phase2::kEncapsulation,
                                                            phase2::kAuthentication, phase2::kKeyLength};

std::string number_text(std::uint16_t number, std::uint16_t key_bits) {
  return key_bits == 0 ? fmt::format("number {}", number) : fmt::format("number {}/{}", number, key_bits);
}

Offer read_main_mode(const Transform& transform, std::uint32_t number) {
  const Numbers numbers(transform, {phase1::kLifeType, phase1::kLifeDuration}, kMainModeClasses);
  const std::uint16_t key_bits = numbers.of(phase1::kKeyLength);
  const auto cipher = ike_cipher(numbers.of(phase1::kEncryption), key_bits);
  const auto hash = ike_hash(numbers.of(phase1::kHash));
  const auto group = dh_group_by_number(numbers.of(phase1::kGroup));
  const std::uint16_t method = numbers.of(phase1::kAuthenticationMethod);
  Offer offer;
  offer.number = number;
  offer.parts = {{"", cipher ? std::string(info(*cipher).name) : number_text(numbers.of(phase1::kEncryption), key_bits),
                  hash ? std::string(info(*hash).name) : number_text(numbers.of(phase1::kHash), 0)}};
  offer.group = group_text(numbers.of(phase1::kGroup));
  offer.authentication = method_text(method);
  offer.lifetime = limit_text(numbers.lifetimes().seconds, "s");
  offer.other = numbers.other();
  const bool usable = (method == phase1::kMethodPresharedKey || is_signature(method)) && offer.other.empty();
  if (usable && cipher && hash && group && *group != DhGroup::kNone) {
    offer.main_mode = MainModeOffer{*cipher, *hash, *group};
    offer.weak = info(*cipher).weak || info(*hash).weak || info(*group).weak;
  }
  return offer;
}

std::string mode_text(std::uint16_t number, Encapsulation& mode) {
  for (const Encapsulation one : {Encapsulation::kTunnel, Encapsulation::kTransport}) {
    mode = one;
    if (number == WireEncapsulation(one).number()) return std::string(name(one));
    for (const NatTraversal kind : {NatTraversal::kRfc3947, NatTraversal::kDraft}) {
      if (number == WireEncapsulation(one, kind).number()) return fmt::format("{} in UDP", name(one));
    }
  }
  return fmt::format("mode {}", number);
}

std::optional<Integrity> ah_integrity(std::uint8_t transform) {
  for (const IntegrityInfo& row : all_integrities()) {
    if (row.ah_transform == transform && row.ah_transform != 0) return row.id;
  }
  return std::nullopt;
}

constexpr auto kAh = static_cast<std::uint8_t>(SecurityProtocol::kAh);
constexpr auto kEsp = static_cast<std::uint8_t>(SecurityProtocol::kEsp);

// Adds what one protocol's transform says.
void add_part(const Proposal& proposal, const Transform& transform, Offer& offer) {
  const Numbers numbers(transform, {phase2::kLifeType, phase2::kLifeDuration}, kQuickModeClasses);
  const std::uint16_t authentication = numbers.of(phase2::kAuthentication);
  const std::uint16_t key_bits = numbers.of(phase2::kKeyLength);
  offer.group = group_text(numbers.of(phase2::kGroup));
  offer.pfs_group = dh_group_by_number(numbers.of(phase2::kGroup)).value_or(DhGroup::kNone);
  offer.encapsulation = mode_text(numbers.of(phase2::kEncapsulation), offer.mode);
  offer.lifetime = limit_text(numbers.lifetimes().seconds, "s");
  offer.kilobytes = limit_text(numbers.lifetimes().kilobytes, "kB");
  if (!numbers.other().empty()) offer.other = numbers.other();
  if (proposal.protocol == kAh) {
    const auto integrity = ah_integrity(transform.id);
    offer.parts.push_back(
        {"AH", "none", integrity ? std::string(info(*integrity).name) : number_text(transform.id, 0)});
    if (offer.quick_mode) offer.quick_mode->ah = integrity;
    if (!integrity) offer.quick_mode.reset();
    offer.weak = offer.weak || (integrity && info(*integrity).weak);
  } else if (proposal.protocol == kEsp) {
    const auto cipher = esp_cipher(transform.id, key_bits);
    const auto integrity = authentication == 0 ? std::optional(Integrity::kNone) : esp_integrity(authentication);
    offer.parts.push_back({"ESP", cipher ? std::string(info(*cipher).name) : number_text(transform.id, key_bits),
                           integrity ? std::string(info(*integrity).name) : number_text(authentication, 0)});
    if (offer.quick_mode && cipher && integrity) offer.quick_mode->esp = EspOffer{*cipher, *integrity};
    if (!cipher || !integrity) offer.quick_mode.reset();
    offer.weak = offer.weak || (cipher && info(*cipher).weak) || (integrity && info(*integrity).weak);
  } else {
    offer.parts.push_back({fmt::format("protocol {}", proposal.protocol), "", ""});
    offer.quick_mode.reset();
  }
  if (offer.quick_mode) {
    offer.quick_mode->lifetime_seconds = numbers.lifetimes().seconds.value_or(0);
    offer.quick_mode->lifetime_kilobytes = numbers.lifetimes().kilobytes.value_or(0);
  }
}

std::vector<Offer> read_main_modes(const SaPayload& sa) {
  std::vector<Offer> offers;
  for (const Proposal& proposal : sa.proposals) {
    if (proposal.protocol != kProtocolIsakmp) continue;
    for (const Transform& transform : proposal.transforms) {
      if (offers.size() == kMaxOffersCompared) return offers;
      offers.push_back(read_main_mode(transform, static_cast<std::uint32_t>(offers.size() + 1)));
    }
  }
  return offers;
}

// RFC 2408 section 4.2: proposals of one number belong together, each with one of its transforms.
std::vector<Offer> read_quick_modes(const SaPayload& sa) {
  std::vector<Offer> offers;
  for (auto first = sa.proposals.begin(); first != sa.proposals.end();) {
    const auto end =
        std::find_if(first, sa.proposals.end(), [&](const Proposal& one) { return one.number != first->number; });
    std::vector<Offer> combined(1);
    combined.front().quick_mode.emplace();
    for (auto proposal = first; proposal != end; ++proposal) {
      std::vector<Offer> longer;
      for (const Offer& before : combined) {
        for (const Transform& transform : proposal->transforms) {
          if (longer.size() == kMaxOffersCompared) break;
          longer.push_back(before);
          add_part(*proposal, transform, longer.back());
        }
      }
      combined = std::move(longer);
    }
    for (Offer& offer : combined) {
      if (offers.size() == kMaxOffersCompared) return offers;
      if (!offer.other.empty()) offer.quick_mode.reset();
      offer.number = static_cast<std::uint32_t>(offers.size() + 1);
      offers.push_back(std::move(offer));
    }
    first = end;
  }
  return offers;
}

// The columns in which `offer` does not agree with `other`, each once.
std::vector<const Column*> differences(const Offer& offer, const Offer& other, const Columns& columns) {
  std::vector<const Column*> found;
  const auto add = [&](const Column* column) {
    if (std::find(found.begin(), found.end(), column) == found.end()) found.push_back(column);
  };
  for (const Part& part : offer.parts) {
    if (other.part(part.protocol) == nullptr) add(&kProtocol);
  }
  for (const Part& part : other.parts) {
    if (offer.part(part.protocol) == nullptr) add(&kProtocol);
  }
  for (const Column* column : columns) {
    if (column->field.empty()) continue;
    for (const Part& part : offer.parts) {
      const Part* counterpart = other.part(part.protocol);
      if (counterpart != nullptr && column->text(offer, part) != column->text(other, *counterpart)) add(column);
    }
  }
  return found;
}

struct Nearest {
  const Offer* offer = nullptr;
  std::vector<const Column*> differing;
};

Nearest nearest(const Offer& offer, const std::vector<Offer>& others, const Columns& columns) {
  Nearest best;
  for (const Offer& other : others) {
    auto found = differences(offer, other, columns);
    if (best.offer != nullptr && found.size() >= best.differing.size()) continue;
    best = {&other, std::move(found)};
  }
  return best;
}

std::vector<OfferRow> rows_of(const Offer& offer, const Offer* counterpart, bool closest, const Columns& columns) {
  std::vector<OfferRow> rows;
  for (const Part& part : offer.parts) {
    OfferRow row{offer.number, closest, {}};
    const Part* other = counterpart != nullptr ? counterpart->part(part.protocol) : nullptr;
    for (const Column* column : columns) {
      const std::string& text = column->text(offer, part);
      const bool same = other != nullptr && text == column->text(*counterpart, *other);
      const bool lacks = other == nullptr && column == &kProtocol;
      row.cells.push_back(
          {text, counterpart != nullptr && !column->field.empty() && !same && (other != nullptr || lacks)});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// The closest offer is among them, whatever its place.
void add_rows(std::vector<OfferRow> rows, std::size_t following, std::vector<OfferRow>& table, std::uint32_t& more) {
  const std::size_t reserved = rows.front().closest || following == 0 ? 0 : 2;
  if (table.size() + rows.size() + reserved > kMaxTermsListed) {
    more += static_cast<std::uint32_t>(rows.size());
    return;
  }
  for (OfferRow& row : rows) table.push_back(std::move(row));
}

void add_side(const std::vector<Offer>& own, const std::vector<Offer>& others, const Offer* closest,
              const Columns& columns, std::vector<OfferRow>& table, std::uint32_t& more) {
  bool is_behind = closest == nullptr;
  for (const Offer& offer : own) {
    is_behind = is_behind || &offer == closest;
    add_rows(rows_of(offer, nearest(offer, others, columns).offer, &offer == closest, columns), is_behind ? 0 : 1,
             table, more);
  }
}

// Whose lifetimes are kept where they did not matter.
QuickModeOffer with_lifetimes_of(QuickModeOffer offer, const Offer& like) {
  if (!like.quick_mode) return offer;
  offer.lifetime_seconds = like.quick_mode->lifetime_seconds;
  offer.lifetime_kilobytes = like.quick_mode->lifetime_kilobytes;
  return offer;
}

bool has(const std::vector<const Column*>& columns, const Column& one) {
  return std::find(columns.begin(), columns.end(), &one) != columns.end();
}

void add_main_mode_change(const Offer& wanted, const std::vector<const Column*>& differing,
                          const std::vector<Offer>& own, Remedy& remedy) {
  if (has(differing, kAuthentication)) remedy.authentication = wanted.authentication;
  if (differing.size() == 1 && !remedy.authentication.empty()) return;
  for (const Offer& offer : own) {
    if (offer.main_mode) remedy.main_mode_offers.push_back(*offer.main_mode);
  }
  remedy.main_mode_offers.push_back(*wanted.main_mode);
}

void add_quick_mode_change(const Offer& wanted, const Nearest& near, const std::vector<Offer>& own, Remedy& remedy) {
  if (has(near.differing, kPfsGroup)) remedy.pfs_group = wanted.pfs_group;
  if (has(near.differing, kEncapsulation)) remedy.encapsulation = wanted.mode;
  if (!has(near.differing, kProtocol) && !has(near.differing, kEncryption) && !has(near.differing, kIntegrity)) return;
  for (const Offer& offer : own) {
    if (offer.quick_mode) remedy.quick_mode_offers.push_back(*offer.quick_mode);
  }
  remedy.quick_mode_offers.push_back(with_lifetimes_of(*wanted.quick_mode, *near.offer));
}

// What `side`, which has `own`, would have to change to agree to one of `wanted`.
std::optional<Remedy> remedy_of(Side side, const std::vector<Offer>& own, const std::vector<Offer>& wanted,
                                const Columns& columns) {
  const Offer* best = nullptr;
  Nearest near;
  for (const Offer& offer : wanted) {
    if (!offer.can_be_configured()) continue;
    Nearest found = nearest(offer, own, columns);
    if (found.offer == nullptr) continue;
    const bool is_better = best == nullptr || found.differing.size() < near.differing.size() ||
                           (found.differing.size() == near.differing.size() && best->weak && !offer.weak);
    if (!is_better) continue;
    best = &offer;
    near = std::move(found);
  }
  if (best == nullptr || near.differing.empty()) return std::nullopt;
  Remedy remedy;
  remedy.side = side;
  remedy.weak = best->weak;
  for (const Column* column : near.differing) remedy.fields.emplace_back(column->field);
  if (best->main_mode) {
    add_main_mode_change(*best, near.differing, own, remedy);
  } else {
    add_quick_mode_change(*best, near, own, remedy);
  }
  return remedy;
}

Columns with_other(Columns columns, const std::vector<Offer>& a, const std::vector<Offer>& b) {
  const auto has_other = [](const Offer& offer) { return !offer.other.empty(); };
  if (std::any_of(a.begin(), a.end(), has_other) || std::any_of(b.begin(), b.end(), has_other))
    columns.push_back(&kOther);
  return columns;
}

Comparison compare(const std::vector<Offer>& offered, const std::vector<Offer>& configured, Side offerer,
                   const Columns& columns) {
  const Offer* closest_offered = nullptr;
  Nearest closest;
  for (const Offer& offer : offered) {
    Nearest found = nearest(offer, configured, columns);
    if (found.offer == nullptr || (closest_offered != nullptr && found.differing.size() >= closest.differing.size()))
      continue;
    closest_offered = &offer;
    closest = std::move(found);
  }
  Comparison comparison;
  OfferTable& table = comparison.table;
  for (const Column* column : columns) table.columns.emplace_back(column->title);
  add_side(offered, configured, closest_offered, columns, table.offered, table.more_offered);
  add_side(configured, offered, closest.offer, columns, table.configured, table.more_configured);
  const Side asked = offerer == Side::kThisHost ? Side::kPeer : Side::kThisHost;
  for (const Side side : {Side::kThisHost, Side::kPeer}) {
    const bool began = side == offerer;
    if (auto remedy =
            remedy_of(began ? offerer : asked, began ? offered : configured, began ? configured : offered, columns))
      comparison.remedies.push_back(std::move(*remedy));
  }
  return comparison;
}

}  // namespace

Comparison compare_main_mode(const SaPayload& offered, const SaPayload& configured, Side offerer) {
  const auto a = read_main_modes(offered);
  const auto b = read_main_modes(configured);
  return compare(a, b, offerer, with_other(main_mode_columns(), a, b));
}

Comparison compare_quick_mode(const SaPayload& offered, const SaPayload& configured, Side offerer) {
  const auto a = read_quick_modes(offered);
  const auto b = read_quick_modes(configured);
  return compare(a, b, offerer, with_other(quick_mode_columns(), a, b));
}

OfferTable main_mode_table(const SaPayload& offered) { return compare_main_mode(offered, {}, Side::kNobody).table; }

OfferTable quick_mode_table(const SaPayload& offered) { return compare_quick_mode(offered, {}, Side::kNobody).table; }

}  // namespace ipsec::ike
