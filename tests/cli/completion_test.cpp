#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipsec::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> choices(std::string_view line, ContextId context = ContextId::kStatic) {
  return complete(context, line).choices;
}

TEST(Completion, of_the_first_word) {
  EXPECT_THAT(choices("ex"), ElementsAre("exportpolicy", "exec", "exit"));
  EXPECT_THAT(choices("ip", ContextId::kRoot), ElementsAre("ipsec"));
  EXPECT_THAT(choices("", ContextId::kIpsec), ElementsAre("dump", "dynamic", "static", "set", "show", "ipsec"));
  EXPECT_THAT(choices("dyn"), ElementsAre("dynamic")) << "a context reached from above";
}

TEST(Completion, of_contexts_verbs_and_objects) {
  EXPECT_THAT(choices("ipsec ", ContextId::kRoot), ElementsAre("dump", "dynamic", "static"));
  EXPECT_THAT(choices("add "), ElementsAre("filter", "filteraction", "filterlist", "policy", "rule"));
  EXPECT_THAT(choices("ADD filterl"), ElementsAre("filterlist"));
  EXPECT_THAT(choices("ipsec dynamic show mms", ContextId::kRoot), ElementsAre("mmsas"));
  EXPECT_THAT(choices("add nonsense "), IsEmpty());
}

TEST(Completion, of_the_dynamic_context_and_the_root) {
  EXPECT_THAT(choices("ipsec dynamic add ", ContextId::kRoot), ElementsAre("mmpolicy", "qmpolicy", "rule", "sa"));
  EXPECT_THAT(choices("set config property=boot", ContextId::kDynamic), ElementsAre("bootmode", "bootexemptions"));
  EXPECT_THAT(choices("set store location=", ContextId::kStatic),
              ElementsAre("local", "persistent", "domain", "central", "cache"));
  EXPECT_THAT(choices("show ", ContextId::kRoot), ElementsAre("alias", "helper", "machine", "mode"));
}

TEST(Completion, of_tags_leaves_out_those_given) {
  EXPECT_THAT(choices("add filter srca"), ElementsAre("srcaddr="));
  EXPECT_THAT(choices("add filter filterlist=L srcaddr=any "), Not(Contains("srcaddr=")));
  EXPECT_THAT(choices("add filter filterlist=L srcaddr=any "), Contains("dstaddr="));
  EXPECT_THAT(choices("add rule R P rootca=CN=A root"), ElementsAre("rootca=")) << "may be repeated";
  EXPECT_THAT(choices("delete policy a"), ElementsAre("all"));
}

TEST(Completion, of_values) {
  const auto action = complete(ContextId::kStatic, "add filteraction name=A action=");
  EXPECT_THAT(action.choices, ElementsAre("permit", "block", "negotiate"));
  EXPECT_EQ(action.start, 31U);
  EXPECT_THAT(choices("add filter protocol=u"), ElementsAre("UDP"));
  EXPECT_THAT(choices("set policy P assign=y"), ElementsAre("yes"));
  EXPECT_THAT(choices("add rule psk="), IsEmpty());
  EXPECT_THAT(choices("add rule colour="), IsEmpty());
}

TEST(Completion, of_a_word_in_quotes_replaces_the_whole_word) {
  EXPECT_EQ(complete(ContextId::kStatic, "add policy \"my na").start, 11U);
}

}  // namespace
}  // namespace ipsec::cli
