#include "services/driver/core/last_look.h"

#include "services/driver/core/limits.h"

namespace ipsec::driver {
namespace {

using Conclusion = LastLook::Conclusion;

// What a verdict needs of the policy.
enum class Needs : std::uint8_t {
  kNever,       // not a verdict for a packet in clear
  kNoQuestion,  // no filter is asked
  kNoFilter,    // none matches
  kPermit,
  kSoft,
  kPassthrough,
  kNegotiated,  // of a router, which cannot know that security is demanded of it
  kGroup,       // inbound multicast or broadcast: whatever does not block
};

Needs needs_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOutboundIsakmp:
    case Verdict::kOutboundKeepAlive:
    case Verdict::kOutboundNeighbourDiscovery:
    case Verdict::kOutboundIpv6Exempt:
    case Verdict::kOutboundExempt:
    case Verdict::kOutboundBoot:
    case Verdict::kInboundIsakmp:
    case Verdict::kInboundNeighbourDiscovery:
    case Verdict::kInboundIpv6Exempt:
    case Verdict::kInboundExempt:
    case Verdict::kInboundBoot:
      return Needs::kNoQuestion;
    case Verdict::kOutboundNoFilter:
    case Verdict::kInboundNoFilter:
      return Needs::kNoFilter;
    case Verdict::kOutboundPermitted:
    case Verdict::kInboundPermitted:
      return Needs::kPermit;
    case Verdict::kOutboundSoft:
    case Verdict::kInboundSoft:
      return Needs::kSoft;
    case Verdict::kInboundPassthrough:
      return Needs::kPassthrough;
    case Verdict::kInboundMulticast:
      return Needs::kGroup;
    case Verdict::kInboundPathMtuPassed:
      return Needs::kNegotiated;
    default:
      return Needs::kNever;
  }
}

bool is_negotiated(const Filter* filter) { return filter != nullptr && filter->action == Action::kNegotiate; }

bool filter_agrees(const Conclusion& conclusion, const Tables& tables) {
  const Filter* const filter = conclusion.filter;
  switch (needs_of(conclusion.verdict)) {
    case Needs::kNever:
      return false;
    case Needs::kNoQuestion:
    case Needs::kNoFilter:
      return filter == nullptr;
    case Needs::kPermit:
      return filter != nullptr && filter->action == Action::kPermit;
    case Needs::kSoft:
      return is_negotiated(filter) && filter->allow_soft && !filter->is_tunnel();
    case Needs::kPassthrough:
      return is_negotiated(filter) && filter->admits_clear();
    case Needs::kNegotiated:
      return is_negotiated(filter);
    case Needs::kGroup:
      return filter == nullptr || filter->action != Action::kBlock || exempts_groups(tables.exemptions);
  }
  return false;
}

}  // namespace

bool LastLook::agrees(const Conclusion& conclusion, const PacketView& packet, const Tables& tables) {
  if (!filter_agrees(conclusion, tables)) return false;
  if (needs_of(conclusion.verdict) == Needs::kNoQuestion) return true;
  const Filter* const filter = conclusion.filter;
  // Fragments on their own show no ports; they pass only where those do not matter.
  if (packet.is_fragment) return true;
  if (filter != nullptr && (filter->direction != conclusion.direction || !filter->selector.matches(packet.tuple)))
    return false;
  if (until_lookup_-- != 0) return true;
  until_lookup_ = limits::kLastLookInterval - 1;
  const FilterEntry* const entry = tables.filters->match(conclusion.direction, packet.tuple);
  return (entry == nullptr ? nullptr : &entry->filter) == filter;
}

}  // namespace ipsec::driver
