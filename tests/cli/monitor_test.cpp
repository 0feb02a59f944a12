#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/monitor/render.h"
#include "cli/monitor/sampler.h"
#include "cli/text.h"
#include "tests/cli/golden.h"
#include "tests/cli/samples.h"
#include "tests/cli/test_agent.h"

namespace ipsec::cli::monitor {
namespace {

using cli::tests::expect_golden;
using testing::HasSubstr;
using testing::Not;

Sample sample_at(std::int64_t seconds) {
  Sample sample;
  sample.at = Timestamp{std::chrono::seconds(seconds)};
  sample.wall_clock = cli::tests::kSampleTime + seconds;
  sample.status = cli::tests::sample_status();
  sample.main_mode_sas = cli::tests::sample_main_mode_sas();
  sample.quick_mode_sas = cli::tests::sample_quick_mode_sas();
  sample.statistics = cli::tests::sample_statistics();
  for (proto::Counter& verdict : *sample.statistics->mutable_driver()->mutable_verdicts()) {
    verdict.set_kind(verdict.name().starts_with("dropped") ? "drop" : "pass");
  }
  sample.events = cli::tests::sample_events();
  return sample;
}

// Two samples two seconds apart; the first outbound SA carried 20 packets of 1000 bytes in between.
Model busy_model() {
  Model model;
  model.update(sample_at(0));
  Sample next = sample_at(2);
  proto::SaStatus& busy = *next.quick_mode_sas->mutable_sas(0);
  busy.set_packets(busy.packets() + 20);
  busy.set_bytes(busy.bytes() + 20000);
  next.statistics->mutable_driver()->mutable_verdicts(1)->set_value(14);
  model.update(std::move(next));
  return model;
}

std::string text_of(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += line.text + "\n";
  return text;
}

TEST(MonitorModel, rates_need_two_samples) {
  Model model;
  model.update(sample_at(0));
  ASSERT_EQ(model.quick_modes().size(), 5U);
  EXPECT_FALSE(model.quick_modes()[0].rate.bytes.has_value());
  EXPECT_FALSE(model.drops()[0].per_second.has_value());
}

TEST(MonitorModel, rates_are_differences_over_time) {
  const Model model = busy_model();
  EXPECT_DOUBLE_EQ(model.quick_modes()[0].rate.bytes.value(), 10000);
  EXPECT_DOUBLE_EQ(model.quick_modes()[0].rate.packets.value(), 10);
  EXPECT_DOUBLE_EQ(model.quick_modes()[1].rate.bytes.value(), 0);
  EXPECT_DOUBLE_EQ(model.total(proto::DIRECTION_OUTBOUND).bytes.value(), 10000);
  EXPECT_DOUBLE_EQ(model.drops()[0].per_second.value(), 5);
}

TEST(MonitorModel, a_counter_that_shrank_has_no_rate) {
  Model model = busy_model();
  model.update(sample_at(3));
  EXPECT_FALSE(model.quick_modes()[0].rate.bytes.has_value());
  EXPECT_FALSE(model.drops()[0].per_second.has_value());
}

TEST(MonitorModel, an_sa_that_went_away_and_came_back_starts_again) {
  Model model = busy_model();
  Sample without = sample_at(4);
  without.quick_mode_sas->mutable_sas()->Clear();
  model.update(std::move(without));
  EXPECT_TRUE(model.quick_modes().empty());
  model.update(sample_at(6));
  EXPECT_FALSE(model.quick_modes()[0].rate.bytes.has_value());
}

TEST(MonitorModel, samples_of_the_same_moment_give_no_rate) {
  Model model;
  model.update(sample_at(1));
  model.update(sample_at(1));
  EXPECT_FALSE(model.quick_modes()[0].rate.bytes.has_value());
}

TEST(MonitorModel, drops_are_the_verdicts_that_drop_and_occurred) {
  const Model model = busy_model();
  ASSERT_EQ(model.drops().size(), 1U) << "passed packets and reasons that never occurred are left out";
  EXPECT_EQ(model.drops()[0].name, "dropped_replay");
  EXPECT_EQ(model.dropped_packets(), 14U);
}

TEST(MonitorModel, verdicts_without_a_kind_are_no_drops) {
  Sample sample = sample_at(0);
  for (proto::Counter& verdict : *sample.statistics->mutable_driver()->mutable_verdicts()) verdict.clear_kind();
  Model model;
  model.update(std::move(sample));
  EXPECT_FALSE(model.dropped_packets().has_value());
  EXPECT_EQ(model.drops().size(), 2U);
  EXPECT_THAT(render_plain(model, 80), HasSubstr("does not say which of these are drops"));
}

TEST(MonitorRender, golden_screens_of_80_by_24) {
  const Model model = busy_model();
  for (const ViewRow& row : views()) {
    Screen screen;
    screen.view = row.view;
    expect_golden(fmt::format("monitor-{}.txt", row.key), text_of(render(model, screen)));
  }
  expect_golden("monitor-once.txt", render_plain(model, 80));
}

TEST(MonitorRender, every_screen_has_its_size_and_says_how_to_leave) {
  const Model model = busy_model();
  for (const ViewRow& row : views()) {
    for (const auto& [width, height] : {std::pair(80U, 24U), std::pair(200U, 60U), std::pair(20U, 4U)}) {
      const auto lines = render(model, {row.view, width, height, 0, false});
      EXPECT_EQ(lines.size(), height);
      for (const Line& line : lines) EXPECT_LE(display_width(line.text), width) << line.text;
    }
    EXPECT_THAT(render(model, {row.view, 80, 24, 0, false}).back().text, HasSubstr("q Quit"));
  }
}

TEST(MonitorRender, scrolling_ends_with_the_last_page) {
  Sample sample = sample_at(0);
  for (int i = 0; i < 100; ++i) {
    proto::Event& event = *sample.events->add_events();
    event = sample.events->events(0);
    event.set_text(fmt::format("event {}", i));
  }
  Model model;
  model.update(std::move(sample));
  Screen screen{View::kEvents, 80, 24, 0, false};
  EXPECT_EQ(body_size(model, screen), 101U);
  EXPECT_THAT(render(model, screen)[1].text, HasSubstr("event 99")) << "the newest first";
  screen.scroll = 1000;
  EXPECT_THAT(render(model, screen)[22].text, HasSubstr("wrong")) << "the oldest last";
}

TEST(MonitorRender, what_is_missing_is_said) {
  Model model;
  Sample sample;
  sample.failures = {"The Policy Agent does not answer at /run/x"};
  model.update(std::move(sample));
  const std::string text = render_plain(model, 80);
  EXPECT_THAT(text, HasSubstr("does not answer at /run/x"));
  EXPECT_THAT(text, HasSubstr("Quick mode SAs are not available."));
}

TEST(MonitorJson, is_one_versioned_document_without_keys) {
  const std::string text = render_json(busy_model());
  const auto document = nlohmann::json::parse(text);
  EXPECT_EQ(document["schema"], "policyagent-monitor/1");
  EXPECT_EQ(document["dropped_packets"], 14);
  EXPECT_EQ(document["quick_mode_sas"]["sas"].size(), 5U);
  EXPECT_THAT(text, Not(HasSubstr("never to be seen")));
}

TEST(MonitorSampler, takes_everything_from_an_agent_and_names_what_is_missing) {
  cli::tests::TestAgent agent;
  const Sample whole = take_sample(agent.client(), {}, 7);
  EXPECT_TRUE(whole.failures.empty());
  EXPECT_TRUE(whole.status && whole.main_mode_sas && whole.quick_mode_sas && whole.statistics && whole.events);
  agent.take_services_away();
  const Sample partial = take_sample(agent.client(), {}, 7);
  EXPECT_EQ(partial.failures.size(), 2U);
  EXPECT_TRUE(partial.status && partial.events);
  agent.stop();
  EXPECT_EQ(take_sample(agent.client(), {}, 7).failures.size(), 1U);
}

}  // namespace
}  // namespace ipsec::cli::monitor
