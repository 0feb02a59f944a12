#include "services/ike/core/transitions.h"

#include <gtest/gtest.h>

namespace ipsec::ike {
namespace {

template <typename Result, typename State>
struct Leads : std::false_type {};
template <typename... States, typename State>
struct Leads<std::variant<States...>, State> : std::bool_constant<(std::is_same_v<States, State> || ...)> {};

// What must never become legal by accident; the compiler is the test.
static_assert(!LegalTransition<Established, MessageReceived>, "main mode is over");
static_assert(!LegalTransition<MakingKeyPair, MessageReceived>, "a computation is not overtaken");
static_assert(!LegalTransition<AwaitingMessage2, DhComputed>);
static_assert(!LegalTransition<PreparingOffer, MessageReceived>);
static_assert(!LegalTransition<InstallingInbound, MessageReceived>);
static_assert(Leads<ResultOf<AwaitingMessage6, MessageReceived>, Established>::value);
static_assert(!Leads<ResultOf<AwaitingMessage2, MessageReceived>, Established>::value,
              "nobody is authenticated by message 2");
static_assert(!Leads<ResultOf<AwaitingMessage4, MessageReceived>, Established>::value);
static_assert(!Leads<ResultOf<AwaitingMessage3, MessageReceived>, Established>::value);
static_assert(!Leads<ResultOf<AwaitingAnswer, MessageReceived>, QuickModeFinished>::value,
              "not before the SAs are installed");

TEST(Transitions, states_have_the_names_of_listings) {
  EXPECT_EQ(name(MainModeState(AwaitingMessage4{})), "awaiting message 4");
  EXPECT_EQ(name(MainModeState(Established{})), "established");
}

}  // namespace
}  // namespace ipsec::ike
