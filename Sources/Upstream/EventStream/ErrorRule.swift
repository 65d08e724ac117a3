import GRPCCore

/// What to do about a failed call: the whole of it, in two tables.
///
/// The `error-code` trailer decides where it is known; otherwise the gRPC status does. `docs/upstream.md` shows the
/// same tables.
struct ErrorRule: Sendable, Hashable {
    /// The ways to go on.
    enum Cure: String, Sendable, Hashable, CaseIterable {
        /// Get a new token and resume from the stored id, at once; refused again, with the pauses of a limit.
        case renewToken
        /// Resume from the stored id after a growing pause.
        case retry
        /// An allocation is used up: resume from the stored id after long pauses.
        case awaitAllowance
        /// The stored id is worthless: raise the alarm, declare a gap, start at EARLIEST. Never at LATEST.
        case declareGap
        /// The place is taken by another client: come back after it would have lapsed.
        case awaitSlot
        /// Only a person can change it: look again now and then.
        case awaitPerson
        /// We asked something wrong, and would again: stop the topic.
        case stop
    }

    /// The last parts of the `error-code`: the prefix has differed between clients of the service.
    let suffix: String
    let cure: Cure

    static let byErrorCode: [ErrorRule] = [
        ErrorRule(suffix: "service.auth.error", cure: .renewToken),
        ErrorRule(suffix: "service.auth.refresh.invalid", cure: .renewToken),
        ErrorRule(suffix: "service.unavailable", cure: .retry),
        ErrorRule(suffix: "concurrent.client.limit.exceeded", cure: .awaitAllowance),
        ErrorRule(suffix: "subscription.limit.exceeded", cure: .awaitAllowance),
        // One code for malformed, expired and foreign ids alike.
        ErrorRule(suffix: "fetch.replayid.corrupted", cure: .declareGap),
        // CUSTOM without an id: what is stored is not an id.
        ErrorRule(suffix: "fetch.replayid.validation.failed", cure: .declareGap),
        ErrorRule(suffix: "fetch.requested.events.invalid", cure: .stop),
        ErrorRule(suffix: "managed.subscription.already.active", cure: .awaitSlot),
    ]

    /// For failures without a known code. Every status is listed: a new one must be thought about.
    static let byStatus: [RPCError.Code: Cure] = [
        .unauthenticated: .renewToken,
        // An unknown topic is one of these two, and a missing permission the first.
        .permissionDenied: .awaitPerson,
        .notFound: .awaitPerson,
        // A request that is refused without saying why: perhaps the topic's name. Never a reason to skip events.
        .invalidArgument: .awaitPerson,
        .unimplemented: .awaitPerson,
        .failedPrecondition: .awaitPerson,
        .outOfRange: .awaitPerson,
        .alreadyExists: .awaitSlot,
        .resourceExhausted: .awaitAllowance,
        // The network's, a proxy's and the service's passing troubles.
        .unavailable: .retry,
        .internalError: .retry,
        .unknown: .retry,
        .cancelled: .retry,
        .deadlineExceeded: .retry,
        .aborted: .retry,
        .dataLoss: .retry,
    ]

    static func cure(for failure: CallFailure) -> Cure {
        if let code = failure.errorCode?.lowercased() {
            let rule = byErrorCode.first { rule in code == rule.suffix || code.hasSuffix("." + rule.suffix) }
            if let rule { return rule.cure }
        }
        return byStatus[failure.status] ?? .retry
    }
}

extension ErrorRule.Cure {
    /// The code under which the failure is shown, and a sentence for a person.
    func error(for failure: CallFailure, topic: String?) -> UpstreamError {
        let code: UpstreamError.Code
        let message: String
        switch self {
        case .renewToken: (code, message) = (.unauthenticated, "The event bus does not accept the token.")
        case .retry: (code, message) = (.unavailable, "The event bus cannot be reached or is out of order.")
        case .awaitAllowance: (code, message) = (.limitExceeded, "An allocation of the org is used up.")
        case .declareGap:
            (code, message) = (.replayIDRejected, "The stored replay id is expired, malformed or of another org.")
        case .awaitSlot: (code, message) = (.slotTaken, "Another client holds the subscription.")
        case .awaitPerson:
            (code, message) = (.topicRefused, "The event bus refuses the topic: does it exist, may the user see it?")
        case .stop: (code, message) = (.requestInvalid, "The event bus calls the request invalid: please report this.")
        }
        return UpstreamError(code, message, reason: failure.reason, topic: topic, cause: failure)
    }
}
