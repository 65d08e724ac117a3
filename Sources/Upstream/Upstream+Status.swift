extension Upstream {
    /// How the subscription stands: for metrics, `/ready` and a person who asks why nothing comes.
    public struct Status: Sendable {
        /// What a topic's subscription is doing.
        public enum State: String, Sendable, Hashable, CaseIterable {
            /// Getting a token or opening a stream.
            case connecting
            /// The event bus has accepted the subscription.
            case live
            /// Live, but nothing is asked for: the twin has no room. The event bus may end the stream after 60 s.
            case waitingForRoom
            /// Interrupted; an attempt follows soon.
            case retrying
            /// Interrupted by an exhausted allocation or a refused token; an attempt follows after a long pause.
            case limited
            /// The org refuses the topic or the login; looked at again every ten minutes.
            case refused
            /// Stopped: asked to, or because another attempt would only repeat the failure.
            case stopped
        }

        public struct Topic: Sendable {
            public var name: String
            public var state: State
            /// The last failure; nil since a message was stored after it.
            public var lastError: UpstreamError?
            /// Time since the last event and the last message (keepalives included); nil: none yet.
            public var lastEventAge: Duration?
            public var lastMessageAge: Duration?
            /// Events delivered by the org: what its delivery allocation counts.
            public var deliveries: Int
            public var messages: Int
            /// Streams opened after the first.
            public var reconnects: Int
            public var gaps: Int
            /// Events asked for and not received.
            public var outstanding: Int
        }

        public var topics: [Topic]
        /// Logins tried so far.
        public var loginCount: Int

        /// True when the event bus has accepted every topic's subscription.
        public var isReady: Bool {
            topics.allSatisfy { topic in topic.state == .live || topic.state == .waitingForRoom }
        }
        public var deliveries: Int { topics.reduce(0) { $0 + $1.deliveries } }
    }
}

extension Upstream.Status.Topic {
    init(_ machine: SubscriptionStateMachine, now: Duration) {
        name = machine.topic.name
        lastError = machine.problem
        lastEventAge = machine.counts.lastEventAt.map { now - $0 }
        lastMessageAge = machine.counts.lastMessageAt.map { now - $0 }
        deliveries = machine.counts.events
        messages = machine.counts.messages
        reconnects = machine.counts.reconnects
        gaps = machine.counts.gaps
        outstanding = 0
        switch machine.state {
        case .ready, .preparing, .declaringGap:
            state = .connecting
        case .open(let stream):
            outstanding = stream.outstanding
            let isLive = stream.isAccepted || stream.hasReceived
            state = !isLive ? .connecting : stream.outstanding == 0 ? .waitingForRoom : .live
        case .waiting(_, let cure):
            switch cure {
            case .retry, .declareGap, .stop: state = .retrying
            case .renewToken, .awaitAllowance, .awaitSlot: state = .limited
            case .awaitPerson: state = .refused
            }
        case .stopped:
            state = .stopped
        }
    }
}
