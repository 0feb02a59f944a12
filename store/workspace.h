#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "store/lookup.h"
#include "store/model.h"

// A policy tree that can be changed object by object, with indices by name and GUID, and every change handed on at once
// to where the tree is stored.
namespace ipsec::store {

// Hears each mutation in order, after the tree has it. Every state in between obeys the rules of uniqueness and links.
class TreeWriter {
 public:
  virtual ~TreeWriter() = default;
  // Without the rules and filters that belong to it; new, or in place of the one of that GUID.
  virtual void put_policy(const Policy& policy) = 0;
  virtual void remove_policy(const Guid& policy) = 0;  // with its rules
  virtual void put_rule(const Guid& policy, const Rule& rule) = 0;
  virtual void remove_rule(const Guid& rule) = 0;
  virtual void put_filter_list(const FilterList& list) = 0;
  virtual void remove_filter_list(const Guid& list) = 0;  // with its filters
  virtual void add_filter(const Guid& list, const Filter& filter) = 0;
  virtual void remove_filter(const Guid& filter) = 0;
  virtual void put_filter_action(const FilterAction& action) = 0;
  virtual void remove_filter_action(const Guid& action) = 0;
  virtual void assign(const std::optional<Guid>& policy) = 0;
  virtual void clear() = 0;  // every object
};

class Workspace {
 public:
  // `writer` is borrowed and must outlive its use; null: nobody listens.
  explicit Workspace(PolicyTree tree, TreeWriter* writer = nullptr);

  const PolicyTree& tree() const { return tree_; }
  void set_writer(TreeWriter* writer) { writer_ = writer; }
  // Mutations since it was made.
  std::size_t mutations() const { return mutations_; }

  // Borrowed until the next mutation; null where there is none.
  const Policy* policy(const Reference& reference) const;
  const FilterList* filter_list(const Reference& reference) const;
  const FilterAction* filter_action(const Reference& reference) const;
  // The filter of that list with the same whole selector.
  const Filter* same_filter(const FilterList& list, const Filter& filter);
  std::size_t filter_count() const { return filter_count_; }

  // ---- mutations: the caller has checked that the result is valid
  // ----------------------------------------------------

  // From here on, until the next call, is one change: versions of policies grow once in it.
  void begin_change() { versions_raised_.clear(); }
  // Whether the version of this policy has grown in this change.
  bool is_raised(const Guid& policy) const { return versions_raised_.contains(policy); }
  // New, or in place of the one of that GUID, whose rules stay; policy.rules and policy.version are not looked at.
  void put_policy(Policy policy);
  void remove_policy(const Guid& policy);
  // Require that the policy exists. Its version grows once in a change.
  void touch_policy(const Guid& policy, WallClock last_modified);
  void put_rule(const Guid& policy, Rule rule);
  void remove_rule(const Guid& policy, const Guid& rule);
  // As put_policy, with filters in the place of rules.
  void put_filter_list(FilterList list);
  void remove_filter_list(const Guid& list);
  // Require that the list exists, and for adding that it has no same filter.
  void add_filter(const Guid& list, Filter filter);
  void remove_filter(const Guid& list, const Guid& filter);
  void put_filter_action(FilterAction action);
  void remove_filter_action(const Guid& action);
  void assign(std::optional<Guid> policy);
  void clear();

 private:
  // Places of the objects of one kind.
  struct Index {
    absl::flat_hash_map<std::string, std::size_t> by_name;  // folded
    absl::flat_hash_map<Guid, std::size_t> by_guid;
    std::optional<std::size_t> find(const Reference& reference) const;
    void put(std::string_view name, const Guid& guid, std::size_t place);
    void remove(std::string_view name, const Guid& guid);
  };
  using FilterKeys = absl::flat_hash_map<std::string, Guid>;  // of filter_key

  template <typename T>
  static void build(Index& index, const std::vector<T>& objects, std::size_t from = 0);
  // Gives the place of the object, new or old.
  template <typename T>
  static std::size_t put(Index& index, std::vector<T>& objects, T object);
  template <typename T>
  static void remove(Index& index, std::vector<T>& objects, const Guid& guid);
  FilterKeys& keys_of(const FilterList& list);
  // True the first time in a change.
  bool raise_version(Policy& policy);

  PolicyTree tree_;
  TreeWriter* writer_;
  std::size_t mutations_ = 0;
  std::size_t filter_count_ = 0;
  absl::flat_hash_set<Guid> versions_raised_;
  Index policies_, lists_, actions_;
  absl::flat_hash_map<Guid, FilterKeys> filter_keys_;  // made when first needed
};

}  // namespace ipsec::store
