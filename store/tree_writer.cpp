#include "store/tree_writer.h"

#include <fmt/format.h>

#include "store/names.h"

namespace ipsec::store {

namespace {

std::int64_t flag(bool value) { return value ? 1 : 0; }
std::string_view name_of(Cipher cipher) { return info(cipher).name; }
std::string_view name_of(Integrity integrity) { return info(integrity).name; }

// What the columns source and destination hold.
std::string stored_address(const FilterAddress& address) {
  const auto* dns = std::get_if<DnsName>(&address);
  return dns ? dns->name : address_text(address);
}

std::string_view method_name(const AuthenticationMethod& method) {
  if (std::holds_alternative<PresharedKeyAuthentication>(method)) return "psk";
  return std::holds_alternative<CertificateAuthentication>(method) ? "certificate" : "kerberos";
}

}  // namespace

template <typename Bind>
std::int64_t SqlTreeWriter::run(std::string_view sql, Bind bind) {
  if (!status_.ok()) return 0;
  auto statement = connection_.cached(sql);
  if (!statement.ok()) {
    status_ = statement.status();
    return 0;
  }
  SqlStatement& row = **statement;
  bind(row);
  std::int64_t returned = 0;
  for (;;) {
    const auto stepped = row.step();
    if (!stepped.ok()) status_ = stepped.status();
    if (!stepped.ok() || !*stepped) break;
    returned = row.integer(0);
  }
  row.reset();
  return returned;
}

std::int64_t SqlTreeWriter::run(std::string_view sql) {
  return run(sql, [](SqlStatement&) {});
}

void SqlTreeWriter::remove_by_guid(std::string_view sql, const Guid& guid) {
  run(sql, [&](SqlStatement& row) { row.bind(1, std::string_view(guid.text)); });
}

void SqlTreeWriter::put_tree(const PolicyTree& tree) {
  for (const FilterList& list : tree.filter_lists) {
    put_filter_list(list);
    for (const Filter& filter : list.filters) add_filter(list.guid, filter);
  }
  for (const FilterAction& action : tree.filter_actions) put_filter_action(action);
  for (const Policy& policy : tree.policies) {
    put_policy(policy);
    for (const Rule& rule : policy.rules) put_rule(policy.guid, rule);
  }
  assign(tree.assigned);
}

void SqlTreeWriter::put_policy(const Policy& policy) {
  const std::int64_t number = run(
      "INSERT INTO policy (guid, name, folded_name, description, last_modified, profile, polling_interval_minutes, "
      "isakmp_guid, main_mode_lifetime_minutes, quick_mode_limit, master_pfs, default_rule_guid, default_rule_active, "
      "default_rule_quick_mode_pfs, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) "
      "ON CONFLICT (guid) DO UPDATE SET name = ?2, folded_name = ?3, description = ?4, last_modified = ?5, "
      "profile = ?6, polling_interval_minutes = ?7, isakmp_guid = ?8, main_mode_lifetime_minutes = ?9, "
      "quick_mode_limit = ?10, master_pfs = ?11, default_rule_guid = ?12, default_rule_active = ?13, "
      "default_rule_quick_mode_pfs = ?14, version = ?15 RETURNING number",
      [&](SqlStatement& row) {
        row.bind(1, std::string_view(policy.guid.text))
            .bind(2, std::string_view(policy.name))
            .bind(3, std::string_view(fold_name(policy.name)))
            .bind(4, std::string_view(policy.description))
            .bind(5, policy.last_modified)
            .bind(6, to_string(policy.profile))
            .bind(7, std::int64_t{policy.polling_interval_minutes})
            .bind(8, std::string_view(policy.isakmp.guid.text))
            .bind(9, std::int64_t{policy.isakmp.lifetime_minutes})
            .bind(10, std::int64_t{policy.isakmp.quick_mode_limit})
            .bind(11, flag(policy.isakmp.master_pfs))
            .bind(12, std::string_view(policy.default_response.guid.text))
            .bind(13, flag(policy.default_response.active))
            .bind(14, flag(policy.default_response.quick_mode_pfs))
            .bind(15, static_cast<std::int64_t>(policy.version));
      });
  run("DELETE FROM main_mode_offer WHERE policy = ?1", [&](SqlStatement& row) { row.bind(1, number); });
  for (std::size_t i = 0; i < policy.isakmp.offers.size(); ++i) {
    const MainModeOffer& offer = policy.isakmp.offers[i];
    run("INSERT INTO main_mode_offer VALUES (?1, ?2, ?3, ?4, ?5)", [&](SqlStatement& row) {
      row.bind(1, number).bind(2, static_cast<std::int64_t>(i));
      row.bind(3, name_of(offer.cipher)).bind(4, name_of(offer.integrity)).bind(5, info(offer.group).name);
    });
  }
  put_offers("default_rule_offer", number, policy.default_response.offers);
  put_authentication("default_rule_authentication", number, policy.default_response.guid,
                     policy.default_response.authentication);
}

void SqlTreeWriter::remove_policy(const Guid& policy) { remove_by_guid("DELETE FROM policy WHERE guid = ?1", policy); }

void SqlTreeWriter::put_rule(const Guid& policy, const Rule& rule) {
  const std::int64_t number = run(
      "INSERT INTO rule (guid, policy, name, folded_name, description, last_modified, filter_list, filter_action, "
      "tunnel_endpoint, connection_type, active) VALUES (?1, (SELECT number FROM policy WHERE guid = ?2), ?3, ?4, ?5, "
      "?6, (SELECT number FROM filter_list WHERE guid = ?7), (SELECT number FROM filter_action WHERE guid = ?8), ?9, "
      "?10, ?11) ON CONFLICT (guid) DO UPDATE SET name = excluded.name, folded_name = excluded.folded_name, "
      "description = excluded.description, last_modified = excluded.last_modified, "
      "filter_list = excluded.filter_list, filter_action = excluded.filter_action, "
      "tunnel_endpoint = excluded.tunnel_endpoint, connection_type = excluded.connection_type, "
      "active = excluded.active RETURNING number",
      [&](SqlStatement& row) {
        row.bind(1, std::string_view(rule.guid.text))
            .bind(2, std::string_view(policy.text))
            .bind(3, std::string_view(rule.name))
            .bind(4, std::string_view(fold_name(rule.name)))
            .bind(5, std::string_view(rule.description))
            .bind(6, rule.last_modified)
            .bind(7, std::string_view(rule.filter_list.text))
            .bind(8, std::string_view(rule.filter_action.text))
            .bind(9, rule.tunnel_endpoint ? std::optional(rule.tunnel_endpoint->to_string()) : std::nullopt)
            .bind(10, to_string(rule.connection_type))
            .bind(11, flag(rule.active));
      });
  put_authentication("rule_authentication", number, rule.guid, rule.authentication);
}

void SqlTreeWriter::remove_rule(const Guid& rule) { remove_by_guid("DELETE FROM rule WHERE guid = ?1", rule); }

void SqlTreeWriter::put_filter_list(const FilterList& list) {
  run("INSERT INTO filter_list (guid, name, folded_name, description, last_modified) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (guid) DO UPDATE SET name = ?2, folded_name = ?3, description = ?4, last_modified = ?5",
      [&](SqlStatement& row) {
        row.bind(1, std::string_view(list.guid.text))
            .bind(2, std::string_view(list.name))
            .bind(3, std::string_view(fold_name(list.name)))
            .bind(4, std::string_view(list.description))
            .bind(5, list.last_modified);
      });
}

void SqlTreeWriter::remove_filter_list(const Guid& list) {
  remove_by_guid("DELETE FROM filter_list WHERE guid = ?1", list);
}

void SqlTreeWriter::add_filter(const Guid& list, const Filter& filter) {
  const std::int64_t number = run(
      "INSERT INTO filter (guid, filter_list, description, source, source_is_name, destination, destination_is_name, "
      "protocol, source_port, destination_port, mirrored) VALUES (?1, (SELECT number FROM filter_list WHERE guid = "
      "?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING number",
      [&](SqlStatement& row) {
        row.bind(1, std::string_view(filter.guid.text))
            .bind(2, std::string_view(list.text))
            .bind(3, std::string_view(filter.description))
            .bind(4, std::string_view(stored_address(filter.source)))
            .bind(5, flag(std::holds_alternative<DnsName>(filter.source)))
            .bind(6, std::string_view(stored_address(filter.destination)))
            .bind(7, flag(std::holds_alternative<DnsName>(filter.destination)))
            .bind(8, std::int64_t{filter.protocol})
            .bind(9, std::int64_t{filter.source_port})
            .bind(10, std::int64_t{filter.destination_port})
            .bind(11, flag(filter.mirrored));
      });
  put_resolved(number, true, filter.source);
  put_resolved(number, false, filter.destination);
}

void SqlTreeWriter::remove_filter(const Guid& filter) { remove_by_guid("DELETE FROM filter WHERE guid = ?1", filter); }

void SqlTreeWriter::put_filter_action(const FilterAction& action) {
  const std::int64_t number = run(
      "INSERT INTO filter_action (guid, name, folded_name, description, last_modified, action, quick_mode_pfs, "
      "pfs_group, inbound_passthrough, allow_soft) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
      "ON CONFLICT (guid) DO UPDATE SET name = ?2, folded_name = ?3, description = ?4, last_modified = ?5, "
      "action = ?6, quick_mode_pfs = ?7, pfs_group = ?8, inbound_passthrough = ?9, allow_soft = ?10 RETURNING number",
      [&](SqlStatement& row) {
        row.bind(1, std::string_view(action.guid.text))
            .bind(2, std::string_view(action.name))
            .bind(3, std::string_view(fold_name(action.name)))
            .bind(4, std::string_view(action.description))
            .bind(5, action.last_modified)
            .bind(6, to_string(action.action))
            .bind(7, flag(action.quick_mode_pfs))
            .bind(8, info(action.pfs_group).name)
            .bind(9, flag(action.inbound_passthrough))
            .bind(10, flag(action.allow_soft));
      });
  put_offers("filter_action_offer", number, action.offers);
}

void SqlTreeWriter::remove_filter_action(const Guid& action) {
  remove_by_guid("DELETE FROM filter_action WHERE guid = ?1", action);
}

void SqlTreeWriter::assign(const std::optional<Guid>& policy) {
  run("UPDATE store_state SET assigned_policy = (SELECT number FROM policy WHERE guid = ?1)",
      [&](SqlStatement& row) { row.bind(1, policy ? std::optional(policy->text) : std::nullopt); });
}

void SqlTreeWriter::clear() {
  assign(std::nullopt);
  for (std::string_view table : {"policy", "filter_list", "filter_action"}) run(fmt::format("DELETE FROM {}", table));
}

void SqlTreeWriter::put_offers(std::string_view table, std::int64_t owner, const std::vector<QuickModeOffer>& offers) {
  run(fmt::format("DELETE FROM {} WHERE owner = ?1", table), [&](SqlStatement& row) { row.bind(1, owner); });
  for (std::size_t i = 0; i < offers.size(); ++i) {
    const QuickModeOffer& offer = offers[i];
    run(fmt::format("INSERT INTO {} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", table), [&](SqlStatement& row) {
      row.bind(1, owner).bind(2, static_cast<std::int64_t>(i));
      if (offer.ah) row.bind(3, name_of(*offer.ah));
      if (offer.esp) row.bind(4, name_of(offer.esp->cipher)).bind(5, name_of(offer.esp->integrity));
      row.bind(6, std::int64_t{offer.lifetime_kilobytes}).bind(7, std::int64_t{offer.lifetime_seconds});
    });
  }
}

void SqlTreeWriter::put_authentication(std::string_view table, std::int64_t owner, const Guid& guid,
                                       const std::vector<AuthenticationMethod>& methods) {
  run(fmt::format("DELETE FROM {} WHERE owner = ?1", table), [&](SqlStatement& row) { row.bind(1, owner); });
  for (std::size_t i = 0; i < methods.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i);
    run(fmt::format("INSERT INTO {} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", table), [&](SqlStatement& row) {
      row.bind(1, owner).bind(2, place).bind(3, method_name(methods[i]));
      if (const auto* psk = std::get_if<PresharedKeyAuthentication>(&methods[i])) {
        bind_key(row, *psk, sealed_row(table, guid, place));
      } else if (const auto* certificate = std::get_if<CertificateAuthentication>(&methods[i])) {
        row.bind(5, std::string_view(certificate->root_ca))
            .bind(6, flag(certificate->map_to_account))
            .bind(7, flag(certificate->exclude_ca_name));
      }
    });
  }
}

void SqlTreeWriter::bind_key(SqlStatement& row, const PresharedKeyAuthentication& psk, std::string_view stored_in) {
  if (psk.unopened) {
    row.bind_blob(4, psk.unopened->octets).bind(8, std::string_view(psk.unopened->key_id));
  } else if (const Status ready = vault_.ready(); !ready.ok()) {
    status_ = with_context(ready, "a preshared key cannot be stored");
  } else if (vault_.seals()) {
    row.bind_blob(4, vault_.seal(psk.key.view(), stored_in, random_)).bind(8, std::string_view(vault_.id()));
  } else {
    row.bind_blob(4, psk.key.view());
  }
}

void SqlTreeWriter::put_resolved(std::int64_t filter, bool is_source, const FilterAddress& address) {
  const auto* dns = std::get_if<DnsName>(&address);
  if (!dns) return;
  for (std::size_t i = 0; i < dns->resolved.size(); ++i) {
    run("INSERT INTO resolved_address VALUES (?1, ?2, ?3, ?4)", [&](SqlStatement& row) {
      row.bind(1, filter).bind(2, flag(is_source)).bind(3, static_cast<std::int64_t>(i));
      row.bind(4, std::string_view(dns->resolved[i].to_string()));
    });
  }
}

}  // namespace ipsec::store
