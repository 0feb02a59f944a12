// Several workers on the same snapshots, while the control side changes them. Meant for the thread sanitizer; without
// it the counts still have to be right.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/driver/core/test_host.h"

namespace ipsec::driver::tests {
namespace {

// A snapshot handed from the control thread to workers.
class Published {
 public:
  void set(TablesPointer tables) { std::atomic_store(&tables_, std::move(tables)); }
  TablesPointer get() const { return std::atomic_load(&tables_); }

 private:
  TablesPointer tables_;
};

TEST(Threads, one_sa_used_by_all_workers_gives_each_packet_its_own_number_and_loses_none) {
  constexpr unsigned kWorkers = 4;
  constexpr unsigned kRounds = 300;
  constexpr unsigned kPackets = 16;
  TestHost left("10.77.0.1"), right("10.77.0.2");
  const FilterPair pair = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
  left.set_filters({pair.outbound});
  right.set_filters({});
  SaRecipe recipe;
  recipe.selector = pair.outbound.selector;
  recipe.outbound_filter = kFilter;
  recipe.replay_window = 65536;
  connect(left, right, recipe);
  Published left_tables, right_tables;
  left_tables.set(left.control().tables());
  right_tables.set(right.control().tables());

  std::vector<std::unique_ptr<Worker>> left_workers, right_workers;
  for (unsigned i = 0; i < kWorkers; ++i) {
    left_workers.push_back(*left.control().make_worker(system_random()));
    right_workers.push_back(*right.control().make_worker(system_random()));
  }
  std::atomic<std::uint64_t> delivered{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      for (unsigned round = 0; round < kRounds; ++round) {
        std::vector<Bytes> packets(kPackets, icmp_echo({left.own(), right.own()}, 30));
        std::vector<Packet> views;
        for (Bytes& packet : packets) views.push_back({packet, {}});
        Output sent, received;
        left_workers[i]->process_outbound(views, *left_tables.get(), left.now, sent);
        MemoryPort wire;
        wire.send(sent.to_wire);
        auto stored = wire.take_sent();
        std::vector<Packet> arrived;
        for (Stored& packet : stored) arrived.push_back({packet.bytes, packet.offload});
        right_workers[i]->process_inbound(arrived, *right_tables.get(), right.now, received);
        delivered += received.to_host.size();
      }
    });
  }
  // Meanwhile other SAs come and go.
  for (int i = 0; i < 200; ++i) {
    SaRecipe other;
    other.selector = between("10.77.0.1", "10.77.0.2", kProtocolTcp);
    other.outbound_filter = kFilter + 50;
    const std::uint32_t spi = connect(left, right, other);
    left_tables.set(left.control().tables());
    right_tables.set(right.control().tables());
    left.control().delete_sa(spi, Direction::kOutbound, SecurityProtocol::kEsp, right.own());
    left.control().statistics();
    left.control().list_sas(left.now);
    left.control().tick(left.now);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(delivered, std::uint64_t{kWorkers} * kRounds * kPackets);
  EXPECT_EQ(left.count(Verdict::kOutboundSecured), delivered);
  EXPECT_EQ(right.count(Verdict::kInboundReplayed), 0U);
}

TEST(Threads, held_packets_of_all_workers_are_released_to_any) {
  constexpr unsigned kWorkers = 4;
  TestHost left("10.77.0.1"), right("10.77.0.2");
  const FilterPair pair = mirrored(kFilter, between("10.77.0.1", "10.77.0.2"), Action::kNegotiate);
  left.set_filters({pair.outbound});
  right.set_filters({});
  Published tables;
  tables.set(left.control().tables());
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < kWorkers; ++i) workers.push_back(*left.control().make_worker(system_random()));
  std::atomic<std::uint64_t> acquires{0}, secured{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      const auto work = [&](auto call) {
        Output output;
        call(output);
        acquires += events_of<Acquire>(output.events).size();
        secured += output.to_wire.size();
      };
      for (int packet = 0; packet < 4; ++packet) {
        Bytes bytes = icmp_echo({left.own(), right.own()}, 30);
        Packet view{bytes, {}};
        work([&](Output& output) { workers[i]->process_outbound({&view, 1}, *tables.get(), left.now, output); });
      }
      while (!stop) {
        if (left.control().has_released_packets()) {
          work([&](Output& output) { workers[i]->process_released(*tables.get(), left.now, output); });
        }
        std::this_thread::yield();
      }
    });
  }
  while (acquires == 0) std::this_thread::yield();
  SaRecipe recipe;
  recipe.selector = pair.outbound.selector;
  recipe.outbound_filter = kFilter;
  connect(left, right, recipe);
  tables.set(left.control().tables());
  while (secured < kWorkers * 4) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(acquires, 1U);
  EXPECT_EQ(secured, kWorkers * 4);
}

}  // namespace
}  // namespace ipsec::driver::tests
