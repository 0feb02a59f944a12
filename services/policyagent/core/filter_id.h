#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "services/common/algorithms.h"
#include "services/common/bytes.h"
#include "services/common/selector.h"
#include "store/model.h"

// Identities that depend on content alone: an unchanged filter has the same id in the next version of the policy, after
// a restart and on another run, so that driver and IKE keep its SAs and counters.
namespace ipsec::agent {

// FNV-1a over fields with their lengths, finished with a 64-bit mixer. Not a cryptographic hash: whoever writes the
// policy needs no collision to harm it. The compiler checks for the accidental kind.
class ContentHash {
 public:
  explicit ContentHash(std::string_view kind) { add(kind); }

  ContentHash& add(std::string_view text) {
    add_bytes(as_bytes(text));
    return *this;
  }
  ContentHash& add(std::uint64_t number);
  ContentHash& add(const AddressRange& range);
  ContentHash& add(const Selector& selector);

  ContentHash& add(const store::QuickModeOffer& offer);

  // Never 0, which means "none" everywhere.
  std::uint64_t id() const;

 private:
  void add_bytes(ByteView bytes);
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

// Of the way in which traffic is protected: SpecificFilter::protection_id.
std::uint64_t protection_id(const std::vector<store::QuickModeOffer>& offers, bool pfs, DhGroup pfs_group);

// Of a written filter as one rule uses it: GenericFilter::id.
std::uint64_t generic_filter_id(std::string_view rule_guid, std::string_view filter_guid);

}  // namespace ipsec::agent
