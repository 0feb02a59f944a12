#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace ipsec::store {

// A list that its copies share until one of them is edited. Copies of a store's tree are made at every load, and a
// store may hold hundreds of thousands of filters of which one has changed. Reads like a vector of values.
// A list may be read and copied, and its copies edited, by several threads; one list by one thread at a time.
template <typename T>
class CopyOnWrite {
 public:
  using value_type = T;
  using const_iterator = typename std::vector<T>::const_iterator;

  CopyOnWrite() = default;
  CopyOnWrite(std::vector<T> elements) : elements_(std::make_shared<std::vector<T>>(std::move(elements))) {}
  CopyOnWrite(std::initializer_list<T> elements) : CopyOnWrite(std::vector<T>(elements)) {}

  const std::vector<T>& get() const {
    static const std::vector<T> nothing;
    return elements_ ? *elements_ : nothing;
  }
  operator const std::vector<T>&() const { return get(); }
  std::size_t size() const { return get().size(); }
  bool empty() const { return get().empty(); }
  const_iterator begin() const { return get().begin(); }
  const_iterator end() const { return get().end(); }
  const T& operator[](std::size_t place) const { return get()[place]; }
  const T& front() const { return get().front(); }
  const T& back() const { return get().back(); }

  // To be changed in place; a copy, where others share it. Valid until this list is copied.
  std::vector<T>& edit() {
    if (!elements_) {
      elements_ = std::make_shared<std::vector<T>>();
    } else if (elements_.use_count() > 1) {
      elements_ = std::make_shared<std::vector<T>>(*elements_);
    }
    return *elements_;
  }
  void push_back(T element) { edit().push_back(std::move(element)); }

  // Lists that share one have the same elements for as long as both live; the reverse does not hold.
  const void* shared() const { return elements_.get(); }

 private:
  std::shared_ptr<std::vector<T>> elements_;  // null: empty
};

}  // namespace ipsec::store
