internal import ChangeEvents
internal import Logging
internal import Matching

/// Live delivery: one entry of the log to everybody whom it concerns and who is live. The hot path.
///
/// Per entry: one question to the matcher for each channel and record, one frame for each class that has matches. Per
/// delivery: a few comparisons, one queue entry, and a share of a system call at the end of the turn.
extension PushLoop {
    func deliver(_ item: LogItem) {
        guard item.place > log.head else { return }
        statistics.events += 1
        switch item.content {
        case .gap(let reason):
            tellGap(item, reason)
        case .event:
            for channel in item.channels {
                statistics.directDeliveries += subscriptionCounts[channel] ?? 0
                for record in item.inputs.indices {
                    var input = item.inputs[record]
                    input.channel = channel
                    matcher.match(input) { frameClass, verdict, slots in
                        deliver(item, record: record, frameClass, verdict, slots)
                    }
                }
            }
        }
        log.append(item)
    }

    /// Entries were not handed over: everybody reads them from the log.
    func skip(to place: LogPlace) {
        guard place > log.head else { return }
        for row in connections.indices where isServing(row) && connections[row].subscriptionCount > 0 {
            park(row)
        }
        log.skip(to: place)
    }

    /// The frame of an entry for a class, from the ring or made now.
    func frame(_ item: LogItem, record: Int, _ kind: FrameKey.Kind, _ frameClass: FrameClass) -> FrameRing.Index {
        let key = FrameKey(
            place: item.place, record: UInt32(record), kind: kind, classSerial: classes.serial(frameClass))
        if let index = frames.find(key) { return index }
        statistics.framesMade += 1
        let facts = classes[frameClass]
        let mask = item.schema.map { classes.mask(frameClass, in: $0) } ?? EventSchema.Mask(flatNames: facts.fields)
        do {
            let json =
                switch kind {
                case .event: try EventFrameWriter.event(item, record: record, channel: facts.channel, mask: mask)
                case .whole:
                    try EventFrameWriter.whole(
                        item, record: record, channel: facts.channel, fields: facts.fields, mask: mask)
                case .left: EventFrameWriter.left(item, record: record, channel: facts.channel)
                case .gap: ServerMessage.gap(channel: facts.channel, reason: item.gapReason, replay: item.replayID)
                case .checkpoint: ServerMessage.checkpoint(channel: facts.channel, replay: item.replayID)
                }
            return frames.insert(
                key,
                FrameParts(json, transport: facts.transport, type: kind.messageType, place: item.replayID?.description))
        } catch {
            // Told as a loss, because it is one. The twin has decoded this event before, so this is worth an alarm.
            statistics.undecodable += 1
            shared.logger.error(
                "push: an event cannot be shown",
                metadata: ["place": "\(item.place.rawValue)", "error": "\(error.message)"])
            let json = ServerMessage.gap(channel: facts.channel, reason: .upstream, replay: item.replayID)
            return frames.insert(
                key, FrameParts(json, transport: facts.transport, type: "gap", place: item.replayID?.description))
        }
    }

    /// A quiet subscription learns the place it has reached, so that it need not read the same again when it resumes.
    func checkpoint(_ slot: UInt32) {
        guard subscriptions[slot].state == .live, log.newestPlace > subscriptions[slot].told else { return }
        let channel = self.channel(of: slot)
        let (place, replayID) = log.newestReplayID(channel: channel)
        guard place > subscriptions[slot].told, let replayID else { return }
        let frameClass = FrameClass(rawValue: subscriptions[slot].frameClass)
        let key = FrameKey(place: place, record: 0, kind: .checkpoint, classSerial: classes.serial(frameClass))
        let json = ServerMessage.checkpoint(channel: channel, replay: replayID)
        let frame =
            frames.find(key)
            ?? frames.insert(
                key,
                FrameParts(
                    json, transport: classes[frameClass].transport, type: "checkpoint", place: replayID.description))
        // The subscription's own, as an event is: taken back with the events before it, which it would pass over.
        append(frame, to: subscriptions[slot].connection, subscription: slot, place: place)
        subscriptions[slot].told = place
        statistics.checkpoints += 1
    }

    /// The connection's live subscriptions read on from the log, when what is queued has been sent.
    func park(_ row: UInt32) {
        var slot = connections[row].firstSubscription
        while slot != Connection.none {
            if subscriptions[slot].state == .live {
                subscriptions[slot].state = .behind
                // Part of an entry's records may be queued already: they count as handled, and so must the others.
                subscriptions[slot].place = max(subscriptions[slot].place, log.head, subscriptions[slot].told)
            }
            slot = subscriptions[slot].next
        }
        statistics.parked += 1
        setBehind(row, true)
        if connections[row].queueCount == 0 { schedule(row) }
    }

    private func deliver(
        _ item: LogItem, record: Int, _ frameClass: FrameClass, _ verdict: Verdict,
        _ slots: UnsafeBufferPointer<SubscriptionSlot>
    ) {
        let kind = FrameKey.Kind(verdict, form: classes[frameClass].form)
        let frame = self.frame(item, record: record, kind, frameClass)
        for index in slots.indices { deliver(frame, of: item, to: slots[index].rawValue) }
    }

    @inline(__always)
    private func deliver(_ frame: FrameRing.Index, of item: LogItem, to slot: UInt32) {
        guard subscriptions[slot].state == .live, item.place > subscriptions[slot].place else { return }
        let row = subscriptions[slot].connection
        guard connections[row].flags.isDisjoint(with: [.isDismissed, .isFinishing, .isDoomed])
        else { return }
        if connections[row].queueCount >= Self.flushCount || isFull(row) {
            if !connections[row].flags.contains(.isBlocked) { flush(row) }
            // Not in the middle of an entry's records: a subscription has all of them queued or none.
            if isFull(row), subscriptions[slot].told < item.place { return park(row) }
        }
        append(frame, to: row, subscription: slot, place: item.place)
        subscriptions[slot].told = item.place
        statistics.deliveries += 1
    }

    /// - Parameter others: frames that are about to be queued.
    func isFull(_ row: UInt32, with others: Int = 0) -> Bool {
        Int(connections[row].queueCount) + others >= configuration.queueCountMax
            || connections[row].queueBytes >= UInt32(configuration.queueBytesMax)
    }

    private func tellGap(_ item: LogItem, _ reason: GapReason) {
        for slot in subscriptions.indices where subscriptions[slot].state == .live {
            guard item.concerns(channel: channel(of: slot)), item.place > subscriptions[slot].place else { continue }
            let frame = self.frame(item, record: 0, .gap, FrameClass(rawValue: subscriptions[slot].frameClass))
            statistics.gaps += 1
            deliver(frame, of: item, to: slot)
        }
    }
}

extension FrameKey.Kind {
    /// What a verdict means in a form. A record that begins to match arrives whole in both.
    init(_ verdict: Verdict, form: EventForm) {
        self =
            switch (verdict, form) {
            case (.left, _): .left
            case (.entered, _), (.event, .record): .whole
            case (.event, .changes): .event
            }
    }

    var messageType: String {
        switch self {
        case .event, .whole: "event"
        case .left: "left"
        case .gap: "gap"
        case .checkpoint: "checkpoint"
        }
    }
}

extension LogItem {
    var gapReason: GapReason {
        if case .gap(let reason) = content { reason } else { .upstream }
    }
}
