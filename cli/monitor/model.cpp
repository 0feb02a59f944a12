#include "cli/monitor/model.h"

#include <algorithm>
#include <tuple>

namespace ipsec::cli::monitor {

namespace {

namespace proto = ::policyagent::v1;

std::optional<double> rate_between(std::uint64_t before, std::uint64_t now, double seconds) {
  if (seconds <= 0 || now < before) return std::nullopt;
  return static_cast<double>(now - before) / seconds;
}

}  // namespace

void Model::update(Sample sample) {
  const double seconds = has_sample_ ? std::chrono::duration<double>(sample.at - latest_.at).count() : 0;
  latest_ = std::move(sample);
  has_sample_ = true;
  update_quick_modes(seconds);
  ike_counters_.clear();
  driver_counters_.clear();
  drops_.clear();
  drops_are_known_ = false;
  if (!latest_.statistics) return;
  if (latest_.statistics->has_ike()) {
    ike_counters_ = counters_with_rates(latest_.statistics->ike().counters(), "ike/", seconds);
  }
  if (latest_.statistics->has_driver()) {
    driver_counters_ = counters_with_rates(latest_.statistics->driver().counters(), "driver/", seconds);
    update_drops(seconds);
  }
}

void Model::update_quick_modes(double seconds) {
  quick_modes_.clear();
  if (!latest_.quick_mode_sas) return;
  std::map<SaKey, Count> counts;
  for (const proto::SaStatus& status : latest_.quick_mode_sas->sas()) {
    const proto::Sa& sa = status.sa();
    const SaKey key{sa.direction(), sa.protocol(), sa.spi(), sa.destination().octets()};
    QuickModeRow row{status, {}};
    if (const auto before = sa_counts_.find(key); before != sa_counts_.end()) {
      row.rate.bytes = rate_between(before->second.bytes, status.bytes(), seconds);
      row.rate.packets = rate_between(before->second.packets, status.packets(), seconds);
    }
    counts[key] = {status.packets(), status.bytes()};
    quick_modes_.push_back(std::move(row));
  }
  sa_counts_ = std::move(counts);
}

std::vector<CounterRow> Model::counters_with_rates(const google::protobuf::RepeatedPtrField<proto::Counter>& counters,
                                                   const std::string& prefix, double seconds) {
  std::vector<CounterRow> rows;
  for (const proto::Counter& counter : counters) {
    CounterRow row{counter.name(), counter.text(), counter.value(), std::nullopt};
    const auto [before, is_new] = counts_.try_emplace(prefix + counter.name(), counter.value());
    if (!is_new) row.per_second = rate_between(before->second, counter.value(), seconds);
    before->second = counter.value();
    rows.push_back(std::move(row));
  }
  return rows;
}

void Model::update_drops(double seconds) {
  const auto& verdicts = latest_.statistics->driver().verdicts();
  drops_are_known_ = std::any_of(verdicts.begin(), verdicts.end(),
                                 [](const proto::Counter& verdict) { return !verdict.kind().empty(); });
  google::protobuf::RepeatedPtrField<proto::Counter> drops;
  for (const proto::Counter& verdict : verdicts) {
    if (!drops_are_known_ || verdict.kind() == "drop") *drops.Add() = verdict;
  }
  drops_ = counters_with_rates(drops, "verdict/", seconds);
  std::erase_if(drops_, [](const CounterRow& row) { return row.value == 0; });
  std::stable_sort(drops_.begin(), drops_.end(),
                   [](const CounterRow& a, const CounterRow& b) { return a.value > b.value; });
}

Rate Model::total(proto::Direction direction) const {
  Rate sum;
  for (const QuickModeRow& row : quick_modes_) {
    if (row.sa.sa().direction() != direction) continue;
    if (row.rate.bytes) sum.bytes = sum.bytes.value_or(0) + *row.rate.bytes;
    if (row.rate.packets) sum.packets = sum.packets.value_or(0) + *row.rate.packets;
  }
  return sum;
}

std::optional<std::uint64_t> Model::dropped_packets() const {
  if (!drops_are_known_) return std::nullopt;
  std::uint64_t sum = 0;
  for (const CounterRow& row : drops_) sum += row.value;
  return sum;
}

}  // namespace ipsec::cli::monitor
