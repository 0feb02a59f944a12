#include "services/ike/core/explain.h"

#include <chrono>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "services/ike/core/alternatives.h"
#include "services/ike/core/limits.h"
#include "services/ike/core/main_mode_sa.h"
#include "services/ike/core/offer_table.h"
#include "services/ike/core/policy_lookup.h"
#include "services/ike/core/quick_mode_messages.h"
#include "services/ike/wire/numbers.h"

namespace ipsec::ike {

namespace {

constexpr std::string_view kPresharedKey = "preshared key";

std::shared_ptr<Explanation> refused_by(Side side, std::string at) {
  auto explanation = std::make_shared<Explanation>();
  explanation->refused_by = side;
  explanation->at = std::move(at);
  return explanation;
}

void take(Comparison comparison, Explanation& explanation) {
  explanation.offers = std::move(comparison.table);
  explanation.remedies = std::move(comparison.remedies);
}

Remedy remedy(Side side, std::string field) {
  Remedy made;
  made.side = side;
  made.fields.push_back(std::move(field));
  return made;
}

void add_authentication_remedies(Explanation& explanation) {
  for (const Side side : {Side::kThisHost, Side::kPeer}) {
    Remedy made = remedy(side, std::string(kPresharedKey));
    made.authentication = kPresharedKey;
    explanation.remedies.push_back(std::move(made));
  }
}

// Each side can add what the other has: the peer a filter for the overlap, this host one for what is asked, and the
// other way round.
void add_traffic(const TrafficDifference& traffic, Side asker, const std::string& rule, Explanation& explanation) {
  explanation.traffic = traffic;
  for (const Side side : {Side::kThisHost, Side::kPeer}) {
    Remedy made = remedy(side, "traffic");
    std::optional<Selector> filter = traffic.asked;
    if (side == asker) filter = traffic.overlap;
    if (!filter) continue;
    made.filter = side == Side::kThisHost ? *filter : filter->mirrored();
    if (side == Side::kThisHost) made.rule = rule;
    explanation.remedies.push_back(std::move(made));
  }
}

// Between two sides in transport mode only what is between the hosts themselves can be asked for.
TrafficDifference traffic_difference(const Selector& asked, const Selector& configured) {
  return {asked, configured, intersection(asked, configured)};
}

// The message that a main mode waits for; 0: it computes, or is done.
int awaited_message(const MainModeState& state) {
  if (std::holds_alternative<AwaitingMessage2>(state)) return 2;
  if (std::holds_alternative<AwaitingMessage3>(state)) return 3;
  if (std::holds_alternative<AwaitingMessage4>(state)) return 4;
  if (std::holds_alternative<AwaitingMessage5>(state)) return 5;
  if (std::holds_alternative<AwaitingMessage6>(state)) return 6;
  return 0;
}

std::string main_mode_message(int number) {
  return number == 0 ? std::string() : fmt::format("main mode message {}", number);
}

bool is_timeout(FailureReason reason) {
  switch (reason) {
    case FailureReason::kTimeoutMessage2:
    case FailureReason::kTimeoutMessage3:
    case FailureReason::kTimeoutMessage4:
    case FailureReason::kTimeoutMessage5:
    case FailureReason::kTimeoutMessage6:
    case FailureReason::kTimeoutQuickMode2:
    case FailureReason::kTimeoutQuickMode3:
    case FailureReason::kPeerDead:
      return true;
    default:
      return false;
  }
}

// Who ended it, where the failure itself does not say.
Side blamed(FailureReason reason) {
  if (is_timeout(reason)) return Side::kNobody;
  return reason == FailureReason::kDeletedByPeer ? Side::kPeer : Side::kThisHost;
}

std::string seconds_text(Duration duration) {
  return fmt::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

void add_sending_facts(const std::string& message, const Resender& resender, const Endpoint& local,
                       const Endpoint& peer, Explanation& explanation) {
  if (resender.last_size() == 0) return;
  explanation.facts.push_back(fmt::format("{} ({} octets) was sent {} times from {} to {}", message,
                                          resender.last_size(), resender.times_sent_again() + 1, local.to_string(),
                                          peer.to_string()));
}

void add_nat_fact(const NatFound& nat, Explanation& explanation) {
  if (nat.any()) explanation.facts.push_back(fmt::format("NAT-D: {} behind an address translator", name(nat)));
}

template <typename State>
NatFound nat_of(const State& state) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.choice.nat; }) {
          return one.choice.nat;
        } else {
          return NatFound{};
        }
      },
      state);
}

// RFC 2409 appendix A; Kerberos as Windows numbers it.
std::uint16_t method_number(const AuthenticationMethod& method) {
  if (std::holds_alternative<PresharedKeyMethod>(method)) return phase1::kMethodPresharedKey;
  return std::holds_alternative<KerberosMethod>(method) ? 65001 : 3;
}

void add_silence_checks(const MainModeSa& sa, int awaited, Explanation& explanation) {
  auto& checks = explanation.checks;
  const std::string peer = sa.peer.address.to_string();
  if (awaited == 2) {
    checks.push_back(fmt::format("that {} is up and reachable, and that an IKE service runs there", peer));
    checks.push_back(
        fmt::format("that firewalls let UDP ports {} and {} through, both ways", kIkePort, kNatTraversalPort));
    checks.push_back(fmt::format("that a policy is assigned on {}: a host without one keeps silent", peer));
    return;
  }
  if (awaited == 6) {
    checks.push_back(
        "the preshared key on both sides: a peer with another one cannot read message 5, and some keep silent");
    add_authentication_remedies(explanation);
  }
  checks.push_back(
      fmt::format("that UDP port {} passes both ways, and that long messages do: fragments may be lost", sa.peer.port));
}

void add_key_explanation(const MainModeSa& sa, Explanation& explanation) {
  explanation.facts.push_back(
      sa.initiator ? fmt::format("this host has sent message 5, encrypted with keys made of the preshared key of its "
                                 "rule '{}' for {}",
                                 sa.facts.rule.rule_name, sa.peer.address.to_string())
                   : fmt::format("message 5 of {} does not decrypt to anything with keys made of the preshared key of "
                                 "rule '{}'",
                                 sa.peer.address.to_string(), sa.facts.rule.rule_name));
  explanation.checks.push_back(
      "the preshared key on both sides: neither can see the other's, so set the same one on both; blanks and upper "
      "case count");
  explanation.checks.emplace_back(
      "which rule each side uses for the other's address: another rule may have another key");
  add_authentication_remedies(explanation);
}

// What this host has asked for in this quick mode.
SaPayload offers_of(const MainModeSa& sa, const QuickModeExchange& exchange) {
  const Established& established = *sa.proven();
  const QuickModeRule& rule = exchange.facts.rule;
  return quick_mode_offers(rule.policy, wire_encapsulation(rule.encapsulation, established),
                           pfs_group(rule.policy, established), exchange.own_spis);
}

std::string quick_mode_message(const QuickModeExchange& exchange) {
  if (exchange.facts.initiator) {
    const bool asked = std::holds_alternative<AwaitingAnswer>(exchange.state);
    return asked || std::holds_alternative<ComputingPfsSecret>(exchange.state) ? "quick mode message 2" : "";
  }
  return std::holds_alternative<AwaitingConfirmation>(exchange.state) ? "quick mode message 3" : "quick mode message 1";
}

}  // namespace

ExplanationPointer explain_refused_main_mode(const SaPayload& offered, const SaPayload& configured) {
  auto explanation = refused_by(Side::kThisHost, main_mode_message(1));
  explanation->unproven = true;
  take(compare_main_mode(offered, configured, Side::kPeer), *explanation);
  explanation->alternatives = write_alternatives(configured, kMaxMessage1Size);
  return explanation;
}

ExplanationPointer explain_refused_quick_mode(const SaPayload& offered, const SaPayload& configured) {
  auto explanation = refused_by(Side::kThisHost, "quick mode message 1");
  take(compare_quick_mode(offered, configured, Side::kPeer), *explanation);
  explanation->alternatives = write_alternatives(configured, kMaxMessage1Size);
  return explanation;
}

ExplanationPointer explain_modified_main_mode(const SaPayload& offered, const SaPayload& answer) {
  auto explanation = refused_by(Side::kThisHost, main_mode_message(2));
  explanation->unproven = true;
  explanation->offers = compare_main_mode(offered, answer, Side::kThisHost).table;
  explanation->checks.emplace_back("the peer's software: a responder may not change an offer (RFC 2409 section 5)");
  return explanation;
}

ExplanationPointer explain_modified_quick_mode(const SaPayload& offered, const SaPayload& answer) {
  auto explanation = refused_by(Side::kThisHost, "quick mode message 2");
  explanation->offers = compare_quick_mode(offered, answer, Side::kThisHost).table;
  explanation->checks.emplace_back("the peer's software: a responder may not change an offer (RFC 2409 section 5)");
  return explanation;
}

ExplanationPointer explain_refused_traffic(const IkePolicy& policy, const Selector& outbound, const IpAddress& local,
                                           const IpAddress& peer) {
  auto explanation = refused_by(Side::kThisHost, "quick mode message 1");
  const Filter* filter = nearest_filter(policy, outbound);
  if (filter == nullptr) {
    explanation->checks.push_back(
        fmt::format("the policy of this host: it negotiates nothing with {}", peer.to_string()));
    return explanation;
  }
  // In transport mode an SA is between the two hosts, so that this is what the filter is good for.
  const bool transport = filter->encapsulation() == Encapsulation::kTransport;
  const bool covers = filter->selector.source.contains(local) && filter->selector.destination.contains(peer);
  const Selector configured = transport && covers ? negotiated_selector(*filter, local, peer) : filter->selector;
  add_traffic(traffic_difference(outbound, configured), Side::kPeer, filter->rule_name, *explanation);
  explanation->alternatives = write_traffic(configured);
  return explanation;
}

ExplanationPointer explain_unknown_peer(const IkePolicy& policy, const IpAddress& local, const IpAddress& peer) {
  auto explanation = refused_by(Side::kThisHost, main_mode_message(1));
  explanation->unproven = true;
  explanation->checks.push_back(fmt::format("the filters of policy '{}': no rule that negotiates is for {} and {}",
                                            policy.policy_name, local.to_string(), peer.to_string()));
  explanation->checks.push_back(fmt::format(
      "that packets of {} come from the address that the filters name: a translator changes it", peer.to_string()));
  const MainModeFilter* filter = nearest_main_mode_filter(policy, local, peer);
  if (filter == nullptr) return explanation;
  const Selector wanted{AddressRange::host(local), AddressRange::host(peer), kProtocolAny, {}, {}};
  explanation->traffic =
      traffic_difference(wanted, {filter->local, filter->remote, kProtocolAny, PortRange(), PortRange()});
  Remedy made = remedy(Side::kThisHost, "addresses");
  made.filter = wanted;
  made.rule = filter->rule_name;
  explanation->remedies.push_back(std::move(made));
  return explanation;
}

ExplanationPointer explain_unusable_methods(const SaPayload& offered, const MainModePolicy& policy,
                                            const std::vector<AuthenticationMethod>& methods) {
  SaPayload configured = main_mode_offers(policy);
  std::vector<Transform>& transforms = configured.proposals.front().transforms;
  const std::vector<Transform> of_policy = std::exchange(transforms, {});
  for (const AuthenticationMethod& method : methods) {
    for (Transform transform : of_policy) {
      if (transforms.size() == kMaxOffersCompared) break;
      for (Attribute& attribute : transform.attributes) {
        if (attribute.type == phase1::kAuthenticationMethod)
          attribute = Attribute::number(attribute.type, method_number(method));
      }
      transforms.push_back(std::move(transform));
    }
  }
  return explain_refused_main_mode(offered, configured);
}

ExplanationPointer explain_unread(std::string at, std::string check, bool assign) {
  auto explanation = refused_by(Side::kThisHost, std::move(at));
  explanation->unproven = true;
  explanation->checks.push_back(std::move(check));
  if (assign) {
    Remedy made = remedy(Side::kThisHost, "policy");
    made.assign = true;
    explanation->remedies.push_back(std::move(made));
  }
  return explanation;
}

ExplanationPointer explain_peers_refusal(const MainModeSa& sa, const NotifyPayload& notify) {
  const int awaited = awaited_message(sa.state);
  auto explanation = refused_by(Side::kPeer, main_mode_message(awaited == 0 ? 0 : awaited - 1));
  explanation->notify = name(notify.type);
  explanation->unproven = true;
  if (awaited != 2) return explanation;
  const SaPayload offered = main_mode_offers(sa.facts.rule.policy, sa.facts.rule.methods);
  const auto told = read_alternatives(notify.data);
  if (told && notify.type == NotifyType::kNoProposalChosen) {
    take(compare_main_mode(offered, *told, Side::kThisHost), *explanation);
    return explanation;
  }
  explanation->offers = main_mode_table(offered);
  explanation->checks.push_back(fmt::format(
      "the main mode methods of {}, and whether it has a rule for {} at all: it refuses both in these words",
      sa.peer.address.to_string(), sa.local.address.to_string()));
  return explanation;
}

ExplanationPointer explain_peers_refusal(const MainModeSa& sa, const QuickModeExchange& exchange,
                                         const NotifyPayload& notify) {
  auto explanation = refused_by(Side::kPeer, "quick mode message 1");
  explanation->notify = name(notify.type);
  const SaPayload offered = offers_of(sa, exchange);
  if (notify.type == NotifyType::kNoProposalChosen) {
    if (const auto told = read_alternatives(notify.data)) {
      take(compare_quick_mode(offered, *told, Side::kThisHost), *explanation);
      return explanation;
    }
  }
  explanation->offers = quick_mode_table(offered);
  if (notify.type != NotifyType::kInvalidIdInformation) {
    explanation->checks.push_back(
        fmt::format("the quick mode methods, PFS and tunnel settings of {}", sa.peer.address.to_string()));
    return explanation;
  }
  explanation->offers = {};
  if (const auto told = read_traffic(notify.data)) {
    add_traffic(traffic_difference(exchange.facts.outbound, *told), Side::kThisHost, exchange.facts.rule.rule_name,
                *explanation);
    return explanation;
  }
  explanation->checks.push_back(fmt::format("that a filter of {} contains {}", sa.peer.address.to_string(),
                                            exchange.facts.outbound.mirrored().to_string()));
  return explanation;
}

Explanation explanation_of(const MainModeSa& sa, const Failure& failure, Timestamp now) {
  Explanation explanation;
  if (failure.explanation) explanation = *failure.explanation;
  const int awaited = awaited_message(sa.state);
  if (!failure.explanation) {
    explanation.refused_by = blamed(failure.reason);
    explanation.at = main_mode_message(awaited);
  }
  if (failure.reason == FailureReason::kAuthenticationFailed) {
    explanation.unproven = true;
    const MainModeChoice* choice = choice_of(sa.state);
    // What fails with certificates is in the failure's own words.
    if (choice == nullptr || choice->method == phase1::kMethodPresharedKey) add_key_explanation(sa, explanation);
  }
  if (sa.initiator && awaited != 0)
    add_sending_facts(main_mode_message(awaited - 1), sa.resender, sa.local, sa.peer, explanation);
  if (is_timeout(failure.reason)) {
    explanation.facts.push_back(
        sa.peer_has_spoken
            ? fmt::format("messages of this negotiation came from {}, none of them the one awaited",
                          sa.peer.address.to_string())
            : fmt::format("nothing came from {} in {}", sa.peer.address.to_string(), seconds_text(now - sa.created)));
    explanation.facts.push_back(sa.unreachable.empty() ? "no ICMP error came" : sa.unreachable);
    add_silence_checks(sa, awaited, explanation);
    if (awaited == 2)
      explanation.offers = main_mode_table(main_mode_offers(sa.facts.rule.policy, sa.facts.rule.methods));
  }
  add_nat_fact(nat_of(sa.state), explanation);
  return explanation;
}

Explanation explanation_of(const MainModeSa& sa, const QuickModeExchange& exchange, const Failure& failure,
                           Timestamp now) {
  Explanation explanation;
  if (failure.explanation) explanation = *failure.explanation;
  if (!failure.explanation) {
    explanation.refused_by = blamed(failure.reason);
    explanation.at = quick_mode_message(exchange);
  }
  if (is_timeout(failure.reason)) {
    const bool initiator = exchange.facts.initiator;
    add_sending_facts(fmt::format("quick mode message {}", initiator ? 1 : 2), exchange.resender, sa.local, sa.peer,
                      explanation);
    explanation.facts.push_back(fmt::format("nothing of this quick mode came from {} in {}",
                                            sa.peer.address.to_string(), seconds_text(now - exchange.created)));
    explanation.checks.push_back(fmt::format("that {} still runs: main mode was done {} before",
                                             sa.peer.address.to_string(), seconds_text(now - sa.established_at)));
    if (initiator && sa.proven() != nullptr) explanation.offers = quick_mode_table(offers_of(sa, exchange));
  }
  if (sa.proven() != nullptr) add_nat_fact(sa.proven()->choice.nat, explanation);
  return explanation;
}

}  // namespace ipsec::ike
