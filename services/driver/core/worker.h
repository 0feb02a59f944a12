#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "services/common/time.h"
#include "services/driver/core/events.h"
#include "services/driver/core/packet_port.h"
#include "services/driver/core/tables.h"

namespace ipsec::driver {

// What a worker made of one batch. clear() it before each call; capacity is kept.
struct Output {
  PacketList to_wire;
  PacketList to_host;
  std::vector<DriverEvent> events;
  // Of the ports that the packets came from and go to; the shell's number, kept with what comes out later.
  std::uint64_t port = 0;

  void clear() {
    to_wire.clear();
    to_host.clear();
    events.clear();
  }
};

// The data path of one thread: made by Control::make_worker(), used by one thread at a time; several workers run at
// once on the same Tables. No call blocks, reads a clock or does I/O.
//
// Packets appended to the output borrow the memory of the input packets and of this worker; they are valid until the
// input's memory changes or any process_...() of this worker is called again. So: receive, process, send both lists,
// and again.
//
// Steering: all fragments of a datagram must come to one worker. Packets of one SA should (else its window and counters
// are shared between caches, which is correct but slower).
class Worker {
 public:
  virtual ~Worker() = default;

  // Packets the host sends. Those that need an SA that is not there are held (copied) and an Acquire event is emitted.
  virtual void process_outbound(std::span<Packet> from_host, const Tables& tables, Timestamp now, Output& output) = 0;
  // Packets that arrived for the host.
  virtual void process_inbound(std::span<Packet> from_wire, const Tables& tables, Timestamp now, Output& output) = 0;
  // Held packets whose SA has come (Control::has_released_packets()), as process_outbound. Any worker may take them.
  virtual void process_released(const Tables& tables, Timestamp now, Output& output) = 0;
  // Packets that came back from the provider of offload, those of one port, which is put into the output. False: there
  // are none (any more).
  virtual bool process_offloaded(const Tables& tables, Timestamp now, Output& output) = 0;
  // Whether any are there; call process_offloaded() until it returns false about once a second then, for those that
  // never come back.
  virtual bool has_offloaded() const = 0;
  // `wake`: process_offloaded() has something to do. Any thread may call it, while has_offloaded(). Before the first
  // packet.
  virtual void on_offloaded(std::function<void()> wake) = 0;
  // What would become of a packet now: `packet` is a whole IP packet of this direction, which nobody has sent. Nothing
  // is sent, counted or asked for.
  virtual PacketTrace explain(Direction direction, Packet packet, const Tables& tables, Timestamp now) = 0;
  // Gives up incomplete reassemblies whose time is over. Call about once a second.
  virtual void tick(Timestamp now) = 0;
};

}  // namespace ipsec::driver
