import ChangeEvents
import Doors
import Synchronization

/// The open cursors of the org's users: what a query locator stands for.
///
/// A cursor holds the numbers of the rows that the query found, eight bytes each, and not the rows: pages show records as
/// they are when read, and leave out what is deleted since. It lives two days of the org's clock; a user has ten at most,
/// and all of them together hold a bounded number of rows: past either bound the oldest goes. Cursors are not kept over a
/// restart.
final class QueryCursors: Sendable {
    static let lifetime: Int64 = 2 * 86_400_000
    static let perUserMax = 10
    /// 80 MB.
    static let rowsMax = 10_000_000

    struct Cursor: Sendable {
        var soql: String
        var includesDeleted: Bool
        /// When it was planned: a relative date means the same on every page.
        var plannedAt: Int64
        var userID: String
        var numbers: [Int64]
        var batchSize: Int
        /// For the children of one record: which of the query's, and whose.
        var children: (index: Int, parent: String)?
    }

    private struct State {
        var cursors: [UInt64: Cursor] = [:]
        /// Oldest first.
        var order: [UInt64] = []
        var rows = 0
        var next: UInt64
    }
    private let state: Mutex<State>
    private let instance: String

    /// `seed` keeps the locators of an earlier run from meaning something else in this one.
    init(instance: String, seed: UInt64) {
        self.instance = instance
        state = Mutex(State(next: seed % 1_000_000_000_000))
    }

    /// Answers the locator of the rows from `offset` on.
    func open(_ cursor: Cursor, from offset: Int, now: Int64) -> String {
        let key = state.withLock { state in
            let key = state.next
            state.next += 1
            state.cursors[key] = cursor
            state.order.append(key)
            state.rows += cursor.numbers.count
            Self.expire(&state, now: now)
            let own = state.order.filter { state.cursors[$0]?.userID == cursor.userID }
            for old in own.dropLast(Self.perUserMax) { Self.close(old, &state) }
            while state.rows > Self.rowsMax, let oldest = state.order.first, oldest != key {
                Self.close(oldest, &state)
            }
            return key
        }
        return locator(key, offset)
    }

    /// The cursor of a locator, and the offset that it names. Only its owner's.
    func find(_ locator: String, userID: String, now: Int64) throws(OrgError) -> (cursor: Cursor, offset: Int) {
        let parts = locator.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let id = RecordID(parts[0]), id.string.hasPrefix(prefix),
            let key = Base62.number(id.short.suffix(9)), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let offset = Int(parts[1])
        else { throw .invalidLocator() }
        let found = state.withLock { state -> Cursor? in
            Self.expire(&state, now: now)
            return state.cursors[key]
        }
        guard let found, found.userID == userID, (0..<max(1, found.numbers.count)).contains(offset) else {
            throw .invalidLocator()
        }
        return (found, offset)
    }

    /// The next page of the cursor that a locator names.
    func locator(after locator: String, offset: Int) -> String {
        "\(locator.prefix { $0 != "-" })-\(offset)"
    }

    private var prefix: String { "01g\(instance)0" }

    private func locator(_ key: UInt64, _ offset: Int) -> String {
        guard let id = RecordID(prefix + Base62.text(key, width: 9)) else {
            preconditionFailure("an instance is two characters of base 62")
        }
        return "\(id.string)-\(offset)"
    }

    private static func expire(_ state: inout State, now: Int64) {
        while let oldest = state.order.first, let cursor = state.cursors[oldest], cursor.plannedAt + lifetime <= now {
            close(oldest, &state)
        }
    }

    private static func close(_ key: UInt64, _ state: inout State) {
        guard let cursor = state.cursors.removeValue(forKey: key) else { return }
        state.rows -= cursor.numbers.count
        state.order.removeAll { $0 == key }
    }
}

extension Base62 {
    /// Nil for what is no number in base 62.
    static func number(_ text: Substring) -> UInt64? {
        var number: UInt64 = 0
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A") + 10
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 36
            default: return nil
            }
            let (product, overflow) = number.multipliedReportingOverflow(by: 62)
            let (sum, overflowsToo) = product.addingReportingOverflow(UInt64(digit))
            // A locator is what a stranger sends: a number too large must be an answer, not a trap.
            guard !overflow, !overflowsToo else { return nil }
            number = sum
        }
        return number
    }
}
