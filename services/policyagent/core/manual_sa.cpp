#include "services/policyagent/core/manual_sa.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "services/policyagent/core/limits.h"

namespace ipsec::agent {
namespace {

constexpr std::uint64_t kKilobyte = 1024;

class Checker {
 public:
  explicit Checker(const ManualSa& sa) : sa_(sa) {}

  std::vector<ManualSaComplaint> run(std::span<const ManualSa* const> others) {
    check_addresses();
    check_spis();
    check_suite();
    check_keys();
    if (complaints_.empty()) check_counter_keys(others);
    check_numbers();
    return std::move(complaints_);
  }

 private:
  void complain(std::string_view field, std::string text) {
    complaints_.push_back({std::string(field), std::move(text)});
  }

  void check_addresses() {
    const Selector& traffic = sa_.traffic;
    if (traffic.source.family() != traffic.destination.family()) {
      complain("dstaddr", "is of another family than srcaddr; two IPv4 or two IPv6 addresses would be accepted");
    }
    if (sa_.source.family() != sa_.destination.family()) {
      complain(sa_.tunnel ? "tunneldstaddress" : "dstaddr", "the two ends of an SA are of one family");
    }
    if (!sa_.tunnel && !(traffic.source.is_host() && traffic.destination.is_host())) {
      complain("srcaddr",
               "transport mode is between two addresses; subnets and ranges need tunnelsrcaddress and "
               "tunneldstaddress");
    }
    if (!protocol_has_ports(traffic.protocol) && !(traffic.source_port.is_any() && traffic.destination_port.is_any())) {
      complain("srcport", "ports need protocol=TCP or protocol=UDP");
    }
  }

  void check_spi(std::string_view field, std::uint32_t spi) {
    if (spi >= kFirstManualSpi) return;
    complain(field, fmt::format("{} is reserved; {} to {} ({:#x} to {:#x}) would be accepted", spi, kFirstManualSpi,
                                std::numeric_limits<std::uint32_t>::max(), kFirstManualSpi,
                                std::numeric_limits<std::uint32_t>::max()));
  }

  void check_spis() {
    check_spi("spi", sa_.spi);
    if (!sa_.is_bundle() && sa_.ah_spi != 0) {
      complain("ahspi", "is for AH around ESP; of AH or ESP alone spi is the SPI");
    } else if (sa_.is_bundle()) {
      check_spi("ahspi", sa_.ah_spi);
      if (sa_.ah_spi == sa_.spi) complain("ahspi", "AH around ESP needs an SPI of its own");
    }
  }

  void check_suite() {
    if (!sa_.cipher && !sa_.ah) return complain("method", "neither AH nor ESP; ESP[AES128,SHA256] would be accepted");
    if (sa_.ah == Integrity::kNone) complain("method", "AH needs a hash or GMAC");
    if (!sa_.cipher) return;
    const bool aead = info(*sa_.cipher).is_aead();
    if (info(sa_.integrity).is_gmac()) complain("method", "GMAC is for AH; ESP takes a hash");
    if (aead && sa_.integrity != Integrity::kNone) {
      complain("method", fmt::format("{} authenticates by itself and takes no hash", info(*sa_.cipher).name));
    }
    if (!aead && sa_.integrity == Integrity::kNone && !sa_.ah) {
      complain("method", "ESP without integrity is refused (RFC 8221 section 4); a hash, or AH around it");
    }
  }

  // What an absent key of size 0 says is that there is none to give.
  void check_key(std::string_view field, const SecretBytes& key, std::size_t size, std::string_view algorithm,
                 std::size_t salt = 0) {
    if (key.size() == size) return;
    if (size == 0) return complain(field, "the method has no algorithm that takes this key");
    const std::string wanted =
        salt == 0 ? fmt::format("{} octets, {} hexadecimal digits", size, 2 * size)
                  : fmt::format("{} octets, {} hexadecimal digits: a key of {} and a salt of {} octets", size, 2 * size,
                                size - salt, salt);
    complain(field, key.empty() ? fmt::format("{} needs a key of {}", algorithm, wanted)
                                : fmt::format("{} takes {}; {} octets were given", algorithm, wanted, key.size()));
  }

  void check_keys() {
    constexpr std::size_t kGmacSalt = 4;
    const CipherInfo& cipher = info(sa_.cipher.value_or(Cipher::kNull));
    check_key("enckey", sa_.encryption_key, cipher.key_size + cipher.salt_size, cipher.name, cipher.salt_size);
    const IntegrityInfo& integrity = info(sa_.cipher ? sa_.integrity : Integrity::kNone);
    check_key("authkey", sa_.integrity_key, integrity.key_size, integrity.name);
    const IntegrityInfo& ah = info(sa_.ah.value_or(Integrity::kNone));
    check_key("ahkey", sa_.ah_key, ah.key_size, ah.name, ah.is_gmac() ? kGmacSalt : 0);
  }

  // Those that an IV may never meet twice.
  static std::vector<const SecretBytes*> counter_keys(const ManualSa& sa) {
    std::vector<const SecretBytes*> keys;
    if (sa.cipher && info(*sa.cipher).is_aead()) keys.push_back(&sa.encryption_key);
    if (sa.ah && info(*sa.ah).is_gmac()) keys.push_back(&sa.ah_key);
    return keys;
  }

  void check_counter_keys(std::span<const ManualSa* const> others) {
    const std::vector<const SecretBytes*> mine = counter_keys(sa_);
    if (mine.size() == 2 && constant_time_equal(mine[0]->view(), mine[1]->view())) {
      complain("ahkey",
               "is enckey; ESP and the AH around it need keys of their own, for GCM and GMAC are broken by one "
               "that is used twice");
    }
    for (const SecretBytes* key : mine) check_counter_key(*key, others);
  }

  void check_counter_key(const SecretBytes& key, std::span<const ManualSa* const> others) {
    for (const ManualSa* other : others) {
      const std::vector<const SecretBytes*> theirs = counter_keys(*other);
      if (std::none_of(theirs.begin(), theirs.end(),
                       [&](const SecretBytes* each) { return constant_time_equal(key.view(), each->view()); })) {
        continue;
      }
      return complain(
          &key == &sa_.ah_key ? "ahkey" : "enckey",
          fmt::format("is the key of manual SA {:#010x}; each direction needs a key of its own, for GCM, GMAC "
                      "and ChaCha20 are broken by one that is used twice",
                      other->spi));
    }
  }

  void check_numbers() {
    const std::uint32_t window = sa_.replay_window;
    if (window != 0 && (window < kMinReplayWindow || window > kMaxReplayWindow)) {
      complain("replaywindow", fmt::format("{} is out of range; {} to {} packets would be accepted", window,
                                           kMinReplayWindow, kMaxReplayWindow));
    }
    if (sa_.lifetime_kilobytes > std::numeric_limits<std::uint64_t>::max() / kKilobyte) {
      complain("kilobytes", "is more than 64 bits of octets");
    }
  }

  const ManualSa& sa_;
  std::vector<ManualSaComplaint> complaints_;
};

}  // namespace

std::vector<ManualSaComplaint> check(const ManualSa& sa, std::span<const ManualSa* const> others) {
  return Checker(sa).run(others);
}

std::optional<ManualSaRest> rest_of(const ManualSa& sa, const ManualSaUse& use, Timestamp now) {
  ManualSaRest rest{use.last_sequence, sa.lifetime_seconds, sa.lifetime_kilobytes};
  // What the peer sent since is not known, and must not be refused.
  if (sa.direction == Direction::kOutbound) rest.last_sequence += kSequencesLeftOut;
  const std::uint64_t highest =
      sa.extended_sequence ? std::numeric_limits<std::uint64_t>::max() / 2 : std::numeric_limits<std::uint32_t>::max();
  if (rest.last_sequence >= highest) return std::nullopt;
  if (sa.lifetime_seconds != 0) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - use.added).count();
    if (age >= sa.lifetime_seconds) return std::nullopt;
    rest.lifetime_seconds -= static_cast<std::uint32_t>(age);
  }
  if (sa.lifetime_kilobytes != 0) {
    const std::uint64_t used = use.bytes / kKilobyte;
    if (used >= sa.lifetime_kilobytes) return std::nullopt;
    rest.lifetime_kilobytes -= used;
  }
  return rest;
}

}  // namespace ipsec::agent
