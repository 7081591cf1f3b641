// prev of a first child is its parent, of the others the sibling before; a root has none.
#include "base/timer_heap.h"

#include <utility>

namespace ioloop {

namespace {

bool earlier(const Timer &a, const Timer &b) {
    return a.deadline_ns != b.deadline_ns ? a.deadline_ns < b.deadline_ns : a.order < b.order;
}

// Makes one heap of siblings: melds them in pairs, then the pairs from the last to the first, which is what bounds
// the cost of all calls together.
Timer *meld_siblings(Timer *first) {
    Timer *pairs = nullptr;
    while (first) {
        Timer *a = first, *b = first->next;
        first = b ? b->next : nullptr;
        a->prev = a->next = nullptr;
        if (b) b->prev = b->next = nullptr;
        Timer *pair = heap_meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    Timer *root = nullptr;
    while (pairs) {
        Timer *pair = pairs;
        pairs = pair->next;
        pair->next = nullptr;
        root = heap_meld(root, pair);
    }
    return root;
}

}  // namespace

Timer *heap_meld(Timer *a, Timer *b) {
    if (!a || !b) return a ? a : b;
    if (earlier(*b, *a)) std::swap(a, b);
    b->prev = a;
    b->next = a->child;
    if (a->child) a->child->prev = b;
    a->child = b;
    return a;
}

Timer *heap_remove(Timer &timer) {
    Timer *prev = timer.prev, *next = timer.next;
    Timer *rest = meld_siblings(timer.child);
    timer.prev = timer.next = timer.child = nullptr;
    if (!prev) return rest;
    // What was below it fires after it, and so after its parent: it may stay there.
    Timer *&link = prev->child == &timer ? prev->child : prev->next;
    link = rest ? rest : next;
    if (rest) {
        rest->prev = prev;
        rest->next = next;
    }
    if (next) next->prev = rest ? rest : prev;
    return rest;
}

}  // namespace ioloop
