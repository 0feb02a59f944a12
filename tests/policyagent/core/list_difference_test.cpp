#include "services/policyagent/core/list_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/seeded_random.h"

namespace ipsec::agent::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Element {
  std::uint64_t id = 0;
  int content = 0;
  friend bool operator==(const Element&, const Element&) = default;
};
using List = SharedList<Element>;

List list(const std::vector<std::uint64_t>& ids) {
  List made;
  for (const std::uint64_t id : ids) made.push_back(Element{id, 0});
  return made;
}

std::vector<Element> values(const List& list) { return {list.begin(), list.end()}; }

// As the services do it.
std::vector<Element> applied(const List& before, const List& after, const ListDifference& difference) {
  std::vector<Element> made = values(before);
  for (const std::uint64_t id : difference.removed) {
    const auto found = std::find_if(made.begin(), made.end(), [id](const Element& each) { return each.id == id; });
    EXPECT_NE(found, made.end());
    made.erase(found);
  }
  for (const std::size_t place : difference.inserted) {
    EXPECT_LE(place, made.size());
    made.insert(made.begin() + static_cast<std::ptrdiff_t>(place), after[place]);
  }
  return made;
}

TEST(SharedList, a_copy_that_is_changed_leaves_the_other_alone) {
  SharedList<Element> list;
  EXPECT_TRUE(list.empty());
  list.push_back(Element{1, 1});
  SharedList<Element> copy = list;
  EXPECT_EQ(&copy.front(), &list.front()) << "the elements are shared";
  copy.push_back(Element{2, 2});
  EXPECT_EQ(list.size(), 1U);
  EXPECT_EQ(copy.size(), 2U);
  EXPECT_EQ(&copy.front(), &list.front());
}

TEST(ListDifference, equal_lists_have_none) {
  EXPECT_TRUE(difference(list({1, 2, 3}), list({1, 2, 3})).empty());
  EXPECT_TRUE(difference(list({}), list({})).empty());
}

TEST(ListDifference, names_what_comes_and_what_goes) {
  const ListDifference found = difference(list({1, 2, 3, 4}), list({1, 9, 2, 4, 8}));
  EXPECT_THAT(found.removed, ElementsAre(3));
  EXPECT_THAT(found.inserted, ElementsAre(1, 4));
  EXPECT_THAT(difference(list({}), list({1, 2})).inserted, ElementsAre(0, 1));
  EXPECT_THAT(difference(list({1, 2}), list({})).removed, ElementsAre(1, 2));
}

TEST(ListDifference, an_element_that_changes_goes_and_comes) {
  List before = list({1});
  before.push_back(Element{2, 0});
  List after = list({1});
  after.push_back(Element{2, 7});
  const ListDifference found = difference(before, after);
  EXPECT_THAT(found.removed, ElementsAre(2));
  EXPECT_THAT(found.inserted, ElementsAre(1));
}

TEST(ListDifference, a_few_changes_in_a_long_list_name_little_else) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t id = 1; id <= 10000; ++id) ids.push_back(id);
  const List before = list(ids);
  for (int i = 0; i < 10; ++i) {
    ids.erase(ids.begin() + 900 * i);
    ids.insert(ids.begin() + 900 * i + 50, 100000U + static_cast<std::uint64_t>(i));
  }
  const ListDifference found = difference(before, list(ids));
  EXPECT_EQ(found.removed.size(), 10U);
  EXPECT_EQ(found.inserted.size(), 10U);
}

TEST(ListDifference, a_long_run_of_new_elements_leaves_the_rest_alone) {
  std::vector<std::uint64_t> ids = {1, 2, 3, 4};
  const List before = list(ids);
  for (std::uint64_t id = 100; id < 300; ++id) ids.insert(ids.begin() + 2, id);
  const ListDifference found = difference(before, list(ids));
  EXPECT_THAT(found.removed, IsEmpty());
  EXPECT_EQ(found.inserted.size(), 200U);
}

TEST(ListDifference, whatever_the_lists_are_it_leads_from_one_to_the_other) {
  ipsec::tests::SeededRandom random(77);
  for (int round = 0; round < 400; ++round) {
    const auto random_list = [&random](std::size_t most) {
      List made;
      std::vector<std::uint64_t> used;
      for (std::size_t i = random.below(most); i > 0; --i) {
        const std::uint64_t id = 1 + random.below(most);
        if (std::find(used.begin(), used.end(), id) != used.end()) continue;
        used.push_back(id);
        made.push_back(Element{id, static_cast<int>(random.below(5) / 4)});
      }
      return made;
    };
    const std::size_t most = round % 2 == 0 ? 12 : 300;
    const List before = random_list(most);
    const List after = random_list(most);
    ASSERT_EQ(applied(before, after, difference(before, after)), values(after)) << "round " << round;
  }
}

}  // namespace
}  // namespace ipsec::agent::tests
