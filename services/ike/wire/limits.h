#pragma once

#include <cstddef>

// Bounds on the shape of an ISAKMP message. Everything a parser collects is bounded by these, whatever a length field
// says. (Timers and bounds on state: services/ike/core/limits.h.)
namespace ipsec::ike {

// A UDP datagram cannot be longer.
inline constexpr std::size_t kMaxMessageSize = 65535;
// Certificates, vendor ids and NAT-D payloads together stay far below.
inline constexpr std::size_t kMaxPayloads = 64;
// Proposal and transform numbers have one octet; known peers send fewer than 20 proposals and 60 transforms.
inline constexpr std::size_t kMaxProposals = 64;
inline constexpr std::size_t kMaxTransforms = 255;
// RFC 2409 defines 16 classes, of which the two of the lifetime may come twice.
inline constexpr std::size_t kMaxAttributes = 32;
// A Delete names at most this many SPIs; a peer with more sends several.
inline constexpr std::size_t kMaxDeleteSpis = 1024;
// RFC 2409 section 5: between 8 and 256 octets.
inline constexpr std::size_t kMinNonceSize = 8;
inline constexpr std::size_t kMaxNonceSize = 256;

}  // namespace ipsec::ike
