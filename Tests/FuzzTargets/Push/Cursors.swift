import ChangeEvents
import Foundation

@testable import Doors
@testable import Sandbox

/// Every text that names a place or a record: what is read prints as a text that is read the same, and a place that we have
/// not handed out is not found.
enum Cursors {
    static func run(_ input: inout FuzzInput) {
        let bytes = input.remaining()
        let text = String(decoding: bytes, as: UTF8.self)
        replayIDs(text, bytes)
        recordIDs(text)
        locators(text, bytes)
        queryCursors(text)
        if let channel = PushChannel(text) {
            property("a channel keeps its name", holds: channel.name == text && !text.isEmpty)
            property("a channel's name is printable", holds: text.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        }
    }

    private static func replayIDs(_ text: String, _ bytes: [UInt8]) {
        if let id = ReplayID(text) {
            property(
                "a replay id that is printed is read the same",
                holds: ReplayID(id.description)?.description == id.description)
        }
        let id = ReplayID(bytes: bytes)
        guard (1...64).contains(bytes.count) else { return }
        guard let read = ReplayID(id.description) else { fatalError("violated: a replay id that is printed is read") }
        property("a replay id keeps its counter", holds: read.counter == id.counter)
        if id.counter == nil { property("a replay id keeps its bytes", holds: read == id) }
        guard let request = attempt({ try ReplayRequest(text) }) else { return }
        guard let again = attempt({ try ReplayRequest(printed(request)) }) else {
            fatalError("violated: a request for a place that is printed is read")
        }
        // A bare counter of eight bytes and the same in ten are one place.
        property("a request for a place is the one that was read", holds: printed(again) == printed(request))
    }

    private static func printed(_ request: ReplayRequest) -> String {
        switch request {
        case .new: "-1"
        case .allRetained: "-2"
        case .after(let id): id.description
        }
    }

    private static func recordIDs(_ text: String) {
        guard let id = RecordID(text) else { return }
        property("a record id is the text in one of its lengths", holds: text == id.string || text == id.short)
        property(
            "a record id that is printed is read the same", holds: RecordID(id.string) == id && RecordID(id.short) == id
        )
        property(
            "a record id has 18 characters", holds: id.string.utf8.count == 18 && id.string.hasPrefix(id.keyPrefix))
    }

    private static func locators(_ text: String, _ bytes: [UInt8]) {
        let (job, otherJob) = ("750xx0000000001AAA", "750xx0000000002AAA")
        let row = bytes.prefix(7).reduce(0) { $0 << 8 | Int($1) }
        let locator = QueryLocator.text(row: row, of: job)
        property("a locator names its row", holds: QueryLocator.row(locator, of: job) == row)
        property("another job's locator is not taken", holds: QueryLocator.row(locator, of: otherJob) == nil)
        if let row = QueryLocator.row(text, of: job) {
            let printed = QueryLocator.text(row: row, of: job)
            property(
                "a locator that is read prints as one of its row", holds: QueryLocator.row(printed, of: job) == row)
        }
    }

    private static func queryCursors(_ text: String) {
        let cursors = QueryCursors(instance: "xx", seed: 7)
        let cursor = QueryCursors.Cursor(
            soql: "SELECT Id FROM Case", includesDeleted: false, plannedAt: 0, userID: "u", numbers: [1, 2, 3],
            batchSize: 1)
        let locator = cursors.open(cursor, from: 1, now: 0)
        property("a locator is found", holds: attempt { try cursors.find(locator, userID: "u", now: 0) }?.offset == 1)
        property("a locator is its owner's", holds: attempt { try cursors.find(locator, userID: "v", now: 0) } == nil)
        guard let found = attempt({ try cursors.find(text, userID: "u", now: 0) }) else { return }
        property("a place is among the rows", holds: (0..<3).contains(found.offset))
        let again = cursors.locator(after: text, offset: found.offset)
        property(
            "the next page is found by its locator",
            holds: attempt { try cursors.find(again, userID: "u", now: 0) }?.offset == found.offset)
    }
}
