public import Logging

/// The client of an org's REST and Bulk APIs: reads what the twin needs, through the budget.
///
/// Every call is asked of the budget first, carries the token of the shared login and `Sforce-Call-Options: client=millrace`,
/// has a deadline, and is repeated where that is harmless and may help (the rules are in `docs/upstream.md`). Nothing follows
/// a redirect. The calls throw `OrgAPIError`, `BudgetRefusal`, the login's `UpstreamError`, or `CancellationError`.
///
/// A value: `charged(to:)` makes one whose calls count for another purpose; all of them share connections, which the owner of
/// the first shuts down. Safe from any thread.
public struct OrgAPI: Sendable {
    /// The version of both APIs. Results of a Bulk job can only be read with the version it was created with.
    public static let version = "67.0"
    static let root = "/services/data/v\(version)"
    /// What `changeOrigin` of our own writes ends with.
    static let callOptions = "client=millrace"

    /// Every wait of the client, in one place.
    public struct Timing: Sendable, Hashable {
        /// The bound of one attempt at an ordinary call, from sending to the last byte.
        public var callDeadline: Duration = .seconds(60)
        /// The same of a query: the org itself gives up after 120 s.
        public var queryDeadline: Duration = .seconds(180)
        /// How long the page of a Bulk job may stand still. The time in which the receiver of its rows keeps it waiting
        /// counts.
        public var silenceMax: Duration = .seconds(180)
        /// The pause after a failure is random below a bound that starts here and doubles …
        public var retryInitial: Duration = .seconds(1)
        /// … up to here.
        public var retryMax: Duration = .seconds(30)
        /// The same when the org is busy: at least half of the bound is waited.
        public var busyRetryInitial: Duration = .seconds(2)
        public var busyRetryMax: Duration = .seconds(60)
        /// A `Retry-After` up to here is kept; a longer one is a failure.
        public var retryAfterMax: Duration = .seconds(120)
        /// Attempts in a row before a call has failed.
        public var attemptsMax = 5
        /// Between two looks at a Bulk job: from here …
        public var pollInitial: Duration = .milliseconds(500)
        /// … half longer each time, to here.
        public var pollMax: Duration = .seconds(10)

        public init() {}

        /// Every pause divided by a number, for tests; deadlines stay long enough for a busy machine.
        public func hastened(by factor: Int) -> Timing {
            var timing = self
            timing.callDeadline = max(callDeadline / factor, .seconds(4))
            timing.queryDeadline = max(queryDeadline / factor, .seconds(4))
            timing.silenceMax = max(silenceMax / factor, .seconds(4))
            timing.retryInitial = retryInitial / factor
            timing.retryMax = retryMax / factor
            timing.busyRetryInitial = busyRetryInitial / factor
            timing.busyRetryMax = busyRetryMax / factor
            timing.retryAfterMax = retryAfterMax / factor
            timing.pollInitial = pollInitial / factor
            timing.pollMax = pollMax / factor
            return timing
        }

        var retryPace: Pace { Pace(initial: retryInitial, max: retryMax, fixedPart: 0) }
        var busyPace: Pace { Pace(initial: busyRetryInitial, max: busyRetryMax, fixedPart: 0.5) }
    }

    public struct Configuration: Sendable {
        public var timing: Timing
        /// The bound of an answer that is read as a whole (JSON). Pages of Bulk jobs are read row by row and have none.
        public var answerBytesMax: Int
        /// Where the org speaks HTTP/1.1, so many calls are under way at the same time; others wait.
        public var connectionsMax: Int
        /// A random number in 0..<1 for the jitter of pauses.
        public var randomness: @Sendable () -> Double

        public init(
            timing: Timing = Timing(), answerBytesMax: Int = 64 << 20, connectionsMax: Int = 8,
            randomness: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
        ) {
            self.timing = timing
            self.answerBytesMax = answerBytesMax
            self.connectionsMax = connectionsMax
            self.randomness = randomness
        }
    }

    let caller: OrgCaller
    /// What its calls are for.
    public let purpose: CallPurpose

    /// Its owner calls `shutdown`; the login is not its own.
    public init(
        login: OrgLogin, budget: APIBudget, configuration: Configuration = Configuration(),
        purpose: CallPurpose = .other, logger: Logger
    ) {
        caller = OrgCaller(login: login, budget: budget, configuration: configuration, logger: logger)
        self.purpose = purpose
    }

    private init(caller: OrgCaller, purpose: CallPurpose) {
        self.caller = caller
        self.purpose = purpose
    }

    /// Ends the calls under way; nobody may make another, by whatever copy.
    public func shutdown() async { await caller.shutdown() }

    /// Logs in with `org`, calls `body`, and closes everything whatever happens: for tools that call an org once. Throws
    /// `UpstreamError(.configuration)`, and what `body` throws.
    public static func with<Result: Sendable>(
        _ org: OrgConnection, budget: APIBudget, configuration: Configuration = Configuration(), logger: Logger,
        _ body: (OrgAPI) async throws -> Result
    ) async throws -> Result {
        try await OrgLogin.with(org, logger: logger) { login in
            let api = OrgAPI(login: login, budget: budget, configuration: configuration, logger: logger)
            do {
                let result = try await body(api)
                await api.shutdown()
                return result
            } catch {
                await api.shutdown()
                throw error
            }
        }
    }

    /// The same client for another purpose.
    public func charged(to purpose: CallPurpose) -> OrgAPI { OrgAPI(caller: caller, purpose: purpose) }

    public var budget: APIBudget { caller.budget }
}
