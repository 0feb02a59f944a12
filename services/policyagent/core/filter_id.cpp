#include "services/policyagent/core/filter_id.h"

namespace ipsec::agent {
namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001b3U;

}  // namespace

void ContentHash::add_bytes(ByteView bytes) {
  add(static_cast<std::uint64_t>(bytes.size()));
  for (const std::uint8_t octet : bytes) state_ = (state_ ^ octet) * kFnvPrime;
}

ContentHash& ContentHash::add(std::uint64_t number) {
  for (unsigned shift = 0; shift < 64; shift += 8) state_ = (state_ ^ ((number >> shift) & 0xffU)) * kFnvPrime;
  return *this;
}

ContentHash& ContentHash::add(const AddressRange& range) {
  add_bytes(range.first.bytes());
  add_bytes(range.last.bytes());
  return *this;
}

ContentHash& ContentHash::add(const Selector& selector) {
  add(selector.source).add(selector.destination).add(std::uint64_t{selector.protocol});
  for (const PortRange& ports : {selector.source_port, selector.destination_port}) {
    add(std::uint64_t{ports.first}).add(std::uint64_t{ports.last});
  }
  return *this;
}

ContentHash& ContentHash::add(const store::QuickModeOffer& offer) {
  const auto number = [](auto value) { return static_cast<std::uint64_t>(value); };
  add(offer.ah ? 1 + number(*offer.ah) : 0);
  add(offer.esp ? 1 + number(offer.esp->cipher) : 0).add(offer.esp ? 1 + number(offer.esp->integrity) : 0);
  return add(number(offer.lifetime_kilobytes)).add(number(offer.lifetime_seconds));
}

// The finisher of SplitMix64: FNV-1a alone leaves the high bits of short inputs nearly equal.
std::uint64_t ContentHash::id() const {
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  mixed ^= mixed >> 31U;
  return mixed == 0 ? 1 : mixed;
}

std::uint64_t protection_id(const std::vector<store::QuickModeOffer>& offers, bool pfs, DhGroup pfs_group) {
  ContentHash hash("protection");
  for (const store::QuickModeOffer& offer : offers) hash.add(offer);
  hash.add(std::uint64_t{pfs}).add(static_cast<std::uint64_t>(pfs_group));
  return hash.id();
}

std::uint64_t generic_filter_id(std::string_view rule_guid, std::string_view filter_guid) {
  return ContentHash("generic filter").add(rule_guid).add(filter_guid).id();
}

}  // namespace ipsec::agent
