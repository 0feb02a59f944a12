#include "services/ike/core/soft_sa.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "services/ike/core/limits.h"
#include "services/ike/core/sa_pairs.h"
#include "services/ike/core/wishes.h"

namespace ipsec::ike {

namespace {

// The driver's rule for SPIs holds for those that only name a soft SA, too (RFC 4303 2.1).
constexpr std::uint32_t kFirstSpi = 256;

std::uint64_t note_request(Turn& turn, PendingRequest::Kind kind, std::uint64_t attempt, const DeleteSa& undo) {
  const std::uint64_t id = turn.state.next_request++;
  PendingRequest request;
  request.kind = kind;
  request.soft_sa = attempt;
  request.undo = undo;
  turn.state.requests[id] = request;
  return id;
}

std::uint32_t other_spi(RandomSource& random, std::uint32_t spi) {
  for (;;) {
    const std::uint32_t chosen = random.u32();
    if (chosen >= kFirstSpi && chosen != spi) return chosen;
  }
}

SaParameters parameters_of(const SoftSaAttempt& attempt, Direction direction, const QuickModeRule& rule) {
  const QuickModeWish& wish = attempt.wish;
  const bool inbound = direction == Direction::kInbound;
  SaParameters sa;
  sa.soft = true;
  sa.direction = direction;
  sa.spi = inbound ? attempt.inbound_spi : attempt.outbound_spi;
  sa.pair_spi = inbound ? attempt.outbound_spi : attempt.inbound_spi;
  sa.source = inbound ? wish.peer : wish.local;
  sa.destination = inbound ? wish.local : wish.peer;
  sa.selector = inbound ? wish.outbound.mirrored() : wish.outbound;
  sa.filter_id = inbound ? rule.inbound_filter_id : rule.outbound_filter_id;
  sa.lifetime_seconds = attempt.lifetime_seconds;
  sa.rule_name = rule.rule_name;
  sa.quick_mode_policy = rule.policy.name;
  sa.initiator = true;
  return sa;
}

void install(Turn& turn, std::uint64_t attempt_id, const SoftSaAttempt& attempt, Direction direction) {
  SaParameters sa = parameters_of(attempt, direction, attempt.wish.rule);
  const std::uint64_t id = note_request(turn, PendingRequest::Kind::kInstallSa, attempt_id,
                                        {sa.spi, direction, sa.protocol, attempt.wish.peer});
  ++(direction == Direction::kInbound ? turn.state.statistics.total_key_update : turn.state.statistics.total_key_add);
  turn.actions.emplace_back(InstallSa{id, std::move(sa)});
}

void report(Turn& turn, std::string_view name, Severity severity, const SoftSaAttempt& attempt,
            const std::string& text) {
  const QuickModeWish& wish = attempt.wish;
  turn.report(std::string(name), severity, text,
              {{"local", wish.local.to_string()},
               {"peer", wish.peer.to_string()},
               {"rule", wish.rule.rule_name},
               {"quick_mode_policy", wish.rule.policy.name},
               {"filter", wish.rule.filter_text},
               {"spi_in", fmt::format("{:08x}", attempt.inbound_spi)},
               {"spi_out", fmt::format("{:08x}", attempt.outbound_spi)},
               {"lifetime_seconds", fmt::format("{}", attempt.lifetime_seconds)}});
}

// Takes back what of the attempt is in the driver, or may still come into it: calls are carried out in order, and
// unknown SPIs are no error.
void take_back(Turn& turn, const SoftSaAttempt& attempt) {
  if (attempt.inbound_spi == 0) return;
  turn.delete_sa(attempt.inbound_spi, Direction::kInbound, SecurityProtocol::kEsp, attempt.wish.peer);
  if (!attempt.inbound_installed) return;
  turn.delete_sa(attempt.outbound_spi, Direction::kOutbound, SecurityProtocol::kEsp, attempt.wish.peer);
}

void abandon(Turn& turn, std::uint64_t id, const Failure& why) {
  auto& attempts = turn.state.soft_sas.attempts;
  const auto found = attempts.find(id);
  if (found == attempts.end()) return;
  const SoftSaAttempt attempt = std::move(found->second);
  attempts.erase(found);
  take_back(turn, attempt);
  fail_wish(turn, attempt.wish, why);
}

void end(Turn& turn, std::uint32_t inbound_spi, const SoftSaPair& pair, std::string_view why) {
  turn.delete_sa(inbound_spi, Direction::kInbound, SecurityProtocol::kEsp, pair.peer);
  turn.delete_sa(pair.outbound_spi, Direction::kOutbound, SecurityProtocol::kEsp, pair.peer);
  turn.report(
      "soft_sa_ended", Severity::kInformation,
      fmt::format("soft SA with {} ended: {}; the next packet tries security again", pair.peer.to_string(), why),
      {{"peer", pair.peer.to_string()},
       {"spi_in", fmt::format("{:08x}", inbound_spi)},
       {"spi_out", fmt::format("{:08x}", pair.outbound_spi)},
       {"reason", std::string(why)}});
}

}  // namespace

bool may_go_on_in_clear(const IkePolicy& policy, const QuickModeWish& wish) {
  if (wish.acquire_ids.empty()) return false;
  const Filter* filter = find_filter(policy, wish.rule.outbound_filter_id);
  return filter != nullptr && filter->allow_soft && filter->encapsulation() == Encapsulation::kTransport;
}

bool does_ipsec(EngineState& state, const IpAddress& local, const IpAddress& peer) {
  return state.quick_modes.any_with(peer) || state.main_modes.find_established(local, peer) != nullptr;
}

void begin_soft_sa(Turn& turn, QuickModeWish wish, std::uint32_t lifetime_seconds) {
  const std::uint64_t id = turn.state.soft_sas.next_attempt++;
  const IpAddress local = wish.local;
  const IpAddress peer = wish.peer;
  turn.state.soft_sas.attempts[id] = {std::move(wish), std::max(lifetime_seconds, kMinMainModeLifetimeSeconds), 0, 0,
                                      false};
  const std::uint64_t request =
      note_request(turn, PendingRequest::Kind::kReserveSpi, id, {0, Direction::kInbound, SecurityProtocol::kEsp, peer});
  ++turn.state.statistics.total_get_spi;
  turn.actions.emplace_back(ReserveSpi{request, SecurityProtocol::kEsp, local, peer});
}

bool join_soft_sa(Turn& turn, const QuickModeWish& wish) {
  for (auto& [id, attempt] : turn.state.soft_sas.attempts) {
    if (!attempt.wish.same_traffic(wish)) continue;
    join(attempt.wish, wish);
    return true;
  }
  return false;
}

bool soft_sa_spi_reserved(Turn& turn, std::uint64_t attempt, std::uint32_t spi) {
  const auto found = turn.state.soft_sas.attempts.find(attempt);
  if (found == turn.state.soft_sas.attempts.end()) return false;
  found->second.inbound_spi = spi;
  found->second.outbound_spi = other_spi(turn.state.random, spi);
  install(turn, attempt, found->second, Direction::kInbound);
  return true;
}

bool soft_sa_installed(Turn& turn, std::uint64_t attempt) {
  auto& attempts = turn.state.soft_sas.attempts;
  const auto found = attempts.find(attempt);
  if (found == attempts.end()) return false;
  SoftSaAttempt& making = found->second;
  if (!making.inbound_installed) {
    making.inbound_installed = true;
    install(turn, attempt, making, Direction::kOutbound);
    return true;
  }
  const SoftSaAttempt made = std::move(making);
  attempts.erase(found);
  turn.state.soft_sas.by_inbound[made.inbound_spi] = {made.outbound_spi, made.wish.peer};
  ++turn.state.statistics.soft_sas;
  report(turn, "soft_sa_made", Severity::kWarning, made,
         fmt::format("{} does not answer; its packets pass in clear, as rule '{}' allows ({}), for {} s at most",
                     made.wish.peer.to_string(), made.wish.rule.rule_name, made.wish.rule.filter_text,
                     made.lifetime_seconds));
  return true;
}

void soft_sa_refused(Turn& turn, std::uint64_t attempt, const std::string& text) {
  abandon(turn, attempt, {FailureReason::kDriverFailed, text});
}

bool soft_sa_ended(Turn& turn, const SaEnded& ended) {
  auto& pairs = turn.state.soft_sas.by_inbound;
  const auto found = ended.direction == Direction::kInbound
                         ? pairs.find(ended.spi)
                         : std::find_if(pairs.begin(), pairs.end(), [&](const auto& entry) {
                             return entry.second.outbound_spi == ended.spi && entry.second.peer == ended.peer;
                           });
  if (found == pairs.end()) return false;
  const auto [inbound_spi, pair] = *found;
  pairs.erase(found);
  end(turn, inbound_spi, pair, name(ended.reason));
  return true;
}

void adopt_soft_sa(Turn& turn, const SaParameters& inbound) {
  turn.state.soft_sas.by_inbound[inbound.spi] = {inbound.pair_spi, inbound.source};
}

void end_soft_sas(Turn& turn, const std::optional<IpAddress>& peer, std::string_view why) {
  std::erase_if(turn.state.soft_sas.by_inbound, [&](const auto& entry) {
    if (peer && entry.second.peer != *peer) return false;
    end(turn, entry.first, entry.second, why);
    return true;
  });
  std::vector<std::uint64_t> under_way;
  for (const auto& [id, attempt] : turn.state.soft_sas.attempts) {
    if (!peer || attempt.wish.peer == *peer) under_way.push_back(id);
  }
  for (const std::uint64_t id : under_way) abandon(turn, id, {FailureReason::kAlreadyServed, std::string(why)});
}

void apply_policy_to_soft_sas(Turn& turn) {
  std::vector<std::uint64_t> refused;
  for (const auto& [id, attempt] : turn.state.soft_sas.attempts) {
    if (!may_go_on_in_clear(turn.state.policy, attempt.wish)) refused.push_back(id);
  }
  for (const std::uint64_t id : refused)
    abandon(turn, id, {FailureReason::kPolicyChanged, "the policy in force does not let it go on in clear"});
}

void forget_soft_sas(Turn& turn, const Failure& why) {
  turn.state.soft_sas.by_inbound.clear();
  const auto attempts = std::exchange(turn.state.soft_sas.attempts, {});
  for (const auto& [id, attempt] : attempts) fail_wish(turn, attempt.wish, why);
}

}  // namespace ipsec::ike
