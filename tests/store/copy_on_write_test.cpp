#include "store/copy_on_write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipsec::store::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CopyOnWrite, a_copy_shares_until_one_of_the_two_is_edited) {
  CopyOnWrite<int> list = {1, 2};
  CopyOnWrite<int> copy = list;
  EXPECT_EQ(copy.shared(), list.shared());
  copy.push_back(3);
  EXPECT_THAT(list.get(), ElementsAre(1, 2));
  EXPECT_THAT(copy.get(), ElementsAre(1, 2, 3));
  EXPECT_NE(copy.shared(), list.shared());
}

TEST(CopyOnWrite, the_original_edited_leaves_the_copy_as_it_was) {
  CopyOnWrite<int> list = {1, 2};
  const CopyOnWrite<int> copy = list;
  list.edit()[0] = 7;
  EXPECT_THAT(list.get(), ElementsAre(7, 2));
  EXPECT_THAT(copy.get(), ElementsAre(1, 2));
}

TEST(CopyOnWrite, what_nobody_shares_is_edited_in_place) {
  CopyOnWrite<int> list = {1};
  const void* const before = list.shared();
  list.edit()[0] = 2;
  EXPECT_EQ(list.shared(), before);
}

TEST(CopyOnWrite, an_empty_one_and_one_that_was_moved_from_read_as_empty) {
  CopyOnWrite<int> list;
  EXPECT_THAT(list.get(), IsEmpty());
  list.push_back(1);
  const CopyOnWrite<int> taken = std::move(list);
  EXPECT_THAT(taken.get(), ElementsAre(1));
  EXPECT_THAT(list.get(), IsEmpty());  // NOLINT(bugprone-use-after-move): that is what is tested
}

}  // namespace
}  // namespace ipsec::store::tests
