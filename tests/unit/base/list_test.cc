// The intrusive list.
#include "base/list.h"

#include <vector>

#include <gtest/gtest.h>

namespace ioloop {
namespace {

struct ByColour;
struct ByShape;

struct Item : ListNode<ByColour>, ListNode<ByShape> {
    explicit Item(int n) : number(n) {}
    int number;
};

using Colours = List<Item, ByColour>;
using Shapes = List<Item, ByShape>;

template <class L>
std::vector<int> numbers(L &list) {
    std::vector<int> result;
    for (Item *item = list.empty() ? nullptr : &list.front(); item; item = list.next_of(*item)) {
        result.push_back(item->number);
    }
    return result;
}

using Numbers = std::vector<int>;

TEST(ListTest, keeps_the_order) {
    Colours list;
    Item a(1), b(2), c(3);
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.pop_front(), nullptr);
    list.push_back(b);
    list.push_back(c);
    list.push_front(a);
    EXPECT_FALSE(list.empty());
    EXPECT_EQ(numbers(list), Numbers({1, 2, 3}));
    EXPECT_EQ(list.pop_front(), &a);
    EXPECT_EQ(list.pop_front(), &b);
    EXPECT_EQ(list.pop_front(), &c);
    EXPECT_TRUE(list.empty());
}

TEST(ListTest, items_leave_by_themselves) {
    Colours list;
    Item a(1), b(2), c(3);
    for (Item *item : {&a, &b, &c}) list.push_back(*item);
    ListNode<ByColour> &node = b;
    EXPECT_TRUE(node.linked());
    node.unlink();
    EXPECT_FALSE(node.linked());
    node.unlink();
    EXPECT_EQ(numbers(list), Numbers({1, 3}));
    list.push_back(b);
    EXPECT_EQ(numbers(list), Numbers({1, 3, 2}));
}

TEST(ListTest, an_item_is_in_a_list_for_each_tag) {
    Colours colours;
    Shapes shapes;
    Item a(1), b(2);
    colours.push_back(a);
    colours.push_back(b);
    shapes.push_front(a);
    shapes.push_front(b);
    EXPECT_EQ(numbers(colours), Numbers({1, 2}));
    EXPECT_EQ(numbers(shapes), Numbers({2, 1}));
    shapes.pop_front();
    EXPECT_EQ(numbers(colours), Numbers({1, 2}));
    EXPECT_EQ(numbers(shapes), Numbers({1}));
}

TEST(ListTest, splices_to_the_end) {
    Colours list, other;
    Item a(1), b(2), c(3), d(4);
    list.splice(other);
    EXPECT_TRUE(list.empty());
    other.push_back(a);
    other.push_back(b);
    list.splice(other);
    EXPECT_TRUE(other.empty());
    EXPECT_EQ(numbers(list), Numbers({1, 2}));
    other.push_back(c);
    list.splice(other);
    other.push_back(d);
    EXPECT_EQ(numbers(list), Numbers({1, 2, 3}));
    EXPECT_EQ(numbers(other), Numbers({4}));
    EXPECT_EQ(list.next_of(c), nullptr);
}

}  // namespace
}  // namespace ioloop
