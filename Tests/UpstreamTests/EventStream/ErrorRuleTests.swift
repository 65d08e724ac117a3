import GRPCCore
import Testing

@testable import Upstream

struct ErrorRuleTests {
    private static let prefix = "sfdc.platform.eventbus.grpc."

    /// Every documented code, with the status it comes with.
    static let documented: [(String, RPCError.Code, ErrorRule.Cure)] = [
        ("service.auth.error", .unauthenticated, .renewToken),
        ("service.auth.refresh.invalid", .unauthenticated, .renewToken),
        ("service.unavailable", .unavailable, .retry),
        ("concurrent.client.limit.exceeded", .resourceExhausted, .awaitAllowance),
        ("subscription.limit.exceeded", .resourceExhausted, .awaitAllowance),
        ("subscription.fetch.replayid.validation.failed", .invalidArgument, .declareGap),
        ("subscription.fetch.replayid.corrupted", .invalidArgument, .declareGap),
        ("subscription.fetch.requested.events.invalid", .invalidArgument, .stop),
        ("managed.subscription.already.active", .alreadyExists, .awaitSlot),
    ]

    @Test(arguments: documented)
    func documentedCodesHaveTheirRule(code: String, status: RPCError.Code, cure: ErrorRule.Cure) {
        #expect(ErrorRule.cure(for: CallFailure(status: status, errorCode: Self.prefix + code)) == cure)
        // The code decides, whatever the status.
        #expect(ErrorRule.cure(for: CallFailure(status: .internalError, errorCode: Self.prefix + code)) == cure)
        #expect(ErrorRule.cure(for: CallFailure(status: status, errorCode: (Self.prefix + code).uppercased())) == cure)
    }

    @Test(arguments: ErrorRule.byErrorCode)
    func suffixesAloneAreEnough(rule: ErrorRule) {
        #expect(ErrorRule.cure(for: CallFailure(status: .unknown, errorCode: rule.suffix)) == rule.cure)
        #expect(
            ErrorRule.cure(for: CallFailure(status: .unknown, errorCode: "other.prefix." + rule.suffix)) == rule.cure)
        // A part of a word is no match.
        #expect(ErrorRule.cure(for: CallFailure(status: .unknown, errorCode: "x" + rule.suffix)) == .retry)
    }

    @Test(arguments: [
        (RPCError.Code.unauthenticated, ErrorRule.Cure.renewToken), (.permissionDenied, .awaitPerson),
        (.notFound, .awaitPerson),
        (.invalidArgument, .awaitPerson), (.unimplemented, .awaitPerson), (.failedPrecondition, .awaitPerson),
        (.outOfRange, .awaitPerson), (.alreadyExists, .awaitSlot), (.resourceExhausted, .awaitAllowance),
        (.unavailable, .retry),
        (.internalError, .retry), (.unknown, .retry), (.cancelled, .retry), (.deadlineExceeded, .retry),
        (.aborted, .retry),
        (.dataLoss, .retry),
    ])
    func statusesDecideWithoutAKnownCode(status: RPCError.Code, cure: ErrorRule.Cure) {
        #expect(ErrorRule.cure(for: CallFailure(status: status)) == cure)
        #expect(
            ErrorRule.cure(for: CallFailure(status: status, errorCode: "sfdc.platform.eventbus.grpc.new.code")) == cure)
    }

    @Test func failuresAreReadFromStatusAndTrailers() {
        let error = RPCError(code: .invalidArgument, message: "bad id. rpcId: 1", metadata: ["error-code": "a.b"])
        #expect(
            CallFailure(error) == CallFailure(status: .invalidArgument, errorCode: "a.b", message: "bad id. rpcId: 1"))
        struct Network: Error {}
        #expect(CallFailure(Network()).status == .unavailable)
    }

    @Test func aHostileTextIsCut() {
        let failure = CallFailure(status: .internalError, message: String(repeating: "x", count: 1_000_000))
        #expect(failure.reason.count < 400)
    }
}

struct PaceTests {
    @Test func fullJitterGoesFromNothingToTheBound() {
        let pace = Pace(initial: .seconds(1), max: .seconds(60), fixedPart: 0)
        #expect(pace.delay(failures: 0, jitter: 0) == .zero)
        #expect(pace.delay(failures: 3, jitter: 0.5) == .seconds(4))
        #expect(pace.delay(failures: 1_000_000, jitter: 1) == .seconds(60))
        #expect(pace.delay(failures: -1, jitter: 1) == .seconds(1))
    }

    @Test func theFixedPartIsAlwaysWaited() {
        let pace = Pace(initial: .seconds(60), max: .seconds(900), fixedPart: 0.5)
        #expect(pace.delay(failures: 0, jitter: 0) == .seconds(30))
        #expect(pace.delay(failures: 0, jitter: 1) == .seconds(60))
        #expect(pace.delay(failures: 9, jitter: 0) == .seconds(450))
    }
}
