#include "services/ike/core/main_mode_states.h"

namespace ipsec::ike {

namespace {

struct NameOf {
  std::string operator()(const AwaitingMessage2&) const { return "awaiting message 2"; }
  std::string operator()(const MakingKeyPair&) const { return "making message 3"; }
  std::string operator()(const AwaitingMessage4&) const { return "awaiting message 4"; }
  std::string operator()(const ComputingSecret&) const { return "making message 5"; }
  std::string operator()(const AwaitingMessage6&) const { return "awaiting message 6"; }
  std::string operator()(const AwaitingMessage3&) const { return "awaiting message 3"; }
  std::string operator()(const ComputingAnswer&) const { return "making message 4"; }
  std::string operator()(const AwaitingMessage5&) const { return "awaiting message 5"; }
  std::string operator()(const ProvingAsInitiator&) const { return "signing message 5"; }
  std::string operator()(const VerifyingResponder&) const { return "verifying the responder"; }
  std::string operator()(const VerifyingInitiator&) const { return "verifying the initiator"; }
  std::string operator()(const ProvingAsResponder&) const { return "signing message 6"; }
  std::string operator()(const Established&) const { return "established"; }
};

}  // namespace

std::string name(const MainModeState& state) { return std::visit(NameOf{}, state); }

const MainModeChoice* choice_of(const MainModeState& state) {
  return std::visit(
      [](const auto& one) -> const MainModeChoice* {
        if constexpr (requires { one.choice; }) {
          return &one.choice;
        } else {
          return nullptr;
        }
      },
      state);
}

const Phase1Keys* keys_of(const MainModeState& state) {
  return std::visit(
      [](const auto& one) -> const Phase1Keys* {
        if constexpr (requires { one.keys; }) {
          return &one.keys;
        } else {
          return nullptr;
        }
      },
      state);
}

}  // namespace ipsec::ike
