#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/crypto/random.h"
#include "services/common/result.h"
#include "services/common/time.h"
#include "services/driver/core/events.h"
#include "services/driver/core/filter_table.h"
#include "services/driver/core/sa_table.h"

namespace ipsec::driver {

// The control side of the security association database: who may come, who ends when. Larval (an SPI without keys),
// mature, dying (inbound, its successor is there). One thread; workers see copies of table().
class Sad {
 public:
  // `engine`: see Sa::make().
  explicit Sad(RandomSource& random, std::optional<EspBackend> engine) : random_(random), engine_(engine) {}

  // See Control for the contracts of these five.
  Result<std::uint32_t> reserve_spi(SecurityProtocol protocol, const IpAddress& local, const IpAddress& peer,
                                    Timestamp now);
  Status install(SaParameters parameters, Timestamp now);
  bool remove(std::uint32_t spi, Direction direction, SecurityProtocol protocol, const IpAddress& peer);
  bool move_peer(std::uint32_t spi, std::uint16_t port);
  std::vector<DriverEvent> tick(Timestamp now);

  // Ends outbound SAs whose filter `after` does not have, does not negotiate any more or protects in another way than
  // `before`, and soft ones that it does not allow any more (an SA of filter 0 stays). Inbound ones run out (PA-26).
  std::vector<DriverEvent> end_without_filter(const FilterTable& before, const FilterTable& after);
  // Manual ones stay.
  std::vector<DriverEvent> end_all(SaEndReason reason);

  const SaTable& table() const { return table_; }
  // Grows with every change of table().
  std::uint64_t changes() const { return changes_; }
  // `link`: of the narrowest interface.
  std::vector<SaStatus> list(Timestamp now, std::uint16_t link_mtu) const;

  struct Numbers {
    std::uint64_t active = 0;   // SA pairs count as two
    std::uint64_t tunnels = 0;  // outbound tunnel SAs
    std::uint64_t offloaded = 0;
    std::uint64_t larval = 0;
    std::uint64_t added = 0;
    std::uint64_t deleted = 0;
    std::uint64_t rekeyed = 0;
  };
  Numbers numbers() const;

 private:
  struct Larval {
    SecurityProtocol protocol{};
    IpAddress local;
    IpAddress peer;
    Timestamp until;
  };
  // What only the control side knows of an SA.
  struct Record {
    SaPointer sa;
    std::uint32_t pair_spi = 0;
    bool dying = false;
    std::optional<bool> told{};  // of a manual one: false that its end is near, true that it is there
  };

  Status check_reserved(const SaParameters& parameters, std::uint32_t spi, SecurityProtocol protocol) const;
  Status check_free(const SaParameters& parameters, std::uint32_t spi) const;
  Status check_inbound(const SaParameters& parameters) const;
  Status check_outbound(const SaParameters& parameters) const;
  void retire_predecessor(const Sa& successor);
  SaPointer manual_other_half(const SaParameters& parameters) const;
  void add(const SaPointer& sa);
  void erase(const Sa& sa);
  std::optional<SaEndReason> end_reason(const Record& record, Timestamp now) const;
  std::vector<DriverEvent> end(const std::vector<std::pair<SaPointer, SaEndReason>>& ended);
  void ask_for_rekeys(Timestamp now, std::vector<DriverEvent>& events);
  void watch_manual(Timestamp now, std::vector<DriverEvent>& events);
  Timestamp pair_last_used(const Record& record) const;

  RandomSource& random_;
  std::optional<EspBackend> engine_;
  std::size_t soft_count_ = 0;  // both directions
  SaTable table_;
  absl::flat_hash_map<const Sa*, Record> records_;
  absl::flat_hash_map<std::uint32_t, Larval> larval_;
  std::uint64_t changes_ = 0;
  Numbers numbers_;
};

}  // namespace ipsec::driver
