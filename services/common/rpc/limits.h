#pragma once

#include <cstddef>

// Bounds of the sockets between the processes.
namespace ipsec::rpc {

// A compiled policy of 10,000 written filters is about 10 MB; gRPC's own limit of 4 MiB would refuse it.
inline constexpr int kMaxMessageSize = 64 * 1024 * 1024;

// The longest status text that is sent. It travels as HTTP/2 metadata, which gRPC bounds at 8 KiB after escaping.
inline constexpr std::size_t kMaxStatusText = 2048;

// A client tries again after 100 ms (the least gRPC allows), at most 2 s: a daemon that is started again is found at
// once.
inline constexpr int kReconnectFirstMs = 100;
inline constexpr int kReconnectLongestMs = 2000;

// How often a server stream that has nothing to say looks whether its client is still there.
inline constexpr int kStreamCheckMs = 200;

}  // namespace ipsec::rpc
