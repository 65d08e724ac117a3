import Testing

@testable import Doors

/// Order on one connection, without sockets.
@Suite struct ConnectionStateMachineTests {
    private let refusal = Refusal(status: 400, errorCode: "INVALID_REQUEST", message: "no")

    @Test func requestsPassAndResponsesBalance() {
        var machine = ConnectionStateMachine()
        #expect(machine.headReceived(.pass(keepsAlive: true)) == .forward)
        #expect(machine.bodyReceived() == .forward)
        #expect(machine.endReceived() == .forward)
        #expect(machine.responsesDue == 1)
        #expect(machine.responseWritten() == nil)
        #expect(machine.responsesDue == 0)
        #expect(machine.wantsInput)
    }

    @Test func takeoverOfFirstRequestIsImmediate() {
        var machine = ConnectionStateMachine()
        #expect(machine.headReceived(.takeOver) == .discard)
        #expect(machine.endReceived() == .end(.takeOver))
        #expect(!machine.wantsInput)
    }

    @Test func takeoverWaitsForEarlierResponses() {
        var machine = ConnectionStateMachine()
        for _ in 0..<2 {
            _ = machine.headReceived(.pass(keepsAlive: true))
            _ = machine.endReceived()
        }
        #expect(machine.headReceived(.takeOver) == .discard)
        #expect(machine.endReceived() == .discard)
        #expect(machine.responseWritten() == nil)
        #expect(!machine.isLastResponse, "the connection goes on after this response, with its taker")
        #expect(machine.responseWritten() == .takeOver)
    }

    @Test func nothingIsReadBehindATakeover() {
        var machine = ConnectionStateMachine()
        _ = machine.headReceived(.takeOver)
        _ = machine.endReceived()
        #expect(machine.headReceived(.pass(keepsAlive: true)) == .discard)
        #expect(machine.bodyReceived() == .discard)
        #expect(machine.endReceived() == .discard)
        #expect(machine.inputFailed(refusal) == .discard)
    }

    @Test func refusalWaitsForEarlierResponses() {
        var machine = ConnectionStateMachine()
        _ = machine.headReceived(.pass(keepsAlive: true))
        _ = machine.endReceived()
        #expect(machine.headReceived(.refuse(refusal)) == .discard)
        #expect(machine.responseWritten() == .refuse(refusal))
    }

    @Test func garbageBetweenRequestsIsRefused() {
        var machine = ConnectionStateMachine()
        #expect(machine.inputFailed(refusal) == .end(.refuse(refusal)))
    }

    @Test func failureInsideABodyIsAnsweredByTheRoute() {
        var machine = ConnectionStateMachine()
        _ = machine.headReceived(.pass(keepsAlive: true))
        #expect(machine.inputFailed(refusal) == .forward)
        #expect(machine.isLastResponse)
        #expect(machine.responseWritten() == .close)
    }

    @Test func closeIsAfterTheLastResponse() {
        var machine = ConnectionStateMachine()
        _ = machine.headReceived(.pass(keepsAlive: true))
        _ = machine.endReceived()
        _ = machine.headReceived(.pass(keepsAlive: false))
        _ = machine.endReceived()
        #expect(!machine.isLastResponse)
        #expect(machine.responseWritten() == nil)
        #expect(machine.isLastResponse)
        #expect(machine.responseWritten() == .close)
    }

    @Test func responseBeforeTheRequestEndsStillCloses() {
        var machine = ConnectionStateMachine()
        _ = machine.headReceived(.pass(keepsAlive: false))
        #expect(machine.responseWritten() == nil)
        #expect(machine.endReceived() == .end(.close), "the response is out already")
    }
}
