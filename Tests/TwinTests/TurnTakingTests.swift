import Testing
@testable import Twin

@Suite struct TurnTakingTests {
    private func name(_ action: TurnTaking<String, Int>.ArrivedAction) -> String {
        switch action {
        case .go(let waiter): "go \(waiter)"
        case .wait: "wait"
        case .refuse(let waiter): "refuse \(waiter)"
        }
    }

    @Test func turnsComeInTheOrderOfAsking() {
        var turns = TurnTaking<String, Int>()
        let tickets = (0..<3).map { _ in turns.newTicket() }
        #expect(name(turns.arrived(tickets[0], "a")) == "go a")
        #expect(name(turns.arrived(tickets[1], "b")) == "wait")
        #expect(name(turns.arrived(tickets[2], "c")) == "wait")
        #expect(turns.ended() == "b")
        #expect(turns.ended() == "c")
        #expect(turns.ended() == nil)
        #expect(name(turns.arrived(turns.newTicket(), "d")) == "go d")
    }

    @Test func cancelledWaiterLeavesTheQueue() {
        var turns = TurnTaking<String, Int>()
        let tickets = (0..<3).map { _ in turns.newTicket() }
        _ = turns.arrived(tickets[0], "a")
        _ = turns.arrived(tickets[1], "b")
        _ = turns.arrived(tickets[2], "c")
        #expect(turns.cancelled(tickets[1]) == "b")
        #expect(turns.ended() == "c")
    }

    @Test func cancellationBeforeArrivalRefuses() {
        var turns = TurnTaking<String, Int>()
        let ticket = turns.newTicket()
        #expect(turns.cancelled(ticket) == nil)
        #expect(name(turns.arrived(ticket, "a")) == "refuse a")
        #expect(name(turns.arrived(turns.newTicket(), "b")) == "go b")
    }

    @Test func cancellationDuringTheTurnChangesNothing() {
        var turns = TurnTaking<String, Int>()
        let ticket = turns.newTicket()
        _ = turns.arrived(ticket, "a")
        #expect(turns.cancelled(ticket) == nil)
        turns.forget(ticket)
        #expect(turns.ended() == nil)
    }

    @Test func workOfTheNextIsTakenUpToWhoWantsTheTurn() {
        var turns = TurnTaking<String, Int>()
        _ = turns.arrived(turns.newTicket(), "a")
        _ = turns.arrived(turns.newTicket(), "b", work: 1)
        _ = turns.arrived(turns.newTicket(), "c", work: 2)
        _ = turns.arrived(turns.newTicket(), "d")
        _ = turns.arrived(turns.newTicket(), "e", work: 3)
        #expect(turns.takeWork(max: 1).map(\.waiter) == ["b"])
        #expect(turns.takeWork(max: 9).map(\.work) == [2])
        #expect(turns.takeWork(max: 9).isEmpty)
        #expect(turns.ended() == "d")
        #expect(turns.takeWork(max: 9).map(\.waiter) == ["e"])
        #expect(turns.ended() == nil)
    }

    @Test func takenWorkIsNotCancelled() {
        var turns = TurnTaking<String, Int>()
        _ = turns.arrived(turns.newTicket(), "a")
        let ticket = turns.newTicket()
        _ = turns.arrived(ticket, "b", work: 1)
        _ = turns.takeWork(max: 1)
        #expect(turns.cancelled(ticket) == nil)
        turns.forget(ticket)
        #expect(turns.ended() == nil)
    }
}
