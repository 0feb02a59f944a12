#pragma once

#include "store/key_vault.h"
#include "store/sqlite.h"
#include "store/workspace.h"

namespace ipsec::store {

// Writes each mutation into the open transaction of a connection. After the first error it does nothing more; ask
// status() before the commit.
class SqlTreeWriter : public TreeWriter {
 public:
  // Preshared keys are sealed as `vault` says. Borrows all three.
  SqlTreeWriter(Connection& connection, const KeyVault& vault, RandomSource& random)
      : connection_(connection), vault_(vault), random_(random) {}
  const Status& status() const { return status_; }

  // Every object of the tree, into tables that are empty.
  void put_tree(const PolicyTree& tree);

  void put_policy(const Policy& policy) override;
  void remove_policy(const Guid& policy) override;
  void put_rule(const Guid& policy, const Rule& rule) override;
  void remove_rule(const Guid& rule) override;
  void put_filter_list(const FilterList& list) override;
  void remove_filter_list(const Guid& list) override;
  void add_filter(const Guid& list, const Filter& filter) override;
  void remove_filter(const Guid& filter) override;
  void put_filter_action(const FilterAction& action) override;
  void remove_filter_action(const Guid& action) override;
  void assign(const std::optional<Guid>& policy) override;
  void clear() override;

 private:
  // Runs `sql` with what `bind` gives it; returns the first integer of its RETURNING row, 0 without one.
  template <typename Bind>
  std::int64_t run(std::string_view sql, Bind bind);
  std::int64_t run(std::string_view sql);
  void remove_by_guid(std::string_view sql, const Guid& guid);
  void put_offers(std::string_view table, std::int64_t owner, const std::vector<QuickModeOffer>& offers);
  void put_authentication(std::string_view table, std::int64_t owner, const Guid& guid,
                          const std::vector<AuthenticationMethod>& methods);
  // Columns psk and psk_key.
  void bind_key(SqlStatement& row, const PresharedKeyAuthentication& psk, std::string_view stored_in);
  void put_resolved(std::int64_t filter, bool is_source, const FilterAddress& address);

  Connection& connection_;
  const KeyVault& vault_;
  RandomSource& random_;
  Status status_;
};

}  // namespace ipsec::store
