#include "store/policy_store.h"

#include <future>
#include <regex>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/defaults.h"
#include "store/json/json.h"
#include "store/migrations.h"
#include "store/schema_version.h"
#include "store/sqlite.h"
#include "tests/store/store_support.h"

namespace ipsec::store::tests {
namespace {

using ipsec::tests::SeededRandom;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string dump(PolicyStore& store) {
  const auto text = store.export_json(true);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : "";
}

AddPolicy add_policy(std::string name) {
  AddPolicy change;
  change.name = std::move(name);
  return change;
}

std::vector<Change> add_filters(std::size_t count, std::string list = "Many") {
  std::vector<Change> changes;
  for (std::size_t i = 0; i < count; ++i) {
    changes.emplace_back(
        AddFilter{list, filter_between(AddressKeyword::kMe,
                                       AddressRange::host(IpAddress::v4(static_cast<std::uint32_t>(0x0b000000 + i))))});
  }
  return changes;
}

class PolicyStoreTest : public ::testing::Test {
 protected:
  PolicyStore open(StoreOptions options = {}) {
    auto store = PolicyStore::open(path_, options, random_);
    EXPECT_TRUE(store.ok()) << store.status().message();
    return *std::move(store);
  }
  Status open_error() {
    auto store = PolicyStore::open(path_, {}, random_);
    EXPECT_FALSE(store.ok());
    return store.status();
  }
  void expect_applied(PolicyStore& store, std::vector<Change> changes) {
    const auto problems = store.apply(changes, kNow);
    ASSERT_TRUE(problems.ok()) << problems.status().message();
    EXPECT_THAT(*problems, IsEmpty()) << all_text(*problems);
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.file("policy.db");
  SeededRandom random_{4};
};

TEST_F(PolicyStoreTest, ANewStoreIsEmptyPrivateAndCountsFromZero) {
  ::umask(0);
  PolicyStore store = open();
  struct stat file {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(*store.change_counter(), 0u);
  EXPECT_EQ(dump(store), export_json(PolicyTree()));
}

TEST_F(PolicyStoreTest, TheWalFileIsPrivateToo) {
  ::umask(0);
  PolicyStore store = open();
  expect_applied(store, {add_policy("P")});
  struct stat file {};
  ASSERT_EQ(::stat((path_ + "-wal").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
}

TEST_F(PolicyStoreTest, ST_13_what_is_applied_is_there_after_reopening) {
  std::string before;
  {
    PolicyStore store = open();
    expect_applied(store, {add_policy("P"), AddFilter{"L", filter_to_port(445)},
                           AddFilterAction{"A", {}, {}, {}, {}, {}, {}, {}}});
    before = dump(store);
  }
  PolicyStore store = open();
  EXPECT_EQ(dump(store), before);
  EXPECT_EQ(*store.change_counter(), 1u);
}

TEST_F(PolicyStoreTest, EveryFieldOfRandomTreesSurvives) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SeededRandom random(seed);
    const PolicyTree tree = random_tree(random);
    {
      PolicyStore store = open();
      const auto problems = store.replace(tree);
      ASSERT_TRUE(problems.ok()) << problems.status().message();
      ASSERT_THAT(*problems, IsEmpty());
    }
    PolicyStore store = open();
    ASSERT_EQ(dump(store), export_json(tree, {true})) << "seed " << seed;
  }
}

// Whatever sequence of changes: what the memory holds is what the file holds.
TEST_F(PolicyStoreTest, RandomChangesLeaveMemoryAndFileEqual) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SeededRandom random(seed);
    PolicyStore store = open();
    ASSERT_TRUE(store.replace(small_tree(seed)).ok());
    const std::vector<std::string> names = {"P", "T", "L", "Out", "In", "A", "R", "new", "other"};
    auto name = [&] { return names[random.below(names.size())]; };
    for (int step = 0; step < 60; ++step) {
      std::vector<Change> all = {add_policy(name()),
                                 DeletePolicy{name()},
                                 AddFilterList{name(), {}},
                                 DeleteFilterList{name()},
                                 AddFilter{name(), filter_to_port(static_cast<std::uint16_t>(random.below(3)))},
                                 DeleteFilter{name(), filter_to_port(static_cast<std::uint16_t>(random.below(3)))},
                                 SetFilterList{name(), name(), {}},
                                 DeleteFilterAction{name()},
                                 DeleteRule{std::nullopt, name()},
                                 AddRule{name(), name(), name(), name(), {}, {}, {}, {}, {}},
                                 DeleteRule{Reference(name()), name()}};
      SetPolicy rename;
      rename.policy = name();
      rename.new_name = name();
      rename.assign = random.chance(0.5);
      all.push_back(rename);
      AddFilterAction action;
      action.name = name();
      all.push_back(action);
      std::vector<Change> changes;
      for (std::uint64_t i = 1 + random.below(3); i > 0; --i) changes.push_back(all[random.below(all.size())]);
      ASSERT_TRUE(store.apply(changes, kNow + step).ok());
    }
    PolicyStore reader = open({.read_only = true});
    ASSERT_EQ(dump(store), dump(reader)) << "seed " << seed;
  }
}

TEST_F(PolicyStoreTest, ChangesAreAllOrNone) {
  PolicyStore store = open();
  expect_applied(store, {add_policy("P")});
  const std::string before = dump(store);
  const std::vector<Change> changes = {add_policy("Q"), AddFilter{"L", filter_to_port(1)}, add_policy("p"),
                                       DeletePolicy{std::string("Gone")}};
  const auto problems = store.apply(changes, kNow);
  ASSERT_TRUE(problems.ok());
  ASSERT_THAT(codes(*problems), ElementsAre(kPolicyExists, kPolicyNotFound));
  EXPECT_EQ((*problems)[0].change_index, 2u);
  EXPECT_EQ((*problems)[1].change_index, 3u);
  EXPECT_EQ(dump(store), before);
  EXPECT_EQ(*store.change_counter(), 1u);
  PolicyStore other = open();
  EXPECT_EQ(dump(other), before);
}

TEST_F(PolicyStoreTest, LaterChangesSeeEarlierOnes) {
  PolicyStore store = open();
  expect_applied(store,
                 {add_policy("P"), AddFilter{"L", filter_to_port(1)}, AddFilterAction{"A", {}, {}, {}, {}, {}, {}, {}},
                  AddRule{"R", "P", "L", "A", {}, {}, {}, {}, {}}});
  // Names that change hands within one transaction, and a list that goes together with its rule.
  SetFilterList away{std::string("L"), "Old", {}};
  expect_applied(store,
                 {away, AddFilterList{"L", {}}, DeleteRule{std::nullopt, "P"}, DeleteFilterList{std::string("Old")}});
  PolicyStore other = open();
  EXPECT_EQ(dump(other), dump(store));
}

TEST_F(PolicyStoreTest, ARefusedChangeLeavesTheCounter) {
  PolicyStore store = open();
  const std::vector<Change> changes = {DeletePolicy{std::string("Gone")}};
  ASSERT_TRUE(store.apply(changes, kNow).ok());
  EXPECT_EQ(*store.change_counter(), 0u);
}

TEST_F(PolicyStoreTest, SingleObjectsAndTheirAbsence) {
  PolicyStore store = open();
  ASSERT_TRUE(store.replace(small_tree()).ok());
  EXPECT_EQ(store.load_policy(std::string("p"))->name, "P");
  EXPECT_EQ(store.load_policy(small_tree().policies[1].guid)->name, "T");
  EXPECT_EQ(store.load_filter_list(std::string("L"))->filters.size(), 1u);
  EXPECT_EQ(store.load_filter_action(std::string("a"))->name, "A");
  EXPECT_EQ(store.load_policy(std::string("Gone")).status().code(), ErrorCode::kNotFound);
  EXPECT_THAT(store.load_filter_list(std::string("Gone")).status().message(), HasSubstr("'Gone'"));
  const auto tree = store.tree();
  EXPECT_EQ(assigned_policy(**tree)->name, "P");
}

TEST_F(PolicyStoreTest, ReplaceRefusesATreeWithProblems) {
  PolicyStore store = open();
  PolicyTree tree = small_tree();
  tree.policies[0].name = "";
  const auto problems = store.replace(tree);
  ASSERT_TRUE(problems.ok());
  EXPECT_THAT(codes(*problems), ElementsAre(kNameInvalid));
  EXPECT_EQ(dump(store), export_json(PolicyTree()));
}

// ---- two connections
// ---------------------------------------------------------------------------------------------------

TEST_F(PolicyStoreTest, AnotherConnectionSeesCommittedChangesAndTheCounter) {
  PolicyStore writer = open();
  PolicyStore reader = open({.read_only = true});
  EXPECT_THAT((*reader.tree())->policies, IsEmpty());
  expect_applied(writer, {add_policy("P")});
  EXPECT_EQ(*reader.change_counter(), 1u);
  EXPECT_EQ((*reader.tree())->policies.size(), 1u);
}

TEST_F(PolicyStoreTest, TwoWritersSeeEachOther) {
  PolicyStore one = open(), other = open();
  expect_applied(one, {add_policy("P")});
  expect_applied(other, {add_policy("Q")});
  const std::vector<Change> again = {add_policy("P")};
  EXPECT_THAT(codes(*other.apply(again, kNow)), ElementsAre(kPolicyExists));
  EXPECT_EQ(dump(one), dump(other));
  EXPECT_EQ(*one.change_counter(), 2u);
}

TEST_F(PolicyStoreTest, AReaderIsNeverStoppedByAWriterAndSeesWholeTransactionsOnly) {
  constexpr int kTransactions = 60;
  { open(); }
  auto writing = std::async(std::launch::async, [&] {
    SeededRandom random(8);
    auto store = PolicyStore::open(path_, {}, random);
    for (int i = 0; i < kTransactions; ++i) {
      // Two policies at once: a reader that sees an odd number saw half a transaction.
      const std::vector<Change> changes = {add_policy(fmt::format("a{}", i)), add_policy(fmt::format("b{}", i))};
      if (!store.ok() || !store->apply(changes, kNow).ok()) return false;
    }
    return true;
  });
  PolicyStore reader = open({.read_only = true});
  std::size_t seen = 0;
  while (seen < 2 * kTransactions) {
    const auto tree = reader.tree();
    ASSERT_TRUE(tree.ok()) << tree.status().message();
    ASSERT_EQ((*tree)->policies.size() % 2, 0u);
    ASSERT_GE((*tree)->policies.size(), seen);
    seen = (*tree)->policies.size();
    if (seen < 2 * kTransactions && writing.wait_for(std::chrono::seconds(0)) == std::future_status::ready) break;
  }
  EXPECT_TRUE(writing.get());
  EXPECT_EQ((*reader.tree())->policies.size(), 2u * kTransactions);
}

TEST_F(PolicyStoreTest, AReadOnlyStoreRefusesToWrite) {
  { open(); }
  PolicyStore store = open({.read_only = true});
  const std::vector<Change> changes = {add_policy("P")};
  EXPECT_EQ(store.apply(changes, kNow).status().code(), ErrorCode::kRefused);
  EXPECT_EQ(store.replace(small_tree()).status().code(), ErrorCode::kRefused);
  EXPECT_EQ(store.import_json("{}", ImportMode::kMerge, kNow).status().code(), ErrorCode::kRefused);
}

// ---- what disks and people do to files
// ---------------------------------------------------------------------------------

TEST_F(PolicyStoreTest, AMissingDirectoryIsNamed) {
  path_ = directory_.file("no/such/policy.db");
  const Status status = open_error();
  EXPECT_EQ(status.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr(path_));
}

TEST_F(PolicyStoreTest, AFileThatIsNoDatabaseIsLeftAsItIs) {
  const std::string text(5000, 'x');
  write_file(path_, text);
  EXPECT_EQ(open_error().code(), ErrorCode::kInvalid);
  EXPECT_TRUE(read_file(path_) == text);
}

TEST_F(PolicyStoreTest, ADatabaseOfSomethingElseIsLeftAsItIs) {
  write_file(path_, "");
  {
    auto connection = Connection::open(path_, Connection::Mode::kReadWrite);
    ASSERT_TRUE((*connection)->execute("CREATE TABLE photos (name TEXT)").ok());
  }
  const std::string before = read_file(path_);
  const Status status = open_error();
  EXPECT_EQ(status.code(), ErrorCode::kInvalid);
  EXPECT_THAT(status.message(), HasSubstr("something else"));
  EXPECT_TRUE(read_file(path_) == before);
}

TEST_F(PolicyStoreTest, ANewerSchemaIsRefused) {
  { open(); }
  {
    auto connection = Connection::open(path_, Connection::Mode::kReadWrite);
    ASSERT_TRUE((*connection)->execute("PRAGMA user_version = 4711").ok());
  }
  const Status status = open_error();
  EXPECT_EQ(status.code(), ErrorCode::kRefused);
  EXPECT_THAT(status.message(), HasSubstr("4711"));
}

TEST_F(PolicyStoreTest, ADamagedFileIsReportedAndLeftAsItIs) {
  {
    PolicyStore store = open();
    expect_applied(store, add_filters(2000));
  }
  std::string bytes = read_file(path_);
  ASSERT_GT(bytes.size(), 100'000u);
  // Pages in the middle, not the header: only the check of the whole file can notice.
  std::fill(bytes.begin() + 40'000, bytes.begin() + 60'000, '\x5a');
  write_file(path_, bytes);
  const Status status = open_error();
  EXPECT_EQ(status.code(), ErrorCode::kInvalid);
  EXPECT_THAT(status.message(), HasSubstr(path_));
  EXPECT_TRUE(read_file(path_) == bytes);
}

TEST_F(PolicyStoreTest, ATruncatedFileIsReported) {
  {
    PolicyStore store = open();
    expect_applied(store, add_filters(2000));
  }
  std::string bytes = read_file(path_);
  write_file(path_, std::string_view(bytes).substr(0, 50'000));
  EXPECT_EQ(open_error().code(), ErrorCode::kInvalid);
}

TEST_F(PolicyStoreTest, AWordThatIsNoneOfOursNamesTableAndColumn) {
  {
    PolicyStore store = open();
    ASSERT_TRUE(store.replace(small_tree()).ok());
  }
  const std::vector<std::pair<std::string, std::string>> damages = {
      {"UPDATE filter_action SET action = 'maybe'", "table filter_action, row 1: action is 'maybe'"},
      {"UPDATE filter SET source = '10.0.0.1/99'", "table filter, row 1: source is '10.0.0.1/99'"},
      {"UPDATE filter SET protocol = 256", "table filter, row 1: protocol is '256'"},
      {"UPDATE main_mode_offer SET dh_group = 'modp1'", "dh_group is 'modp1'"},
      {"UPDATE rule SET tunnel_endpoint = 'there'", "tunnel_endpoint is 'there'"},
      {"UPDATE rule_authentication SET method = 'trust'", "method is 'trust'"},
      {"UPDATE policy SET quick_mode_limit = -1", "quick_mode_limit is '-1'"}};
  const std::string intact = read_file(path_);
  for (const auto& [sql, expected] : damages) {
    write_file(path_, intact);
    {
      auto connection = Connection::open(path_, Connection::Mode::kReadWrite);
      ASSERT_TRUE((*connection)->execute(sql).ok()) << sql;
    }
    PolicyStore store = open();
    const auto tree = store.tree();
    EXPECT_EQ(tree.status().code(), ErrorCode::kInvalid) << sql;
    EXPECT_THAT(tree.status().message(), HasSubstr(expected));
  }
}

TEST_F(PolicyStoreTest, ARowThatPointsNowhereIsReported) {
  {
    PolicyStore store = open();
    ASSERT_TRUE(store.replace(small_tree()).ok());
  }
  {
    auto connection = Connection::open(path_, Connection::Mode::kReadWrite);
    ASSERT_TRUE((*connection)->execute("PRAGMA foreign_keys = OFF; DELETE FROM filter_action").ok());
  }
  EXPECT_THAT(open_error().message(), HasSubstr("points at a row of table filter_action"));
}

// Ends its process in the middle of a transaction: the Nth request for randomness does not return.
class DeadlyRandom : public RandomSource {
 public:
  explicit DeadlyRandom(int requests) : left_(requests) {}
  void fill(MutableByteView out) override {
    if (--left_ == 0) ::raise(SIGKILL);
    random_.fill(out);
  }

 private:
  int left_;
  SeededRandom random_{3};
};

TEST_F(PolicyStoreTest, AProcessKilledInTheMiddleOfATransactionLeavesNothingOfIt) {
  std::string before;
  {
    PolicyStore store = open();
    ASSERT_TRUE(store.replace(small_tree()).ok());
    before = dump(store);
  }
  for (int requests : {1, 2, 50, 1500, 5000}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      DeadlyRandom random(requests);
      auto store = PolicyStore::open(path_, {}, random);
      std::vector<Change> changes = {DeletePolicy{std::string("P")}};
      for (Change& change : add_filters(6000)) changes.push_back(std::move(change));
      if (store.ok()) static_cast<void>(store->apply(changes, kNow).ok());
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << requests;
    PolicyStore store = open();
    EXPECT_EQ(dump(store), before) << requests;
  }
}

TEST_F(PolicyStoreTest, AFullDiskIsAnErrorAndLeavesTheStoreAsItWas) {
  std::string before;
  {
    PolicyStore store = open();
    ASSERT_TRUE(store.replace(small_tree()).ok());
    before = dump(store);
  }
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // a file size limit behaves like a full disk and ends with the process
    ::signal(SIGXFSZ, SIG_IGN);
    SeededRandom random(2);
    auto store = PolicyStore::open(path_, {}, random);
    const rlimit limit{300'000, 300'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto problems = store->apply(add_filters(20'000), kNow);
    const bool reported = !problems.ok() && problems.status().code() == ErrorCode::kUnavailable;
    const bool as_before = dump(*store) == before;
    const std::vector<Change> small = {add_policy("still works")};
    const bool goes_on = store->apply(small, kNow).ok();
    ::_exit((reported ? 0 : 1) | (as_before ? 0 : 2) | (goes_on ? 0 : 4));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  PolicyStore store = open();
  EXPECT_TRUE(store.load_policy(std::string("still works")).ok());
  EXPECT_EQ(store.load_filter_list(std::string("Many")).status().code(), ErrorCode::kNotFound);
}

TEST_F(PolicyStoreTest, ADeletedKeyIsNotLeftInTheFile) {
  const std::string key = "a key that nobody should find again";
  {
    PolicyStore store = open();
    PolicyTree tree = small_tree();
    tree.policies[0].rules[0].authentication = {psk(key)};
    ASSERT_TRUE(store.replace(tree).ok());
  }
  ASSERT_THAT(read_file(path_), HasSubstr(key)) << "the test must look at the right place";
  {
    PolicyStore store = open();
    expect_applied(store, {DeletePolicy{std::string("P")}});
  }
  EXPECT_THAT(read_file(path_), ::testing::Not(HasSubstr(key)));
}

// ---- schema
// -----------------------------------------------------------------------------------------------------------

std::string schema_of(Connection& connection) {
  // Comments and blanks do not count: only what the tables are.
  std::string all = *connection.text(
      "SELECT group_concat(sql, ';' || char(10)) FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY "
      "type, name)");
  all = std::regex_replace(all, std::regex("--[^\n]*"), "");
  all = std::regex_replace(all, std::regex("\\s+"), " ");
  return std::regex_replace(all, std::regex(" ?([,()]) ?"), "$1");
}

TEST_F(PolicyStoreTest, SchemaSqlIsWhatTheMigrationsMake) {
  { open(); }
  write_file(directory_.file("schema.db"), "");
  auto migrated = Connection::open(path_, Connection::Mode::kReadWrite);
  auto described = Connection::open(directory_.file("schema.db"), Connection::Mode::kReadWrite);
  ASSERT_TRUE((*described)->execute(source_file("schema.sql")).ok());
  EXPECT_EQ(schema_of(**migrated), schema_of(**described));
}

TEST(Migrations, AreNumberedWithoutGaps) {
  std::uint32_t expected = 1;
  for (const Migration& migration : all_migrations()) EXPECT_EQ(migration.version, expected++) << migration.name;
  EXPECT_EQ(newest_schema(), expected - 1);
}

TEST_F(PolicyStoreTest, LookupsByLinkUseAnIndex) {
  { open(); }
  auto connection = Connection::open(path_, Connection::Mode::kReadOnly);
  for (std::string_view where :
       {"filter WHERE filter_list = 1", "rule WHERE filter_list = 1", "rule WHERE filter_action = 1",
        "rule WHERE policy = 1", "filter WHERE guid = 'x'", "policy WHERE folded_name = 'x'"}) {
    auto plan = (*connection)->cached(fmt::format("EXPLAIN QUERY PLAN SELECT * FROM {}", where));
    ASSERT_TRUE((*plan)->step().ok());
    EXPECT_THAT(std::string((*plan)->text(3)), HasSubstr("USING INDEX")) << where;
  }
}

// A change in a big store must not touch the rest of it: pages written to the WAL are counted, not seconds.
TEST_F(PolicyStoreTest, OneChangeInABigStoreWritesLittle) {
  PolicyStore store = open();
  expect_applied(store, add_filters(20'000));
  {
    auto connection = Connection::open(path_, Connection::Mode::kReadWrite);
    ASSERT_TRUE((*connection)->execute("PRAGMA wal_checkpoint(TRUNCATE)").ok());
  }
  expect_applied(store, {AddFilter{"Many", filter_to_port(7)}});
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), 40u * 4096);
  EXPECT_EQ(store.load_filter_list(std::string("Many"))->filters.size(), 20'001u);
}

}  // namespace
}  // namespace ipsec::store::tests
