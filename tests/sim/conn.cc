// How the bytes of a connection move, end and break.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/readiness.h"
#include "peers.h"
#include "world.h"

namespace sim {

void Conn::changed(int side) {
    if (Peer *peer = ends[side].peer) peer->connection_changed();
}

size_t Conn::room(int side) const {
    const End &mine = ends[side];
    const End &theirs = ends[other(side)];
    // A Unix socket writes straight into the other one's queue.
    const size_t used = local_ ? theirs.in.size() : mine.out.size();
    const size_t capacity = local_ ? theirs.in_capacity : mine.out_capacity;
    return used < capacity ? capacity - used : 0;
}

uint32_t Conn::readiness(int side) const {
    const End &end = ends[side];
    const bool no_more_in = end.fin_seen || end.dead;
    const bool no_more_out = end.fin_queued || end.dead;
    const size_t capacity = local_ ? ends[other(side)].in_capacity : end.out_capacity;
    uint32_t bits = 0;
    if (end.error != 0) bits |= os::ready_err;
    if (no_more_in && no_more_out) bits |= os::ready_hup;
    if (!end.in.empty() || no_more_in) bits |= os::ready_in;
    if (no_more_out || room(side) * 3 >= capacity) bits |= os::ready_out;
    return bits;
}

Result<size_t> Conn::receive(int side, const os::Slice *slices, size_t count) {
    End &end = ends[side];
    if (end.in.empty()) {
        if (end.error != 0 && !(end.fin_seen && !local_)) return Result<size_t>::failure(std::exchange(end.error, 0));
        if (end.fin_seen || end.dead) return {0, 0};
        return Result<size_t>::failure(EAGAIN);
    }
    size_t most = end.in.size();
    if (most > 1 && world_.faults.strikes(Quirk::short_receive)) most = world_.faults.random.between(1, most - 1);
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < most; ++i) {
        const size_t n = std::min(slices[i].size, most - taken);
        std::copy_n(end.in.front(), n, static_cast<char *>(slices[i].data));
        end.in.drop(n);
        taken += n;
    }
    kick(other(side));
    if (local_) changed(other(side));
    return {taken, 0};
}

Result<size_t> Conn::send(int side, const os::Slice *slices, size_t count) {
    End &end = ends[side];
    if (end.error != 0) return Result<size_t>::failure(std::exchange(end.error, 0));
    if (end.dead || end.fin_queued || (local_ && !ends[other(side)].held)) return Result<size_t>::failure(EPIPE);
    size_t most = room(side);
    if (most == 0) return Result<size_t>::failure(EAGAIN);
    if (most > 1 && world_.faults.strikes(Quirk::short_send)) most = world_.faults.random.between(1, most - 1);
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < most; ++i) {
        const size_t n = std::min(slices[i].size, most - taken);
        end.out.push(static_cast<const char *>(slices[i].data), n);
        taken += n;
    }
    kick(side);
    return {taken, 0};
}

int Conn::shutdown_write(int side) {
    End &end = ends[side];
    if (end.dead) return ENOTCONN;
    end.fin_queued = true;
    kick(side);
    return 0;
}

void Conn::kick(int side) {
    End &end = ends[side];
    if (end.moving || end.dead || (end.out.empty() && (!end.fin_queued || end.fin_sent))) return;
    if (local_) return move(side);
    end.moving = true;
    const int64_t delay = latency + static_cast<int64_t>(world_.random.below(static_cast<uint64_t>(latency) / 4 + 1));
    const int64_t blocked = std::max(blocked_until, world_.net.partitioned_until);
    world_.at(std::max(world_.now, blocked) + delay, [self = shared_from_this(), side] { self->move(side); });
}

void Conn::move(int side) {
    End &from = ends[side];
    End &to = ends[other(side)];
    from.moving = false;
    if (from.dead) return;
    if (std::max(blocked_until, world_.net.partitioned_until) > world_.now && !local_) return kick(side);
    if (!from.out.empty()) {
        // Nobody is there to read it: the other system answers with a reset.
        if (!to.held || to.dead) return local_ ? from.out.clear() : reset_arrives(side);
        size_t n = std::min(from.out.size(), to.in_capacity > to.in.size() ? to.in_capacity - to.in.size() : 0);
        if (n == 0) return;
        if (n > 1 && !local_ && world_.faults.strikes(Quirk::segments)) n = world_.faults.random.between(1, n - 1);
        to.in.push(from.out.front(), n);
        from.out.drop(n);
        changed(other(side));
        changed(side);
        // The end travels with the last bytes as often as behind them.
        if (!from.out.empty() || world_.random.coin()) return kick(side);
    }
    if (from.fin_queued && !from.fin_sent && from.out.empty()) deliver_end(side);
}

void Conn::deliver_end(int side) {
    End &from = ends[side];
    End &to = ends[other(side)];
    from.fin_sent = true;
    to.fin_seen = true;
    changed(other(side));
}

// Closing leaves what was sent on its way. What was received and not read is a reset instead.
void Conn::close(int side) {
    End &end = ends[side];
    if (!end.held) return;
    end.held = false;
    end.peer = nullptr;
    if (!end.in.empty() && !end.dead) return abort(side, 0);
    if (local_) {
        End &theirs = ends[other(side)];
        theirs.fin_seen = theirs.fin_queued = true;
        changed(other(side));
    }
    end.fin_queued = true;
    kick(side);
}

void Conn::abort(int side, int error) {
    End &end = ends[side];
    if (end.dead) return;
    end.dead = true;
    end.error = error;
    end.out.clear();
    if (self) return;
    const int far = other(side);
    if (local_) return reset_arrives(far);
    const int64_t blocked = std::max(blocked_until, world_.net.partitioned_until);
    world_.at(std::max(world_.now, blocked) + latency,
              [self_ = shared_from_this(), far] { self_->reset_arrives(far); });
}

// What has been received stays readable; what was to be sent is lost.
void Conn::reset_arrives(int side) {
    End &end = ends[side];
    if (end.dead) return;
    end.dead = true;
    end.error = end.fin_seen && !local_ ? EPIPE : ECONNRESET;
    end.out.clear();
    changed(side);
}

}  // namespace sim
