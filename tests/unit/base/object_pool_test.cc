// The pool behind handles: what a stale handle points to must stay readable, and be no other object for long.
#include "base/object_pool.h"

#include <atomic>
#include <cstdint>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/memory.h"
#include "failing_memory.h"

namespace ioloop {
namespace {

constexpr uint32_t magic = 0x10000001;

struct Object {
    HandleHeader header;
    uint64_t values[10] = {};
};

Object *make_object(ObjectPool &pool) {
    void *memory = pool.take();
    if (!memory) return nullptr;
    EXPECT_FALSE(alive(memory, magic));
    Object *object = new (memory) Object;
    object->header.magic.store(magic, std::memory_order_release);
    return object;
}

void free_object(ObjectPool &pool, Object *object) {
    object->header.magic.store(0, std::memory_order_release);
    object->~Object();
    pool.give(object);
}

// Pools are never destroyed, as in the library.
constinit ObjectPool plain(sizeof(Object), magic);

TEST(ObjectPoolTest, handles_are_alive_between_making_and_freeing) {
    EXPECT_EQ(plain.magic(), magic);
    EXPECT_FALSE(alive(nullptr, magic));
    Object *object = make_object(plain);
    EXPECT_TRUE(alive(object, magic));
    EXPECT_FALSE(alive(object, magic + 1));
    free_object(plain, object);
    EXPECT_FALSE(alive(object, magic));
}

struct Thing {
    uint64_t value = 7;
    static ObjectPool pool;
};

constinit ObjectPool Thing::pool(sizeof(HandleHeader) + sizeof(Thing), magic + 1);

TEST(ObjectPoolTest, an_object_lies_behind_what_its_handle_points_to) {
    void *handle = Thing::pool.take();
    ASSERT_NE(handle, nullptr);
    Thing *thing = new (object_memory(handle)) Thing;
    EXPECT_EQ(handle_of(thing), handle);
    EXPECT_EQ(object_of<Thing>(handle), thing);
    EXPECT_FALSE(alive(handle, magic + 1));
    set_alive(thing, true);
    EXPECT_TRUE(alive(handle, magic + 1));
    EXPECT_FALSE(alive(handle, magic));
    EXPECT_EQ(object_of<Thing>(handle)->value, 7u);
    set_alive(thing, false);
    EXPECT_FALSE(alive(handle, magic + 1));
    thing->~Thing();
    Thing::pool.give(handle);
}

TEST(ObjectPoolTest, taken_slots_are_counted_as_memory) {
    uint64_t before = memory_in_use();
    Object *object = make_object(plain);
    EXPECT_EQ(memory_in_use(), before + sizeof(Object));
    free_object(plain, object);
    EXPECT_EQ(memory_in_use(), before);
}

TEST(ObjectPoolTest, slots_do_not_overlap_and_are_aligned) {
    static constinit ObjectPool pool(sizeof(Object), magic);
    std::vector<Object *> objects;
    for (uint64_t i = 0; i < 1000; ++i) {
        objects.push_back(make_object(pool));
        EXPECT_EQ(reinterpret_cast<uintptr_t>(objects.back()) % alignof(std::max_align_t), 0u);
        for (uint64_t &value : objects.back()->values) value = i;
    }
    for (uint64_t i = 0; i < 1000; ++i) {
        for (uint64_t value : objects[i]->values) ASSERT_EQ(value, i);
        ASSERT_TRUE(alive(objects[i], magic));
    }
    for (Object *object : objects) free_object(pool, object);
    for (Object *object : objects) ASSERT_FALSE(alive(object, magic));
}

TEST(ObjectPoolTest, a_slot_is_reused_only_after_1024_others) {
    static constinit ObjectPool pool(sizeof(Object), magic);
    Object *first = make_object(pool);
    free_object(pool, first);
    for (size_t others = 0; others < handle_quarantine; ++others) {
        Object *other = make_object(pool);
        ASSERT_NE(other, first) << "after " << others << " others";
        ASSERT_FALSE(alive(first, magic));
        free_object(pool, other);
    }
    Object *again = make_object(pool);
    EXPECT_EQ(again, first);
    free_object(pool, again);
}

TEST(ObjectPoolTest, slots_are_reused_in_the_order_of_freeing) {
    static constinit ObjectPool pool(sizeof(Object), magic);
    std::vector<Object *> objects;
    for (size_t i = 0; i < handle_quarantine + 50; ++i) objects.push_back(make_object(pool));
    for (Object *object : objects) free_object(pool, object);
    std::vector<Object *> again;
    for (size_t i = 0; i < 50; ++i) {
        again.push_back(make_object(pool));
        EXPECT_EQ(again[i], objects[i]);
    }
    for (Object *object : again) free_object(pool, object);
}

TEST(ObjectPoolTest, smallest_objects_fit) {
    static constinit ObjectPool pool(sizeof(HandleHeader), magic);
    std::set<void *> slots;
    for (size_t i = 0; i < 200; ++i) slots.insert(pool.take());
    EXPECT_EQ(slots.size(), 200u);
    for (void *slot : slots) pool.give(slot);
}

TEST(ObjectPoolTest, a_failure_is_null_and_harmless) {
    static constinit ObjectPool pool(sizeof(Object), magic);
    uint64_t before = memory_in_use();
    for (int64_t good : {0, 1}) {
        FailingMemory none(good);
        EXPECT_EQ(pool.take(), nullptr);
        EXPECT_TRUE(none.failed());
        EXPECT_EQ(memory_in_use(), before);
    }
    Object *object = make_object(pool);
    ASSERT_NE(object, nullptr);
    {
        // The slots of the first block are there already.
        FailingMemory none(0);
        std::vector<Object *> objects;
        while (Object *next = make_object(pool)) objects.push_back(next);
        EXPECT_EQ(objects.size(), 63u);
        for (Object *next : objects) free_object(pool, next);
        EXPECT_EQ(pool.take(), nullptr) << "freed slots rest, even if there is no memory";
    }
    free_object(pool, object);
}

TEST(ObjectPoolTest, all_threads_share_it) {
    static constinit ObjectPool pool(sizeof(Object), magic);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (uint64_t id = 1; id <= 4; ++id) {
        threads.emplace_back([&wrong, id] {
            std::vector<Object *> mine;
            for (uint64_t i = 0; i < 20000; ++i) {
                if (mine.size() < 20 || i % 3) {
                    Object *object = make_object(pool);
                    for (uint64_t &value : object->values) value = id;
                    mine.push_back(object);
                }
                if (mine.size() > 40 || i % 3 == 0) {
                    Object *object = mine[i % mine.size()];
                    for (uint64_t value : object->values) wrong += value != id;
                    mine[i % mine.size()] = mine.back();
                    mine.pop_back();
                    free_object(pool, object);
                }
            }
            for (Object *object : mine) free_object(pool, object);
        });
    }
    for (std::thread &thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

// Many times, so that some of the first takes happen at the same moment.
TEST(ObjectPoolTest, threads_may_meet_at_the_first_take) {
    static std::vector<ObjectPool *> &pools = *new std::vector<ObjectPool *>;  // there to the end, as all pools
    for (int round = 0; round < 500; ++round) {
        ObjectPool *pool = new ObjectPool(sizeof(Object), magic);
        pools.push_back(pool);
        std::atomic<int> waiting{2};
        void *slots[2] = {};
        auto take = [&](size_t i) {
            --waiting;
            while (waiting > 0) std::this_thread::yield();
            slots[i] = pool->take();
        };
        std::thread other(take, 1);
        take(0);
        other.join();
        ASSERT_NE(slots[0], nullptr);
        ASSERT_NE(slots[1], nullptr);
        ASSERT_NE(slots[0], slots[1]);
        for (void *slot : slots) pool->give(slot);
    }
}

}  // namespace
}  // namespace ioloop
