#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "services/common/bytes.h"
#include "services/common/time.h"
#include "services/driver/core/ip.h"

namespace ipsec::driver {

// Joins IP fragments (RFC 791 3.2, RFC 8200 4.5). Fragments that overlap spoil their datagram for good (RFC 5722, here
// for IPv4 too); an exact copy of a fragment is ignored. Bounded in datagrams, fragments, octets and time; the oldest
// datagram makes room. One thread.
class Reassembler {
 public:
  struct Datagram {
    Bytes bytes;                       // a whole IP packet without fragment fields or header
    std::size_t fragments = 0;         // it was made of
    std::size_t largest_fragment = 0;  // octets with its IP headers: what the sender thought would fit
    std::uint32_t id = 0;
  };

  // Takes a fragment (packet.is_fragment); the bytes are copied. The datagram when this one completed it. Only those of
  // one `origin` are joined.
  std::optional<Datagram> add(const PacketView& fragment, Timestamp now, std::uint32_t origin = 0);
  // Gives up datagrams begun longer than limits::kReassemblyTimeout ago.
  void tick(Timestamp now);
  // Fragments given up since the last call: overlapping, too late, too many.
  std::size_t take_lost();

  std::size_t pending() const { return partial_.size(); }

 private:
  struct Key {
    IpAddress source;
    IpAddress destination;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;  // IPv4 only
    std::uint32_t origin = 0;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.source, key.destination, key.id, key.protocol, key.origin);
    }
  };
  struct Piece {
    std::size_t offset = 0;
    Bytes bytes;
  };
  struct Partial {
    Timestamp since;
    std::uint64_t number = 0;  // in the order in which datagrams began
    bool spoiled = false;
    std::vector<Piece> pieces;  // by offset, without overlap
    Bytes head;                 // headers of the first fragment, up to what is fragmented
    std::size_t head_name_offset = 0;
    std::uint8_t head_protocol = 0;    // IPv6: what follows the fragment header of the first fragment
    std::size_t received = 0;          // octets in pieces
    std::optional<std::size_t> total;  // known from the last fragment
    std::size_t largest_fragment = 0;
    bool is_complete() const { return total && received == *total && !head.empty(); }
  };

  using PartialMap = absl::flat_hash_map<Key, Partial>;

  static Key key_of(const PacketView& fragment, std::uint32_t origin);
  static bool is_copy(const Partial& partial, const PacketView& fragment);
  // False: the fragment contradicts what is there.
  static bool insert(Partial& partial, const PacketView& fragment);
  static void note_head(Partial& partial, const PacketView& fragment);
  static Bytes join(const Partial& partial);
  void spoil(Partial& partial);
  PartialMap::iterator oldest();
  void forget(PartialMap::iterator partial);

  PartialMap partial_;
  std::size_t bytes_ = 0;
  std::size_t lost_ = 0;
  std::uint64_t next_number_ = 1;
};

}  // namespace ipsec::driver
