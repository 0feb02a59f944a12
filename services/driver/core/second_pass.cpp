#include "services/driver/core/second_pass.h"

#include "services/driver/core/describe.h"

namespace ipsec::driver {
namespace {

// The filter that asks for this very tunnel. An inbound SA may outlive its filter (PA-26); then it is the one between
// the same gateways that has come in its place.
bool asks_for(const Filter& filter, const Sa& sa, const FilterTable& filters) {
  const SaParameters& parameters = sa.parameters();
  if (filter.id == parameters.filter_id) return true;
  return filters.find(parameters.filter_id) == nullptr && filter.tunnel_destination == parameters.destination &&
         filter.tunnel_source.value_or(parameters.source) == parameters.source;
}

}  // namespace

std::optional<Item> SecondPass::admit(const Item& inner, const Sa& sa, Batch& batch) {
  const PacketView& view = inner.view;
  note(inner.trace, Step::kInTunnel, [&] { return view.tuple.to_string(); });
  if (batch.is_unlisted(view.tuple.destination)) {
    batch.conclude(Verdict::kInboundUnlistedAddress, {view.tuple, sa.parameters().spi, 0, 0, inner.trace});
    return std::nullopt;
  }
  if (is_isakmp(view, view.tuple.destination_port) || is_exempt_service(view, batch.tables.exemptions)) return inner;
  const FilterEntry* entry = nullptr;
  if (view.is_fragment) {
    const auto match = batch.tables.filters->match_without_ports(Direction::kInbound, view.tuple);
    if (match.depends_on_ports) {
      const auto whole = joiner_.join(inner, batch, sa.parameters().spi);
      return whole ? admit(*whole, sa, batch) : std::nullopt;
    }
    entry = match.entry;
  } else {
    entry = flows_.find(view.tuple, batch.tables).filter;
  }
  return judge(inner, sa, entry, batch) ? std::optional(inner) : std::nullopt;
}

bool SecondPass::judge(const Item& inner, const Sa& sa, const FilterEntry* entry, Batch& batch) const {
  const Filter* const filter = entry == nullptr ? nullptr : &entry->filter;
  note(inner.trace, Step::kInFilter, [&] { return filter == nullptr ? std::string("none") : describe(*filter); });
  if (filter == nullptr) return true;
  // The SA has counted its own filter already.
  if (!batch.dry && filter->id != sa.parameters().filter_id) entry->counters->add(1, inner.view.bytes.size());
  const Batch::Facts facts{inner.view.tuple, sa.parameters().spi, 0, filter->id, inner.trace};
  switch (filter->action) {
    case Action::kPermit:
      return true;
    case Action::kBlock:
      batch.conclude(Verdict::kInboundBlocked, facts);
      return false;
    case Action::kNegotiate:
      break;
  }
  if (asks_for(*filter, sa, *batch.tables.filters) || filter->inbound_passthrough) return true;
  batch.conclude(Verdict::kInboundClearRefused, facts);
  return false;
}

}  // namespace ipsec::driver
