import Store
import Testing

@testable import Doors

@Suite struct BayeuxSessionTests {
    private static let start: Int64 = 1_000_000

    private func session() -> BayeuxSession {
        BayeuxSession(
            clientID: "client", caller: BusCaller(userID: "005", organizationID: "00D"), cookie: "c", hasReplay: true,
            timing: .init(holdMilliseconds: 110_000, reconnectMilliseconds: 40_000), now: Self.start)
    }

    private func position(_ number: Int64) -> Position { Position(rawValue: number) }

    @Test func firstConnectIsAnsweredAtOnceWithAdviceAndTheNextIsHeld() {
        var session = session()
        let first = session.connectReceived(adviceTimeout: nil, now: Self.start)
        #expect(first == .answer(ticket: 1, withAdvice: true))
        session.connectAnswered(ticket: 1, now: Self.start)
        let second = session.connectReceived(adviceTimeout: nil, now: Self.start + 5)
        #expect(second == .hold(ticket: 2, until: Self.start + 110_005))
    }

    @Test func timeoutZeroAsksForAnAnswerAtOnce() {
        var session = session()
        _ = session.connectReceived(adviceTimeout: 0, now: Self.start)
        session.connectAnswered(ticket: 1, now: Self.start)
        let second = session.connectReceived(adviceTimeout: 0, now: Self.start)
        #expect(second == .answer(ticket: 2, withAdvice: true))
    }

    @Test(arguments: [(39_999, false), (40_000, false), (40_001, true)] as [(Int64, Bool)])
    func sessionIsOver40SecondsAfterTheLastAnswer(after: Int64, isOver: Bool) {
        var session = session()
        _ = session.connectReceived(adviceTimeout: nil, now: Self.start)
        session.connectAnswered(ticket: 1, now: Self.start + 10)
        #expect(session.isOver(now: Self.start + 10 + after) == isOver)
        let action = session.connectReceived(adviceTimeout: nil, now: Self.start + 10 + after)
        #expect((action == .refuse) == isOver)
    }

    @Test func handshakeWithoutAConnectIsOverToo() {
        #expect(!session().isOver(now: Self.start + 40_000))
        #expect(session().isOver(now: Self.start + 40_001))
    }

    @Test func sessionIsNotOverWhileAConnectIsHeld() {
        var session = session()
        _ = session.connectReceived(adviceTimeout: nil, now: Self.start)
        session.connectAnswered(ticket: 1, now: Self.start)
        _ = session.connectReceived(adviceTimeout: nil, now: Self.start)
        #expect(!session.isOver(now: Self.start + 1_000_000))
    }

    @Test func secondConnectOvertakesTheFirst() {
        var session = session()
        session.subscribed(to: "/data/A", at: position(1))
        _ = session.connectReceived(adviceTimeout: nil, now: Self.start)
        _ = session.connectReceived(adviceTimeout: nil, now: Self.start)
        // The subscription has taken the first number.
        #expect(session.plan(ticket: 2) == .overtaken)
        guard case .read(let subscriptions) = session.plan(ticket: 3) else {
            Issue.record("the newer connect reads")
            return
        }
        // What the overtaken connect has read is not sent twice, and moves nothing.
        let isSentByTheFirst = session.wasRead(subscriptions[0], to: position(9), ticket: 2)
        #expect(!isSentByTheFirst)
        #expect(session.subscriptions[0].position == position(1))
        let isSentByTheSecond = session.wasRead(subscriptions[0], to: position(9), ticket: 3)
        #expect(isSentByTheSecond)
        #expect(session.subscriptions[0].position == position(9))
        // The answer of the overtaken one does not end the wait of the other.
        session.connectAnswered(ticket: 2, now: Self.start)
        #expect(session.plan(ticket: 3) == .read(session.subscriptions))
    }

    @Test func subscribingAgainMovesThePlaceAndForgetsReadsUnderWay() {
        var session = session()
        session.subscribed(to: "/data/A", at: position(5))
        _ = session.connectReceived(adviceTimeout: nil, now: Self.start)
        let old = session.subscriptions[0]
        session.subscribed(to: "/data/A", at: position(1))
        #expect(session.subscriptions.count == 1)
        let isSent = session.wasRead(old, to: position(8), ticket: 2)
        #expect(!isSent)
        #expect(session.subscriptions[0].position == position(1))
    }

    @Test func unsubscribingEndsOneChannelOnly() {
        var session = session()
        session.subscribed(to: "/data/A", at: position(1))
        session.subscribed(to: "/data/B", at: position(2))
        let (first, second) = (session.unsubscribed(from: "/data/A"), session.unsubscribed(from: "/data/A"))
        #expect(first && !second)
        #expect(session.subscriptions.map(\.channel) == ["/data/B"])
    }

    @Test func disconnectedSessionIsOverAtOnce() {
        var session = session()
        _ = session.connectReceived(adviceTimeout: nil, now: Self.start)
        session.disconnected()
        #expect(session.isOver(now: Self.start))
        #expect(session.plan(ticket: 1) == .closed)
        let action = session.connectReceived(adviceTimeout: nil, now: Self.start)
        #expect(action == .refuse)
    }
}
