internal import NIOCore

/// Queues and sockets. A frame is queued, and at the end of the turn each connection that got some sends them in one system
/// call; the socket taking all of it, nothing remains. Only when it does not, writable events are asked for.
extension PushLoop {
    /// Past this a connection is flushed within the turn, so that a batch of many events needs no long queue.
    static let flushCount: UInt32 = 32

    /// Queues a frame; its bytes are shared.
    func append(
        _ frame: FrameRing.Index, to row: UInt32, subscription: UInt32 = OutQueue.noSubscription,
        place: LogPlace = .start
    ) {
        let stamp = subscription == OutQueue.noSubscription ? 0 : subscriptions[subscription].stamp
        append(
            OutQueue.Entry(
                next: OutQueue.none, frame: frame, subscription: subscription, stamp: stamp, place: place), to: row)
    }

    private func append(_ content: OutQueue.Entry, to row: UInt32) {
        frames.retain(content.frame)
        let entry = queue.allocate(content)
        if connections[row].queueTail == OutQueue.none {
            connections[row].queueHead = entry
        } else {
            queue[connections[row].queueTail].next = entry
        }
        connections[row].queueTail = entry
        connections[row].queueCount += 1
        connections[row].queueBytes += UInt32(frames.byteCount(content.frame))
        guard !connections[row].flags.contains(.isDirty) else { return }
        connections[row].flags.insert(.isDirty)
        dirty.value.append(row)
    }

    /// Queues a message for this connection alone.
    func send(_ json: ByteBuffer, type: String, to row: UInt32) {
        send(FrameParts(json, transport: connections[row].transport, type: type, place: nil), to: row)
    }

    func send(_ parts: FrameParts, to row: UInt32) {
        let frame = frames.make(parts)
        append(frame, to: row)
        frames.release(frame)
    }

    func flushDirty() {
        // In the order of the rows, in which a crowd came and the kernel has its sockets: 10,000 sends that jump from class to class
        // take 15 to 20 % longer. The list is made of few ascending runs, which are merged in some 0.1 ms.
        dirty.value.sort()
        // Flushing makes nothing dirty.
        for row in dirty.value where connections[row].flags.contains(.isDirty) {
            connections[row].flags.remove(.isDirty)
            if connections[row].flags.contains(.isActive), !connections[row].flags.contains(.isBlocked) { flush(row) }
        }
        dirty.value.removeAll(keepingCapacity: true)
    }

    /// Sends what is queued until the socket takes no more.
    func flush(_ row: UInt32) {
        guard !connections[row].flags.contains(.isDoomed) else { return }
        while connections[row].queueCount > 0 {
            let sent = sendOnce(row)
            guard sent >= 0 else {
                if sent == SocketAnswer.wouldBlock || sent == SocketAnswer.interrupted { return block(row) }
                return doom(row, code: CloseCode.abnormal)
            }
            statistics.bytesSent += sent
            statistics.sends += 1
            let isWhole = consume(sent, of: row)
            if connections[row].stallTick != 0 { connections[row].stallTick = tick(after: configuration.stallTimeout) }
            if !isWhole { return block(row) }
        }
        unblock(row)
        if connections[row].flags.contains(.isFinishing) {
            shut(row)
        } else if connections[row].flags.contains(.isBehind) {
            schedule(row)
        }
    }

    /// One system call: the first frame from where it is, or several gathered. The bytes taken, or a negated errno.
    private func sendOnce(_ row: UInt32) -> Int {
        let head = connections[row].queueHead
        let offset = Int(connections[row].headSent)
        let first = frames.bytes(queue[head].frame)
        if connections[row].queueCount == 1 || first.count - offset >= Self.sendBytes {
            return sockets.send(connections[row].socket, UnsafeRawBufferPointer(rebasing: first[offset...]))
        }
        var count = 0
        var entry = head
        while entry != OutQueue.none {
            let bytes = UnsafeRawBufferPointer(
                rebasing: frames.bytes(queue[entry].frame).dropFirst(entry == head ? offset : 0))
            guard count + bytes.count <= Self.sendBytes else { break }
            UnsafeMutableRawBufferPointer(rebasing: sendBuffer[count...]).copyMemory(from: bytes)
            count += bytes.count
            entry = queue[entry].next
        }
        return sockets.send(connections[row].socket, UnsafeRawBufferPointer(rebasing: sendBuffer[..<count]))
    }

    /// Takes sent bytes off the queue; false when they end inside a frame: the socket is full.
    private func consume(_ sent: Int, of row: UInt32) -> Bool {
        var left = sent
        while left > 0 {
            let entry = connections[row].queueHead
            let size = frames.byteCount(queue[entry].frame)
            let rest = size - Int(connections[row].headSent)
            guard left >= rest else {
                connections[row].headSent += UInt32(left)
                return false
            }
            left -= rest
            connections[row].headSent = 0
            dequeue(row)
        }
        return true
    }

    private func dequeue(_ row: UInt32) {
        let entry = connections[row].queueHead
        let frame = queue[entry].frame
        connections[row].queueHead = queue[entry].next
        if connections[row].queueHead == OutQueue.none { connections[row].queueTail = OutQueue.none }
        connections[row].queueCount -= 1
        connections[row].queueBytes -= UInt32(frames.byteCount(frame))
        frames.release(frame)
        queue.release(entry)
    }

    /// Takes waiting frames away, but for one that is half sent.
    /// - Parameter isData: only frames that belong to a subscription; `body` learns which, if it still is.
    func dropQueue(
        of row: UInt32, onlyData isData: Bool, _ body: (_ subscription: UInt32, _ place: LogPlace) -> Void = { _, _ in }
    ) {
        var kept: [OutQueue.Entry] = []
        var isFirst = true
        var entry = connections[row].queueHead
        while entry != OutQueue.none {
            let current = queue[entry]
            let isHalfSent = isFirst && connections[row].headSent > 0
            isFirst = false
            if isHalfSent || (isData && current.subscription == OutQueue.noSubscription) {
                kept.append(current)
                frames.retain(current.frame)
            } else if current.subscription != OutQueue.noSubscription,
                subscriptions[current.subscription].stamp == current.stamp
            {
                body(current.subscription, current.place)
            }
            entry = current.next
        }
        let sent = connections[row].headSent
        while connections[row].queueCount > 0 { dequeue(row) }
        for entry in kept {
            append(entry, to: row)
            frames.release(entry.frame)
        }
        connections[row].headSent = kept.isEmpty ? 0 : sent
    }

    private func block(_ row: UInt32) {
        guard !connections[row].flags.contains(.isBlocked) else { return }
        connections[row].flags.insert(.isBlocked)
        connections[row].stallTick = tick(after: configuration.stallTimeout)
        setDeadline(row, connections[row].stallTick)
        watch(row, forRoom: true)
    }

    private func unblock(_ row: UInt32) {
        guard connections[row].flags.contains(.isBlocked) else { return }
        connections[row].flags.remove(.isBlocked)
        connections[row].stallTick = 0
        watch(row, forRoom: false)
    }

    private func watch(_ row: UInt32, forRoom: Bool) {
        let isWatched = sockets.watch(connections[row].socket, token: token(of: row), forRoom: forRoom)
        if !isWatched { doom(row, code: CloseCode.abnormal) }
    }

    /// Everything is sent that ever will be: end our side, and wait for the peer's.
    private func shut(_ row: UInt32) {
        guard !connections[row].flags.contains(.isShut) else { return }
        connections[row].flags.insert(.isShut)
        sockets.endSending(connections[row].socket)
    }
}
