#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ipsec::bench {

using Json = nlohmann::ordered_json;

// What a benchmark found: one object with every figure, the machine and the versions.
class Report {
 public:
  explicit Report(std::string benchmark);

  Json& settings() { return json_["settings"]; }
  // One row for each thing measured.
  void add(Json figure) { json_["figures"].push_back(std::move(figure)); }
  Json& ratios() { return json_["ratios"]; }
  const Json& figures() const { return json_.at("figures"); }

  std::string to_json() const { return json_.dump(2); }
  // The figures as a table, a column for each key that is a number or a word.
  std::string to_text() const;

 private:
  Json json_;
};

// The middle one; of an even number the lower of the two in the middle. Requires at least one.
double median(std::vector<double> values);

}  // namespace ipsec::bench
