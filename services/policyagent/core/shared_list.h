#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace ipsec::agent {

// A list whose elements never change and are shared with other lists, so that what two lists have in common shows at
// its address. A copy costs nothing until one of the two is changed. Reads like a vector of values.
// A list that was given to another thread may be copied, and the copy changed, but not the list itself.
template <typename T>
class SharedList {
 public:
  using Pointer = std::shared_ptr<const T>;

  class Iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    explicit Iterator(const Pointer* at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    reference operator[](difference_type n) const { return *at_[n]; }
    Iterator& operator++() { return *this += 1; }
    Iterator& operator--() { return *this += -1; }
    Iterator operator++(int) { return std::exchange(*this, *this + 1); }
    Iterator operator--(int) { return std::exchange(*this, *this - 1); }
    Iterator& operator+=(difference_type n) {
      at_ += n;
      return *this;
    }
    Iterator& operator-=(difference_type n) { return *this += -n; }
    friend Iterator operator+(Iterator iterator, difference_type n) { return iterator += n; }
    friend Iterator operator+(difference_type n, Iterator iterator) { return iterator += n; }
    friend Iterator operator-(Iterator iterator, difference_type n) { return iterator -= n; }
    friend difference_type operator-(const Iterator& a, const Iterator& b) { return a.at_ - b.at_; }
    friend auto operator<=>(const Iterator&, const Iterator&) = default;

   private:
    const Pointer* at_ = nullptr;
  };

  SharedList() = default;
  explicit SharedList(std::vector<Pointer> pointers)
      : pointers_(std::make_shared<std::vector<Pointer>>(std::move(pointers))) {}

  void push_back(T value) { push_back(std::make_shared<const T>(std::move(value))); }
  void push_back(Pointer pointer) { own().push_back(std::move(pointer)); }
  void reserve(std::size_t size) { own().reserve(size); }

  std::size_t size() const { return pointers().size(); }
  bool empty() const { return pointers().empty(); }
  Iterator begin() const { return Iterator(pointers().data()); }
  Iterator end() const { return Iterator(pointers().data() + size()); }
  const T& operator[](std::size_t place) const { return *pointers()[place]; }
  const T& at(std::size_t place) const { return *pointers().at(place); }
  const T& front() const { return *pointers().front(); }
  const T& back() const { return *pointers().back(); }
  const std::vector<Pointer>& pointers() const {
    static const std::vector<Pointer> nothing;
    return pointers_ ? *pointers_ : nothing;
  }

 private:
  std::vector<Pointer>& own() {
    if (!pointers_ || pointers_.use_count() > 1) pointers_ = std::make_shared<std::vector<Pointer>>(pointers());
    return *pointers_;
  }

  std::shared_ptr<std::vector<Pointer>> pointers_;  // null: empty
};

}  // namespace ipsec::agent
