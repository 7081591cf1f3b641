// An intrusive doubly linked list: nodes derive from ListNode<Tag>, and can leave any list they are in by themselves.
#pragma once

namespace ioloop {

template <class Tag>
struct ListNode {
    ListNode *prev = nullptr;
    ListNode *next = nullptr;

    bool linked() const { return next != nullptr; }
    void unlink() {
        if (!next) return;
        prev->next = next;
        next->prev = prev;
        prev = next = nullptr;
    }
};

template <class T, class Tag>
class List {
public:
    List() { reset(); }
    List(const List &) = delete;
    List &operator=(const List &) = delete;

    bool empty() const { return root_.next == &root_; }
    void push_back(T &item) { insert_before(root_, item); }
    void push_front(T &item) { insert_before(*root_.next, item); }
    T &front() { return *static_cast<T *>(root_.next); }
    T *pop_front() {
        if (empty()) return nullptr;
        T *item = &front();
        static_cast<ListNode<Tag> *>(item)->unlink();
        return item;
    }
    // Moves all of other's items to the end of this list.
    void splice(List &other) {
        if (other.empty()) return;
        ListNode<Tag> *first = other.root_.next, *last = other.root_.prev;
        first->prev = root_.prev;
        root_.prev->next = first;
        last->next = &root_;
        root_.prev = last;
        other.reset();
    }
    T *next_of(T &item) {
        ListNode<Tag> *next = static_cast<ListNode<Tag> &>(item).next;
        return next == &root_ ? nullptr : static_cast<T *>(next);
    }

private:
    void reset() { root_.prev = root_.next = &root_; }
    void insert_before(ListNode<Tag> &place, ListNode<Tag> &node) {
        node.prev = place.prev;
        node.next = &place;
        place.prev->next = &node;
        place.prev = &node;
    }

    ListNode<Tag> root_;
};

}  // namespace ioloop
