#include "services/ike/core/default_response.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "services/ike/core/limits.h"
#include "services/ike/core/quick_mode_exchange.h"

namespace ipsec::ike {

namespace {

struct Waiting {
  MainModeSa* sa;
  QuickModeExchange* exchange;
};

// What has ended meanwhile is forgotten here.
std::vector<Waiting> waiting_ones(Turn& turn) {
  std::vector<Waiting> found;
  std::erase_if(turn.state.awaiting_filter, [&](const QuickModeName& name) {
    MainModeSa* sa = turn.state.main_modes.find(name.handle);
    if (sa == nullptr || sa->established() == nullptr) return true;
    const auto exchange = sa->exchanges.find(name.message_id);
    if (exchange == sa->exchanges.end()) return true;
    if (!std::holds_alternative<AwaitingFilter>(exchange->second.state)) return true;
    found.push_back({sa, &exchange->second});
    return false;
  });
  return found;
}

AskForFilter question_of(const QuickModeExchange& exchange) {
  return {exchange.facts.local, exchange.facts.peer, exchange.facts.outbound};
}

}  // namespace

void await_filter(Turn& turn, MainModeSa& sa, QuickModeExchange& exchange, Opened message1) {
  // Another policy has come than the one that is awaited: the question stands.
  if (auto* waiting = std::get_if<AwaitingFilter>(&exchange.state)) {
    waiting->message1 = std::move(message1);
    return;
  }
  if (waiting_ones(turn).size() >= kMaxAwaitingFilter) {
    fail_quick_mode(turn, sa, exchange,
                    {FailureReason::kLimitReached,
                     fmt::format("{} quick modes wait for a dynamic filter already", kMaxAwaitingFilter)});
    return;
  }
  exchange.state = AwaitingFilter{std::move(message1)};
  exchange.forget_at = turn.now + kFilterPatience;
  turn.state.awaiting_filter.push_back({sa.handle, exchange.facts.message_id});
  turn.report(sa, "default_response", Severity::kInformation,
              fmt::format("{} asks to protect {}, for which there is no filter: the default response rule answers",
                          sa.peer.to_string(), exchange.facts.outbound.to_string()),
              fields_of(exchange));
  turn.actions.emplace_back(question_of(exchange));
}

void ask_for_filters_again(Turn& turn) {
  for (const Waiting& waiting : waiting_ones(turn)) turn.actions.emplace_back(question_of(*waiting.exchange));
}

void handle_filter_declined(Turn& turn, const FilterDeclined& declined) {
  for (const Waiting& waiting : waiting_ones(turn)) {
    const AskForFilter asked = question_of(*waiting.exchange);
    if (asked.local != declined.local || asked.peer != declined.peer || asked.outbound != declined.outbound) continue;
    fail_quick_mode(turn, *waiting.sa, *waiting.exchange,
                    {FailureReason::kNoMatchingFilter,
                     fmt::format("the peer asks for {} (seen from here {}): {}", asked.outbound.mirrored().to_string(),
                                 asked.outbound.to_string(), declined.text),
                     {{asked.outbound.mirrored().to_string()}, negotiating_filters(turn.state.policy)}});
  }
}

void answer_awaiting_filter(Turn& turn) {
  for (const Waiting& waiting : waiting_ones(turn)) {
    QuickModeExchange& exchange = *waiting.exchange;
    Opened message1 = std::get<AwaitingFilter>(exchange.state).message1;
    answer_message1(turn, *waiting.sa, exchange, std::move(message1));
    if (!std::holds_alternative<AwaitingFilter>(exchange.state) && !exchange.finished())
      exchange.forget_at = turn.now + kQuickModeTime;
  }
}

}  // namespace ipsec::ike
