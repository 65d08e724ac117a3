extension Upstream {
    /// A topic to subscribe to, and where to start when nothing is stored for it.
    public struct Topic: Sendable, Hashable {
        /// The start of a topic that has no stored cursor. With a cursor the stream goes on behind it, whatever stands
        /// here.
        public enum Start: Sendable, Hashable {
            /// The oldest event still retained (72 hours).
            case earliest
            /// Only events from now on. What happens before the first message of the stream is stored is lost when the
            /// stream breaks in between.
            case latest
        }

        /// Case-sensitive: `/data/ChangeEvents`, `/data/CaseChangeEvent`, `/event/Low_Ink__e`.
        public var name: String
        public var start: Start

        public init(_ name: String, start: Start = .earliest) {
            self.name = name
            self.start = start
        }
    }

    /// What an Upstream is made from.
    public struct Configuration: Sendable {
        public var org: OrgConnection
        public var topics: [Topic]
        /// A login that others use too (`OrgAPI`); its owner keeps it until `run` has returned. nil: one of its own.
        public var login: OrgLogin?
        public var timing: Timing
        /// Every pause and deadline is measured with it.
        public var clock: any Clock<Duration>
        /// A random number in 0..<1 for the jitter of pauses.
        public var randomness: @Sendable () -> Double

        public init(
            org: OrgConnection, topics: [Topic], login: OrgLogin? = nil, timing: Timing = Timing(),
            clock: any Clock<Duration> = ContinuousClock(),
            randomness: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
        ) {
            self.org = org
            self.topics = topics
            self.login = login
            self.timing = timing
            self.clock = clock
            self.randomness = randomness
        }
    }

    /// Every wait of this module, in one place.
    public struct Timing: Sendable, Hashable {
        /// A stream without a message for longer is dead. The service sends a keepalive within 270 s; 30 s are margin.
        public var silenceMax: Duration = .seconds(270 + 30)
        /// When nothing has been read for so long, the connection is probed with a ping: later than the service's own
        /// keepalives (270 s), so that it never happens on a healthy connection and no server takes it for abuse. A dead
        /// connection ends by it before the stream is given up for its silence, which costs the connection as well.
        public var pingAfter: Duration = .seconds(280)
        public var pingTimeout: Duration = .seconds(15)
        /// The pause after an ordinary failure is random below a bound that starts here and doubles …
        public var retryInitial: Duration = .seconds(1)
        /// … up to here.
        public var retryMax: Duration = .seconds(60)
        /// The same for an exhausted allocation and for a token that is refused again: at least half of the bound is
        /// waited.
        public var limitRetryInitial: Duration = .seconds(60)
        public var limitRetryMax: Duration = .seconds(15 * 60)
        /// Between attempts at what only a person can put right: a topic or a login refused for good.
        public var refusedRetry: Duration = .seconds(10 * 60)
        /// A dead client's managed subscription stays taken for some 15 minutes.
        public var slotRetry: Duration = .seconds(15 * 60)
        /// A failed login is answered from memory for so long, so that many topics do not each try again at once.
        public var loginFailureHold: Duration = .seconds(2)
        /// The bound of one login and of one GetTopic or GetSchema call.
        public var callDeadline: Duration = .seconds(30)

        public init() {}

        /// Every pause divided by a number, for tests; deadlines stay long enough for a busy machine.
        public func hastened(by factor: Int) -> Timing {
            var timing = self
            timing.silenceMax = max(silenceMax / factor, .seconds(3))
            timing.pingAfter = max(pingAfter / factor, .seconds(2))
            timing.pingTimeout = max(pingTimeout / factor, .milliseconds(500))
            timing.retryInitial = retryInitial / factor
            timing.retryMax = retryMax / factor
            timing.limitRetryInitial = limitRetryInitial / factor
            timing.limitRetryMax = limitRetryMax / factor
            timing.refusedRetry = refusedRetry / factor
            timing.slotRetry = slotRetry / factor
            timing.loginFailureHold = loginFailureHold / factor
            timing.callDeadline = max(callDeadline / factor, .seconds(4))
            return timing
        }

        var retryPace: Pace { Pace(initial: retryInitial, max: retryMax, fixedPart: 0) }
        var limitPace: Pace { Pace(initial: limitRetryInitial, max: limitRetryMax, fixedPart: 0.5) }
        /// A tenth more at random: refused topics of one org do not all come back together. (The bound holds the
        /// tenth.)
        var refusedPace: Pace { Pace(initial: refusedRetry * 1.1, max: refusedRetry * 1.1, fixedPart: 1 / 1.1) }
        var slotPace: Pace { Pace(initial: slotRetry * 1.1, max: slotRetry * 1.1, fixedPart: 1 / 1.1) }
    }
}
