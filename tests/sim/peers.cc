#include "peers.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "world.h"

namespace sim {

Peer::Peer(World &world, std::shared_ptr<Conn> conn, int side) : world_(world), conn_(std::move(conn)), side_(side) {
    conn_->ends[side_].peer = this;
}

Peer::~Peer() {
    if (World::active()) conn_->close(side_);
}

std::shared_ptr<Peer> Peer::take(World &world, std::shared_ptr<Conn> conn, int side) {
    auto peer = std::shared_ptr<Peer>(new Peer(world, std::move(conn), side));
    peer->wake(0);
    return peer;
}

std::shared_ptr<Peer> Peer::connect(World &world, const os::Address &address) {
    auto conn = world.net.connect_scripted(address);
    return conn ? take(world, std::move(conn), 0) : nullptr;
}

Peer &Peer::add(Do what, std::string bytes, size_t amount, int64_t delay) {
    script_.push_back({what, std::move(bytes), amount, delay});
    wake(0);
    return *this;
}

Peer &Peer::send(std::string bytes, int64_t delay) { return add(Do::send, std::move(bytes), 0, delay); }

Peer &Peer::drip(const std::string &bytes, int64_t gap) {
    for (char byte : bytes) send(std::string(1, byte), gap);
    return *this;
}

Peer &Peer::end(int64_t delay) { return add(Do::end, {}, 0, delay); }
Peer &Peer::reset(int64_t delay) { return add(Do::reset, {}, 0, delay); }
Peer &Peer::close(int64_t delay) { return add(Do::close, {}, 0, delay); }
Peer &Peer::wait_for(size_t amount, int64_t delay) { return add(Do::wait, {}, amount, delay); }
Peer &Peer::wait_for_end() { return add(Do::wait_end, {}, 0, 0); }

Peer &Peer::read(Reading how, size_t bytes, int64_t gap) {
    reading_ = how;
    bite_ = bytes;
    gap_ = gap;
    wake(0);
    return *this;
}

void Peer::wake(int64_t delay) {
    world_.after(delay, [weak = weak_from_this()] {
        if (auto peer = weak.lock()) peer->connection_changed();
    });
}

void Peer::connection_changed() {
    if (running_ || closed) return;
    running_ = true;
    if (reading_ == Reading::all) take_in();
    if (reading_ == Reading::slowly) read_later();
    advance();
    running_ = false;
}

void Peer::take_in() {
    const size_t before = received.size();
    const bool ended_before = saw_end || broken;
    for (;;) {
        char buffer[4096];
        os::Slice slice{buffer, reading_ == Reading::slowly ? std::min(bite_, sizeof buffer) : sizeof buffer};
        auto got = conn_->receive(side_, &slice, 1);
        if (!got.ok()) {
            if (got.error != EAGAIN) broken = true;
            break;
        }
        if (got.value == 0) {
            (conn_->ends[side_].dead ? broken : saw_end) = true;
            break;
        }
        received.append(buffer, got.value);
        if (reading_ == Reading::slowly) break;
    }
    const bool news = received.size() != before || ended_before != (saw_end || broken);
    if (news && on_data) on_data(*this);
}

void Peer::read_later() {
    if (bite_planned_) return;
    const End &end = conn_->ends[side_];
    if (end.in.empty() && (saw_end || broken || !(end.fin_seen || end.dead))) return;
    bite_planned_ = true;
    world_.after(gap_, [weak = weak_from_this()] {
        auto peer = weak.lock();
        if (!peer || peer->closed) return;
        peer->bite_planned_ = false;
        if (peer->reading_ == Reading::slowly) peer->take_in();
        peer->connection_changed();
    });
}

void Peer::advance() {
    while (!script_.empty() && !waiting_ && !closed) {
        Step &step = script_.front();
        if (step.delay > 0) {
            waiting_ = true;
            const int64_t delay = std::exchange(step.delay, 0);
            world_.after(delay, [weak = weak_from_this()] {
                auto peer = weak.lock();
                if (!peer) return;
                peer->waiting_ = false;
                peer->connection_changed();
            });
            return;
        }
        if (!perform(step)) return;
        if (!script_.empty()) script_.pop_front();
    }
}

// False while the step is not done.
bool Peer::perform(Step &step) {
    End &end = conn_->ends[side_];
    switch (step.what) {
        case Do::send: {
            if (step.bytes.empty()) return true;
            os::Slice slice{step.bytes.data(), step.bytes.size()};
            auto sent = conn_->send(side_, &slice, 1);
            if (!sent.ok()) return sent.error != EAGAIN;
            step.bytes.erase(0, sent.value);
            return step.bytes.empty();
        }
        case Do::end:
            conn_->shutdown_write(side_);
            return true;
        case Do::reset:
            end.held = false;
            end.peer = nullptr;
            closed = true;
            conn_->abort(side_, 0);
            return true;
        case Do::close:
            closed = true;
            conn_->close(side_);
            return true;
        case Do::wait:
            return received.size() >= step.amount || saw_end || broken;
        case Do::wait_end:
            return saw_end || broken;
    }
    return true;
}

}  // namespace sim
