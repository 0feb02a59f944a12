#include "store/tree_reader.h"

#include <unordered_map>

#include <fmt/format.h>

#include "store/names.h"

namespace ipsec::store {

namespace {

// Where a child row's parent stands in its vector, by the number of its row.
using Places = std::unordered_map<std::int64_t, std::size_t>;

// Reads the typed values of one table's rows and keeps the first complaint.
class RowReader {
 public:
  RowReader(Connection& connection, std::string_view table) : connection_(connection), table_(table) {}

  // Calls take() for each row of `sql` until one is wrong.
  template <typename Take>
  Status each(std::string_view sql, Take take) {
    IPSEC_ASSIGN_OR_RETURN(statement_, connection_.cached(sql));
    for (;;) {
      IPSEC_ASSIGN_OR_RETURN(const bool row, statement_->step());
      if (!row) break;
      ++row_;
      take();
      if (!status_.ok()) break;
    }
    statement_->reset();
    return status_;
  }

  std::int64_t integer(int column) const { return statement_->integer(column); }
  std::string text(int column) const { return std::string(statement_->text(column)); }
  std::string_view view(int column) const { return statement_->text(column); }
  ByteView blob(int column) const { return statement_->blob(column); }
  bool flag(int column) const { return statement_->integer(column) != 0; }
  bool is_null(int column) const { return statement_->is_null(column); }
  Guid guid(int column) const { return {text(column)}; }

  template <typename T>
  T number(int column, std::string_view name) {
    const std::int64_t value = integer(column);
    if (value >= 0 && static_cast<std::uint64_t>(value) <= std::numeric_limits<T>::max()) return static_cast<T>(value);
    complain(name, fmt::format("{}", value));
    return 0;
  }

  template <typename T>
  T known(std::optional<T> value, int column, std::string_view name) {
    if (!value) complain(name, view(column));
    return value.value_or(T{});
  }

  std::size_t parent(const Places& places, int column, std::string_view name) {
    const auto found = places.find(integer(column));
    if (found != places.end()) return found->second;
    complain(name, fmt::format("{}", integer(column)));
    return 0;
  }

  void complain(std::string_view column, std::string_view value) {
    if (!status_.ok()) return;
    status_ = invalid(fmt::format("policy store {} is damaged: table {}, row {}: {} is '{:.80}'", connection_.path(),
                                  table_, row_, column, value));
  }

 private:
  Connection& connection_;
  std::string_view table_;
  SqlStatement* statement_ = nullptr;
  std::size_t row_ = 0;
  Status status_;
};

QuickModeOffer read_offer(RowReader& row) {
  QuickModeOffer offer;
  if (!row.is_null(2)) offer.ah = row.known(integrity_by_name(row.view(2)), 2, "ah");
  if (!row.is_null(3)) {
    const Cipher cipher = row.known(cipher_by_name(row.view(3)), 3, "esp_cipher");
    const Integrity integrity = row.known(integrity_by_name(row.view(4)), 4, "esp_integrity");
    offer.esp = QuickModeOffer::Esp{cipher, integrity};
  }
  offer.lifetime_kilobytes = row.number<std::uint32_t>(5, "lifetime_kilobytes");
  offer.lifetime_seconds = row.number<std::uint32_t>(6, "lifetime_seconds");
  return offer;
}

PresharedKeyAuthentication read_key(RowReader& row, std::string_view stored_in, const KeyVault& vault) {
  if (row.is_null(7)) return {SecretBytes(row.blob(3))};
  if (auto key = vault.open(row.blob(3), row.view(7), stored_in)) return {*std::move(key)};
  const ByteView sealed = row.blob(3);
  return {{}, SealedKey{row.text(7), Bytes(sealed.begin(), sealed.end())}};
}

AuthenticationMethod read_method(RowReader& row, std::string_view stored_in, const KeyVault& vault) {
  const std::string_view method = row.view(2);
  if (method == "psk") return read_key(row, stored_in, vault);
  if (method == "certificate") return CertificateAuthentication{row.text(4), row.flag(5), row.flag(6)};
  if (method != "kerberos") row.complain("method", method);
  return KerberosAuthentication{};
}

FilterAddress read_address(RowReader& row, int column, std::string_view name) {
  if (row.flag(column + 1)) return DnsName{row.text(column), {}};
  auto address = parse_filter_address(row.view(column));
  if (!address.ok()) {
    row.complain(name, row.view(column));
    return AddressKeyword::kMe;
  }
  return *std::move(address);
}

class TreeReader {
 public:
  TreeReader(Connection& connection, const KeyVault& vault) : connection_(connection), vault_(vault) {}

  Result<PolicyTree> read() {
    IPSEC_RETURN_IF_ERROR(read_lists());
    IPSEC_RETURN_IF_ERROR(read_filters());
    IPSEC_RETURN_IF_ERROR(read_resolved());
    IPSEC_RETURN_IF_ERROR(read_actions());
    IPSEC_RETURN_IF_ERROR(read_policies());
    IPSEC_RETURN_IF_ERROR(read_main_mode_offers());
    IPSEC_RETURN_IF_ERROR(read_rules());
    IPSEC_RETURN_IF_ERROR(read_children());
    IPSEC_RETURN_IF_ERROR(read_state());
    return std::move(tree_);
  }

 private:
  Status read_lists() {
    RowReader row(connection_, "filter_list");
    return row.each("SELECT number, guid, name, description, last_modified FROM filter_list ORDER BY number", [&] {
      lists_.emplace(row.integer(0), tree_.filter_lists.size());
      FilterList& list = tree_.filter_lists.emplace_back();
      list.guid = row.guid(1);
      list.name = row.text(2);
      list.description = row.text(3);
      list.last_modified = row.integer(4);
    });
  }

  Status read_filters() {
    RowReader row(connection_, "filter");
    return row.each(
        "SELECT number, filter_list, guid, description, source, source_is_name, destination, destination_is_name, "
        "protocol, source_port, destination_port, mirrored FROM filter ORDER BY number",
        [&] {
          Filter filter;
          filter.guid = row.guid(2);
          filter.description = row.text(3);
          filter.source = read_address(row, 4, "source");
          filter.destination = read_address(row, 6, "destination");
          filter.protocol = row.number<std::uint8_t>(8, "protocol");
          filter.source_port = row.number<std::uint16_t>(9, "source_port");
          filter.destination_port = row.number<std::uint16_t>(10, "destination_port");
          filter.mirrored = row.flag(11);
          const bool named = row.flag(5) || row.flag(7);
          const auto place = lists_.find(row.integer(1));
          if (place == lists_.end()) return row.complain("filter_list", fmt::format("{}", row.integer(1)));
          std::vector<Filter>& filters = tree_.filter_lists[place->second].filters.edit();
          if (named) named_filters_.emplace(row.integer(0), std::pair(place->second, filters.size()));
          filters.push_back(std::move(filter));
        });
  }

  Status read_resolved() {
    RowReader row(connection_, "resolved_address");
    return row.each("SELECT filter, is_source, address FROM resolved_address ORDER BY filter, is_source, place", [&] {
      const auto place = named_filters_.find(row.integer(0));
      const auto address = IpAddress::parse(row.view(2));
      if (place == named_filters_.end()) return row.complain("filter", fmt::format("{}", row.integer(0)));
      Filter& filter = tree_.filter_lists[place->second.first].filters.edit()[place->second.second];
      auto* dns = std::get_if<DnsName>(row.flag(1) ? &filter.source : &filter.destination);
      if (!dns) return row.complain("is_source", fmt::format("{}", row.integer(1)));
      if (!address.ok()) return row.complain("address", row.view(2));
      dns->resolved.push_back(*address);
    });
  }

  Status read_actions() {
    RowReader row(connection_, "filter_action");
    return row.each(
        "SELECT number, guid, name, description, last_modified, action, quick_mode_pfs, pfs_group, "
        "inbound_passthrough, allow_soft FROM filter_action ORDER BY number",
        [&] {
          actions_.emplace(row.integer(0), tree_.filter_actions.size());
          FilterAction& action = tree_.filter_actions.emplace_back();
          action.guid = row.guid(1);
          action.name = row.text(2);
          action.description = row.text(3);
          action.last_modified = row.integer(4);
          action.action = row.known(action_by_name(row.view(5)), 5, "action");
          action.quick_mode_pfs = row.flag(6);
          action.pfs_group = row.known(dh_group_by_name(row.view(7)), 7, "pfs_group");
          action.inbound_passthrough = row.flag(8);
          action.allow_soft = row.flag(9);
        });
  }

  Status read_policies() {
    RowReader row(connection_, "policy");
    return row.each(
        "SELECT number, guid, name, description, last_modified, profile, polling_interval_minutes, isakmp_guid, "
        "main_mode_lifetime_minutes, quick_mode_limit, master_pfs, default_rule_guid, default_rule_active, "
        "default_rule_quick_mode_pfs, version FROM policy ORDER BY number",
        [&] {
          policies_.emplace(row.integer(0), tree_.policies.size());
          Policy& policy = tree_.policies.emplace_back();
          policy.guid = row.guid(1);
          policy.name = row.text(2);
          policy.description = row.text(3);
          policy.last_modified = row.integer(4);
          policy.profile = row.known(profile_by_name(row.view(5)), 5, "profile");
          policy.polling_interval_minutes = row.number<std::uint32_t>(6, "polling_interval_minutes");
          policy.isakmp.guid = row.guid(7);
          policy.isakmp.lifetime_minutes = row.number<std::uint32_t>(8, "main_mode_lifetime_minutes");
          policy.isakmp.quick_mode_limit = row.number<std::uint32_t>(9, "quick_mode_limit");
          policy.isakmp.master_pfs = row.flag(10);
          policy.default_response.guid = row.guid(11);
          policy.default_response.active = row.flag(12);
          policy.default_response.quick_mode_pfs = row.flag(13);
          policy.version = row.number<std::uint64_t>(14, "version");
        });
  }

  Status read_main_mode_offers() {
    RowReader row(connection_, "main_mode_offer");
    return row.each("SELECT policy, cipher, integrity, dh_group FROM main_mode_offer ORDER BY policy, place", [&] {
      MainModeOffer offer;
      offer.cipher = row.known(cipher_by_name(row.view(1)), 1, "cipher");
      offer.integrity = row.known(integrity_by_name(row.view(2)), 2, "integrity");
      offer.group = row.known(dh_group_by_name(row.view(3)), 3, "dh_group");
      const auto place = policies_.find(row.integer(0));
      if (place == policies_.end()) return row.complain("policy", fmt::format("{}", row.integer(0)));
      tree_.policies[place->second].isakmp.offers.push_back(offer);
    });
  }

  Status read_rules() {
    RowReader row(connection_, "rule");
    return row.each(
        "SELECT number, policy, guid, name, description, last_modified, filter_list, filter_action, tunnel_endpoint, "
        "connection_type, active FROM rule ORDER BY number",
        [&] {
          const auto policy = policies_.find(row.integer(1));
          const auto list = lists_.find(row.integer(6));
          const auto action = actions_.find(row.integer(7));
          if (policy == policies_.end()) return row.complain("policy", fmt::format("{}", row.integer(1)));
          if (list == lists_.end()) return row.complain("filter_list", fmt::format("{}", row.integer(6)));
          if (action == actions_.end()) return row.complain("filter_action", fmt::format("{}", row.integer(7)));
          std::vector<Rule>& rules = tree_.policies[policy->second].rules;
          rules_.emplace(row.integer(0), std::pair(policy->second, rules.size()));
          Rule& rule = rules.emplace_back();
          rule.guid = row.guid(2);
          rule.name = row.text(3);
          rule.description = row.text(4);
          rule.last_modified = row.integer(5);
          rule.filter_list = tree_.filter_lists[list->second].guid;
          rule.filter_action = tree_.filter_actions[action->second].guid;
          if (!row.is_null(8)) {
            const auto endpoint = IpAddress::parse(row.view(8));
            if (!endpoint.ok()) return row.complain("tunnel_endpoint", row.view(8));
            rule.tunnel_endpoint = *endpoint;
          }
          rule.connection_type = row.known(connection_type_by_name(row.view(9)), 9, "connection_type");
          rule.active = row.flag(10);
        });
  }

  // Offers and authentication methods, which three kinds of owner have.
  Status read_children() {
    auto default_rule = [this](std::int64_t number) -> DefaultResponseRule* {
      const auto place = policies_.find(number);
      return place == policies_.end() ? nullptr : &tree_.policies[place->second].default_response;
    };
    auto action = [this](std::int64_t number) -> FilterAction* {
      const auto place = actions_.find(number);
      return place == actions_.end() ? nullptr : &tree_.filter_actions[place->second];
    };
    auto rule = [this](std::int64_t number) -> Rule* {
      const auto place = rules_.find(number);
      return place == rules_.end() ? nullptr : &tree_.policies[place->second.first].rules[place->second.second];
    };
    IPSEC_RETURN_IF_ERROR(read_offers("default_rule_offer", default_rule));
    IPSEC_RETURN_IF_ERROR(read_offers("filter_action_offer", action));
    IPSEC_RETURN_IF_ERROR(read_authentication("default_rule_authentication", default_rule));
    return read_authentication("rule_authentication", rule);
  }

  template <typename OwnerOf>
  Status read_offers(std::string_view table, OwnerOf owner_of) {
    RowReader row(connection_, table);
    return row.each(fmt::format("SELECT owner, place, ah, esp_cipher, esp_integrity, lifetime_kilobytes, "
                                "lifetime_seconds FROM {} ORDER BY owner, place",
                                table),
                    [&] {
                      auto* owner = owner_of(row.integer(0));
                      if (!owner) return row.complain("owner", fmt::format("{}", row.integer(0)));
                      owner->offers.push_back(read_offer(row));
                    });
  }

  template <typename OwnerOf>
  Status read_authentication(std::string_view table, OwnerOf owner_of) {
    RowReader row(connection_, table);
    return row.each(fmt::format("SELECT owner, place, method, psk, root_ca, map_to_account, exclude_ca_name, "
                                "psk_key FROM {} ORDER BY owner, place",
                                table),
                    [&] {
                      auto* owner = owner_of(row.integer(0));
                      if (!owner) return row.complain("owner", fmt::format("{}", row.integer(0)));
                      const std::string stored_in = sealed_row(table, owner->guid, row.integer(1));
                      owner->authentication.push_back(read_method(row, stored_in, vault_));
                    });
  }

  Status read_state() {
    RowReader row(connection_, "store_state");
    return row.each("SELECT assigned_policy FROM store_state", [&] {
      if (row.is_null(0)) return;
      const auto place = policies_.find(row.integer(0));
      if (place == policies_.end()) return row.complain("assigned_policy", fmt::format("{}", row.integer(0)));
      tree_.assigned = tree_.policies[place->second].guid;
    });
  }

  Connection& connection_;
  const KeyVault& vault_;
  PolicyTree tree_;
  Places policies_, lists_, actions_;
  // Parent's place and own place.
  std::unordered_map<std::int64_t, std::pair<std::size_t, std::size_t>> rules_, named_filters_;
};

}  // namespace

Result<PolicyTree> read_tree(Connection& connection, const KeyVault& vault) {
  return TreeReader(connection, vault).read();
}

}  // namespace ipsec::store
