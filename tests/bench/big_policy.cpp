#include "tests/bench/big_policy.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ipsec::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kActions = 10;

Json filter(unsigned number) {
  return {{"source", "me"},
          {"destination", fmt::format("10.{}.{}.{}", 100 + number / 62500, number / 250 % 250, 1 + number % 250)},
          {"protocol", "TCP"},
          {"destination_port", 1 + number % 60000}};
}

}  // namespace

std::string big_policy_document(const BigPolicy& settings) {
  Json lists = Json::array();
  Json rules = Json::array();
  Json actions = Json::array();
  for (unsigned action = 0; action < kActions; ++action) {
    actions.push_back({{"name", fmt::format("Secure {}", action)},
                       {"action", "negotiate"},
                       {"offers",
                        {{{"esp", {{"cipher", "AES128-GCM"}, {"integrity", "NONE"}}},
                          {"lifetime_kilobytes", 100000},
                          {"lifetime_seconds", 3600}}}}});
  }
  for (unsigned rule = 0; rule < settings.rules; ++rule) {
    const std::string name = fmt::format("Rule {}", rule);
    Json filters = Json::array();
    for (unsigned i = 0; i < settings.filters_per_rule; ++i) {
      filters.push_back(filter(rule * settings.filters_per_rule + i));
    }
    lists.push_back({{"name", name}, {"filters", std::move(filters)}});
    rules.push_back({{"name", name},
                     {"filter_list", name},
                     {"filter_action", fmt::format("Secure {}", rule % kActions)},
                     {"authentication", {{{"method", "psk"}, {"psk", "a key for measurements only"}}}}});
  }
  const Json policy = {
      {"name", kBigPolicyName}, {"rules", std::move(rules)}, {"default_response", {{"active", false}}}};
  return Json({{"format", "policyagent/1"},
               {"assigned", kBigPolicyName},
               {"policies", {policy}},
               {"filter_lists", std::move(lists)},
               {"filter_actions", std::move(actions)}})
      .dump();
}

}  // namespace ipsec::bench
