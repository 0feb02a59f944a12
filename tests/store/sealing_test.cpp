#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/crypto/aes_gcm.h"
#include "store/json/json.h"
#include "store/key_file.h"
#include "store/lookup.h"
#include "store/migrations.h"
#include "store/names.h"
#include "store/policy_store.h"
#include "store/private_file.h"
#include "store/schema_version.h"
#include "store/sqlite.h"
#include "tests/store/store_support.h"

// Preshared keys at rest.
namespace ipsec::store::tests {
namespace {

using ipsec::tests::SeededRandom;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kSecret = "a key that nobody should find";

class SealingTest : public ::testing::Test {
 protected:
  KeyVault new_vault(const std::string& source = "a test") {
    SecretBytes key(kAesGcmKeySize);
    random_.fill(key.mutable_view());
    return KeyVault::with_key(std::move(key), source);
  }
  PolicyStore open(const KeyVault& vault) {
    StoreOptions options;
    options.vault = vault;
    auto store = PolicyStore::open(path_, options, random_);
    EXPECT_TRUE(store.ok()) << store.status().message();
    return *std::move(store);
  }
  static PolicyTree tree_with_key() {
    PolicyTree tree = small_tree();
    tree.policies[0].rules[0].authentication = {psk(kSecret), KerberosAuthentication{}};
    tree.policies[0].default_response.authentication = {psk(kSecret)};
    return tree;
  }
  void store_tree(const KeyVault& vault) {
    PolicyStore store = open(vault);
    const auto problems = store.replace(tree_with_key());
    ASSERT_TRUE(problems.ok()) << problems.status().message();
    ASSERT_THAT(*problems, IsEmpty());
  }
  static const PresharedKeyAuthentication& key_of(const PolicyTree& tree) {
    return std::get<PresharedKeyAuthentication>(tree.policies[0].rules[0].authentication[0]);
  }
  std::string all_files() const {
    std::string all = read_file(path_);
    if (std::filesystem::exists(path_ + "-wal")) all += read_file(path_ + "-wal");
    return all;
  }
  void execute(const std::string& sql) const {
    auto connection = Connection::open(path_, Connection::Mode::kReadWrite);
    ASSERT_TRUE(connection.ok());
    const Status status = (*connection)->execute(sql);
    ASSERT_TRUE(status.ok()) << status.message();
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.file("policy.db");
  SeededRandom random_{11};
};

TEST_F(SealingTest, KeysComeBackAndAreNowhereInTheFiles) {
  const KeyVault vault = new_vault();
  store_tree(vault);
  EXPECT_THAT(all_files(), Not(HasSubstr(kSecret)));
  PolicyStore store = open(vault);
  EXPECT_EQ(key_of(*store.load_tree()).key.reveal_text(), kSecret);
  EXPECT_THAT(*store.export_json(true), HasSubstr(kSecret));
}

TEST_F(SealingTest, WithAnotherKeyTheyStayShutAndAreKept) {
  const KeyVault vault = new_vault();
  store_tree(vault);
  {
    const KeyVault other = new_vault("/etc/other.key");
    PolicyStore store = open(other);
    const PolicyTree tree = *store.load_tree();
    ASSERT_TRUE(key_of(tree).unopened.has_value());
    EXPECT_TRUE(key_of(tree).key.empty());
    EXPECT_THAT(other.cannot_open(key_of(tree).unopened->key_id), HasSubstr("/etc/other.key"));
    EXPECT_THAT(*store.export_json(true), Not(HasSubstr("\"psk\":")));
    // A change of the same rule writes its methods again.
    SetRule change;
    change.policy = "P";
    change.rule = std::string("R");
    change.description = "changed while the key was away";
    EXPECT_THAT(*store.apply(std::vector<Change>{change}, kNow), IsEmpty());
  }
  PolicyStore store = open(vault);
  const PolicyTree tree = *store.load_tree();
  EXPECT_EQ(tree.policies[0].rules[0].description, "changed while the key was away");
  EXPECT_EQ(key_of(tree).key.reveal_text(), kSecret) << "the key came back";
}

TEST_F(SealingTest, ALostKeyRefusesNewSecretsNamesTheFileAndLeavesTheRestAlone) {
  store_tree(new_vault());
  PolicyStore store = open(KeyVault::without_key("key file /etc/policy.key is not there"));
  const std::string before = *store.export_json(true);
  SetRule change;
  change.policy = "P";
  change.rule = std::string("R");
  change.authentication = std::vector<AuthenticationMethod>{psk("new")};
  const auto refused = store.apply(std::vector<Change>{change}, kNow);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(), HasSubstr("/etc/policy.key"));
  EXPECT_EQ(*store.export_json(true), before);
  EXPECT_THAT(*store.apply(std::vector<Change>{AddFilter{"more", filter_to_port(25)}}, kNow), IsEmpty());
}

TEST_F(SealingTest, ASealedKeyMovedToAnotherRowDoesNotOpen) {
  const KeyVault vault = new_vault();
  store_tree(vault);
  execute(
      "UPDATE rule_authentication SET psk = (SELECT psk FROM default_rule_authentication WHERE psk IS NOT NULL) WHERE "
      "method = 'psk'");
  PolicyStore store = open(vault);
  EXPECT_TRUE(key_of(*store.load_tree()).unopened.has_value());
}

TEST_F(SealingTest, AStoreOfTheFirstSchemaIsSealedInOneTransaction) {
  write_file(path_, "");
  execute(std::string(all_migrations()[0].sql));
  execute("PRAGMA user_version = 1");
  execute("PRAGMA application_id = 0x49505350");
  execute(
      "INSERT INTO policy VALUES (1, 'g1', 'ÄRGER', 'Ärger', '', 0, 'modern', 7, 'g2', 480, 0, 0, 'g3', 0, 0);"
      "INSERT INTO policy VALUES (2, 'g4', 'ärger', 'ärger', '', 0, 'modern', 7, 'g5', 480, 0, 0, 'g6', 0, 0);"
      "INSERT INTO filter_list VALUES (1, 'g7', 'L', 'l', '', 0);"
      "INSERT INTO filter_action VALUES (1, 'g8', 'A', 'a', '', 0, 'permit', 0, 'none', 0, 0);"
      "INSERT INTO rule VALUES (1, 'g9', 1, 'R', 'r', '', 0, 1, 1, NULL, 'all', 1);"
      "INSERT INTO rule_authentication VALUES (1, 0, 'psk', CAST('" +
      std::string(kSecret) +
      "' AS BLOB), NULL, NULL, NULL);"
      "INSERT INTO default_rule_authentication VALUES (2, 0, 'psk', CAST('" +
      std::string(kSecret) + "' AS BLOB), NULL, NULL, NULL)");
  ASSERT_THAT(all_files(), HasSubstr(kSecret)) << "the test must look at the right place";

  const KeyVault vault = new_vault();
  PolicyStore store = open(vault);
  EXPECT_THAT(all_files(), Not(HasSubstr(kSecret)));
  const PolicyTree tree = *store.load_tree();
  EXPECT_EQ(key_of(tree).key.reveal_text(), kSecret);
  EXPECT_EQ(tree.policies[1].name, "ärger (2)") << "names that are one now";
  EXPECT_EQ(tree.policies[0].version, 1u);
  EXPECT_TRUE(store.load_policy(std::string("Ärger")).ok());
}

TEST_F(SealingTest, WhatIsStillInClearIsSealedOnceThereIsAKey) {
  store_tree(KeyVault::clear());
  ASSERT_THAT(all_files(), HasSubstr(kSecret));
  PolicyStore store = open(new_vault());
  EXPECT_THAT(all_files(), Not(HasSubstr(kSecret)));
  EXPECT_EQ(key_of(*store.load_tree()).key.reveal_text(), kSecret);
}

// ---- where the key comes from ---------------------------------------------------------------------------------------

class KeyFileTest : public SealingTest {
 protected:
  KeyFound find(const std::string& credentials = "") {
    return find_key({credentials, directory_.file("policy.key")}, path_, random_);
  }
  void set_mode(const std::string& path, ::mode_t mode) { ASSERT_EQ(::chmod(path.c_str(), mode), 0); }
  static unsigned mode_of(const std::string& path) {
    struct stat found {};
    EXPECT_EQ(::stat(path.c_str(), &found), 0);
    return found.st_mode & 0777u;
  }
};

TEST_F(KeyFileTest, IsMadeOncePrivateAndFoundAgain) {
  const KeyFound made = find();
  EXPECT_TRUE(made.made);
  EXPECT_TRUE(made.vault.seals());
  EXPECT_EQ(mode_of(directory_.file("policy.key")), 0600u);
  EXPECT_EQ(std::filesystem::file_size(directory_.file("policy.key")), 32u);
  const KeyFound again = find();
  EXPECT_FALSE(again.made);
  EXPECT_EQ(again.vault.id(), made.vault.id());
}

TEST_F(KeyFileTest, AFileThatIsAwayIsNotReplacedWhileItIsNeeded) {
  const KeyFound key = find();
  store_tree(key.vault);
  std::filesystem::rename(directory_.file("policy.key"), directory_.file("elsewhere"));
  const KeyFound lost = find();
  EXPECT_FALSE(lost.made);
  EXPECT_FALSE(lost.vault.ready().ok());
  EXPECT_THAT(lost.problem, HasSubstr(directory_.file("policy.key")));
  EXPECT_FALSE(std::filesystem::exists(directory_.file("policy.key")));
  std::filesystem::rename(directory_.file("elsewhere"), directory_.file("policy.key"));
  EXPECT_EQ(find().vault.id(), key.vault.id());
}

TEST_F(KeyFileTest, OthersRightsAreTakenBackAndTold) {
  const std::string id = find().vault.id();
  set_mode(directory_.file("policy.key"), 0644);
  const KeyFound key = find();
  EXPECT_EQ(key.vault.id(), id);
  ASSERT_EQ(key.repaired.size(), 1u);
  EXPECT_THAT(key.repaired[0], HasSubstr("could be read by others (mode 0644)"));
  EXPECT_EQ(mode_of(directory_.file("policy.key")), 0600u);
}

TEST_F(KeyFileTest, WrongSizesAreRefusedByNameAndSize) {
  for (const std::size_t size : {0u, 31u, 33u}) {
    write_file(directory_.file("policy.key"), std::string(size, 'k'));
    const KeyFound key = find();
    EXPECT_FALSE(key.vault.seals());
    EXPECT_THAT(key.problem, HasSubstr("policy.key"));
    EXPECT_THAT(key.problem, HasSubstr("accepted are 32 random ones"));
  }
}

TEST_F(KeyFileTest, ACredentialWins) {
  const std::string file_id = find().vault.id();
  write_file(directory_.file(std::string(kKeyCredential)), std::string(32, 'c'));
  const KeyFound key = find(std::filesystem::path(path_).parent_path());
  EXPECT_THAT(key.source, HasSubstr("policyagent-key"));
  EXPECT_NE(key.vault.id(), file_id);
  EXPECT_EQ(find("/nonexistent").vault.id(), file_id) << "no such credential: the file";
}

TEST_F(KeyFileTest, PrivateFilesAreLeftAloneAndStrangersRefused) {
  EXPECT_EQ(*make_private(directory_.file("nothing")), "");
  write_file(path_, "x");
  set_mode(path_, 0600);
  EXPECT_EQ(*make_private(path_), "");
  set_mode(path_, 0666);
  EXPECT_THAT(*make_private(path_), HasSubstr("could be written by others"));
  EXPECT_EQ(mode_of(path_), 0600u);
  EXPECT_EQ(make_private(std::filesystem::path(path_).parent_path()).status().code(), ErrorCode::kRefused);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown(path_.c_str(), 12345, 0), 0);
  EXPECT_EQ(make_private(path_).status().code(), ErrorCode::kRefused);
}

// ---- versions -------------------------------------------------------------------------------------------------------

TEST_F(SealingTest, ST_04_ST_05_versions_grow_with_the_policy_and_what_it_shares) {
  PolicyStore store = open(new_vault());
  ASSERT_THAT(*store.replace(small_tree()), IsEmpty());
  const auto version = [&](const std::string& policy) { return store.load_policy(policy)->version; };
  const std::uint64_t shared = version("P");
  const std::uint64_t other = version("T");
  const auto apply = [&](std::vector<Change> changes, WallClock now) {
    EXPECT_THAT(*store.apply(changes, now), IsEmpty());
  };
  apply({AddFilter{"L", filter_to_port(4711)}}, kNow);
  EXPECT_EQ(version("P"), shared + 1);
  apply({AddFilter{"L", filter_to_port(4712)}, AddFilter{"L", filter_to_port(4713)}}, kNow);
  EXPECT_EQ(version("P"), shared + 2) << "in the same second, and once for one transaction";
  EXPECT_EQ(version("T"), other) << "a policy that does not use the list";
  SetFilterAction action;
  action.filter_action = std::string("A");
  action.description = "changed";
  apply({action}, kNow + 1);
  EXPECT_EQ(version("P"), shared + 3);
  EXPECT_EQ(store.load_policy(std::string("P"))->last_modified, kNow + 1);
  EXPECT_EQ(version("T"), other + 1) << "the action is everybody's";
  const std::string json = *store.export_json(true);
  EXPECT_THAT(*store.import_json(json, ImportMode::kMerge, kNow + 2), IsEmpty());
  EXPECT_EQ(version("P"), shared + 3) << "an import that changes nothing";
  EXPECT_EQ(version("T"), other + 1);
}

TEST_F(SealingTest, NamesAreFoundWithoutRegardToCaseBeyondAscii) {
  PolicyStore store = open(new_vault());
  AddPolicy policy;
  policy.name = "Büro ΑΘΗΝΑ Москва";
  EXPECT_THAT(*store.apply(std::vector<Change>{policy}, kNow), IsEmpty());
  EXPECT_TRUE(store.load_policy(std::string("BÜRO αθηνα МОСКВА")).ok());
  policy.name = "BÜRO αθηνα москва";
  EXPECT_EQ(codes(*store.apply(std::vector<Change>{policy}, kNow)), std::vector<std::uint32_t>{kPolicyExists});
}

}  // namespace
}  // namespace ipsec::store::tests
