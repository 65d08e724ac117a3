internal import ChangeEvents
internal import Matching
internal import SOQL
internal import Store

/// Subscriptions: their terms, where they begin, and their end.
extension PushLoop {
    var tracked: TrackedEntities { configuration.tracked }

    func terms(_ request: SubscribeRequest, allow: [Grant.Allowance]) throws(RequestError) -> SubscriptionTerms {
        return try SubscriptionTerms(
            channel: request.channel, ownCondition: request.condition, allow: allow, tracked: tracked,
            virtual: configuration.virtualChannels, knownFields: knownFields(of: request.channel))
    }

    /// What events of a channel have shown; nil where one of its kinds has not come yet, or it may have any.
    private func knownFields(of channel: String) -> Set<String>? {
        let members =
            configuration.virtualChannels.members(of: channel)?.map(\.channel)
            ?? [PushChannel(channel)].compactMap { $0 }
        var known: Set<String> = []
        for member in members {
            guard let name = member.eventName, let fields = shared.schemas.fieldNames(eventName: name) else {
                return nil
            }
            known.formUnion(fields)
        }
        return members.isEmpty ? nil : known
    }

    func subscribe(_ row: UInt32, id: MessageID?, _ request: SubscribeRequest) {
        let old = subscription(of: row, channel: request.channel)
        let terms: SubscriptionTerms
        do throws(RequestError) {
            terms = try self.terms(request, allow: grants[connections[row].grant])
            guard old != nil || connections[row].subscriptionCount < configuration.subscriptionsPerConnectionMax else {
                throw RequestError(
                    .tooManySubscriptions, "at most \(configuration.subscriptionsPerConnectionMax) subscriptions")
            }
        } catch {
            return answer(row, id: id, error)
        }
        if let old { removeSubscription(old) }
        let slot = subscriptions.allocate()
        nextStamp &+= 1
        subscriptions[slot] = Subscription()
        subscriptions[slot].connection = row
        subscriptions[slot].stamp = nextStamp
        subscriptions[slot].slow = request.slow
        subscriptions[slot].next = connections[row].firstSubscription
        connections[row].firstSubscription = slot
        connections[row].subscriptionCount += 1
        subscriptions[slot].frameClass = Connection.none
        enroll(slot, terms: terms, form: request.form)
        start(slot, at: request.replay, id: id)
    }

    func unsubscribe(_ row: UInt32, id: MessageID?, channel: String) {
        guard let slot = subscription(of: row, channel: channel) else {
            return answer(row, id: id, RequestError(.notSubscribed, "there is no subscription to this channel"))
        }
        removeSubscription(slot)
        send(ServerMessage.unsubscribed(id: id, channel: channel), type: "unsubscribed", to: row)
    }

    /// Puts terms on a subscription, in place of the ones it has.
    func enroll(_ slot: UInt32, terms: SubscriptionTerms, form: EventForm) {
        if subscriptions[slot].frameClass != Connection.none { withdraw(slot) }
        let key = FrameClassKey(
            channel: terms.channel.name, form: form, transport: connections[subscriptions[slot].connection].transport,
            fields: terms.fields)
        let frameClass = classes.acquire(key)
        subscriptions[slot].frameClass = frameClass.rawValue
        subscriptions[slot].ownCondition = terms.ownCondition.map { ownConditions.acquire($0) } ?? Connection.none
        matcher.insert(
            SubscriptionSlot(rawValue: slot), channel: key.channel, frameClass: frameClass, condition: terms.condition)
        subscriptionCounts[key.channel, default: 0] += 1
    }

    func removeSubscription(_ slot: UInt32) {
        withdraw(slot)
        let row = subscriptions[slot].connection
        if connections[row].firstSubscription == slot {
            connections[row].firstSubscription = subscriptions[slot].next
        } else {
            var other = connections[row].firstSubscription
            while subscriptions[other].next != slot { other = subscriptions[other].next }
            subscriptions[other].next = subscriptions[slot].next
        }
        connections[row].subscriptionCount -= 1
        subscriptions[slot] = Subscription()
        subscriptions.release(slot)
    }

    /// The answer to the question where a replay id stands.
    func placed(_ question: LogQuestion, _ answer: PlaceAnswer) {
        guard case .place(let slot, let stamp, let id, let replayID, _) = question.kind else { return }
        guard isServing(question.connection), connections[question.connection].generation == question.generation,
            subscriptions[slot].stamp == stamp, subscriptions[slot].state == .resolving
        else { return }
        switch answer {
        case .at(let place):
            begin(slot, after: place, replayID: replayID, id: id)
        case .unknown:
            beginAfterGap(slot, id: id, isNew: true)
        case .failed:
            let row = question.connection
            removeSubscription(slot)
            self.answer(row, id: id, RequestError(.unavailable, "the log could not be read; try again"))
        }
    }

    /// Tells a loss, and goes on from the head: the client is asked to reload.
    func beginAfterGap(_ slot: UInt32, id: MessageID?, isNew: Bool) {
        let row = subscriptions[slot].connection
        let channel = self.channel(of: slot)
        let newest = log.newestReplayID(channel: channel).replayID
        if isNew { sendSubscribed(slot, id: id, replay: newest) }
        let json = ServerMessage.gap(channel: channel, reason: .expired, replay: newest)
        // The one place of an event stream must be good for all its channels, and others may still be behind.
        let resumption = connections[row].subscriptionCount == 1 ? newest?.description : nil
        send(FrameParts(json, transport: connections[row].transport, type: "gap", place: resumption), to: row)
        statistics.gaps += 1
        subscriptions[slot].place = max(subscriptions[slot].place, log.head)
        subscriptions[slot].told = subscriptions[slot].place
        subscriptions[slot].state = .behind
        setBehind(row, true)
        schedule(row)
    }

    func channel(of slot: UInt32) -> String {
        classes[FrameClass(rawValue: subscriptions[slot].frameClass)].channel
    }

    private func subscription(of row: UInt32, channel: String) -> UInt32? {
        var slot = connections[row].firstSubscription
        while slot != Connection.none {
            if self.channel(of: slot) == channel { return slot }
            slot = subscriptions[slot].next
        }
        return nil
    }

    private func start(_ slot: UInt32, at replay: ReplayRequest, id: MessageID?) {
        let row = subscriptions[slot].connection
        let channel = self.channel(of: slot)
        switch replay {
        case .new:
            let newest = log.newestReplayID(channel: channel)
            subscriptions[slot].state = .live
            subscriptions[slot].place = log.head
            subscriptions[slot].told = newest.place
            sendSubscribed(slot, id: id, replay: newest.replayID)
        case .allRetained:
            subscriptions[slot].isFromStart = true
            begin(slot, after: .start, replayID: nil, id: id)
        case .after(let replayID):
            if let item = log.item(of: replayID, family: PushChannel.family(of: channel)) {
                // Of a merged event the client may have seen some records only: it gets all of them again.
                let isMerged = item.inputs.count > 1
                let place = isMerged ? LogPlace(rawValue: item.place.rawValue - 1) : item.place
                return begin(slot, after: place, replayID: replayID, id: id)
            }
            subscriptions[slot].state = .resolving
            shared.reader.ask(
                LogQuestion(
                    loop: index, connection: row, generation: connections[row].generation,
                    kind: .place(
                        subscription: slot, stamp: subscriptions[slot].stamp, id: id, replayID, channel: channel)))
        }
    }

    /// - Parameter replay: where it begins; nil: before everything.
    private func sendSubscribed(_ slot: UInt32, id: MessageID?, replay: ReplayID?) {
        let row = subscriptions[slot].connection
        let json = ServerMessage.subscribed(id: id, channel: channel(of: slot), replay: replay)
        // An event stream that is cut before its first event resumes where it began. The first of its channels gives the
        // place: what the others have later is behind it.
        let place =
            connections[row].subscriptionCount == 1 ? replay?.description ?? ServerMessage.beforeEverything : nil
        send(
            FrameParts(json, transport: connections[row].transport, type: "subscribed", place: place), to: row)
    }

    private func begin(_ slot: UInt32, after place: LogPlace, replayID: ReplayID?, id: MessageID?) {
        let row = subscriptions[slot].connection
        subscriptions[slot].place = place
        subscriptions[slot].told = place
        subscriptions[slot].state = .behind
        sendSubscribed(slot, id: id, replay: replayID)
        setBehind(row, true)
        schedule(row)
    }

    private func withdraw(_ slot: UInt32) {
        let frameClass = FrameClass(rawValue: subscriptions[slot].frameClass)
        matcher.remove(SubscriptionSlot(rawValue: slot))
        subscriptionCounts[classes[frameClass].channel, default: 0] -= 1
        classes.release(frameClass)
        if subscriptions[slot].ownCondition != Connection.none {
            ownConditions.release(subscriptions[slot].ownCondition)
        }
    }
}
