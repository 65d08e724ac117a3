import ChangeEvents
import Store
import Synchronization
import TestSupport
@testable import Twin

/// An org that changes while it is read: the true records, the events that it has published and not delivered yet, and its
/// answers, each row as it was at some instant between the question and the answer.
final class SourceOrg: OrgSource {
    struct Record: Sendable {
        var fields: [String: FieldValue]
        var isDeleted = false
        var systemModstamp: Int64
    }

    struct State {
        var random: SeededRandom
        var records: [RecordID: Record] = [:]
        /// Published, oldest first.
        var outbox: [ReceivedEvent] = []
        var counter: UInt64 = 0
        var time: Int64 = 1_700_000_000_000
        var made = 0
        /// Ids of a read, in its order.
        var reads: [String: [RecordID]] = [:]
        var readsBegun = 0
        var rowsByID = 0
        var ended: Set<String> = []
        /// Milliseconds from a record's change to the commit of its transaction: its `SystemModstamp` is so much earlier.
        var transactionMax: Int64 = 0
        /// Chance that much time passes before a change.
        var pauseChance = 0.0
        /// Chance that a change is an overflow.
        var overflowChance = 0.0
        /// Rows handed over, of readings by condition or time.
        var rowsRead = 0
        /// Fields that the org does not have now.
        var hidden: Set<String> = []
        /// Texts that the schema of its events does not have.
        var unheard: [String] = []
        /// Formulas.
        var calculated: Set<String> = []
        /// Of reconciliations' questions, as the real org's APIs count them.
        var calls = 0
        /// So many questions more have no answer now.
        var refusals = 0
    }

    let cases: CaseEvents
    private let state: Mutex<State>
    /// A topic's events come in their order.
    private let delivering = Turns<any CommitWork>()
    /// Rows of a page.
    private let pageRows: Int
    private let meanwhile = Mutex<(@Sendable (SourceOrg) async throws -> Void)?>(nil)

    init(cases: CaseEvents, random: SeededRandom = SeededRandom(), pageRows: Int = 7) {
        self.cases = cases
        self.pageRows = pageRows
        state = Mutex(State(random: random))
    }

    func with<T: Sendable>(_ body: (inout sending State) throws -> sending T) rethrows -> T {
        try state.withLock { try body(&$0) }
    }

    var records: [RecordID: Record] { with { $0.records } }

    /// What happens each time when rows were read and are not handed over yet; nil: nothing.
    func meanwhile(_ body: (@Sendable (SourceOrg) async throws -> Void)?) { meanwhile.withLock { $0 = body } }

    /// The same, the next time alone.
    func once(_ body: @escaping @Sendable (SourceOrg) async throws -> Void) {
        meanwhile { org in
            org.meanwhile(nil)
            try await body(org)
        }
    }

    // MARK: Changes

    /// Records from before anybody subscribed: they have no events.
    func found(_ count: Int) {
        with { state in
            for _ in 0..<count {
                state.made += 1
                let fields = Self.randomFields(&state)
                state.records[.test("500", state.made)] = Record(fields: fields, systemModstamp: state.time)
            }
        }
    }

    /// A new field, with a value in every record. Nothing tells of it.
    func addUnheard(_ name: String) {
        with { state in
            state.unheard.append(name)
            for (number, id) in state.records.keys.sorted(by: { $0.string < $1.string }).enumerated() {
                state.records[id]?.fields[name] = .string("\(name) \(number)")
            }
        }
    }

    static func randomFields(_ state: inout State) -> [String: FieldValue] {
        Dictionary(
            uniqueKeysWithValues: CaseEvents.fieldNames.map { ($0, randomValue($0, &state)) })
    }

    static func randomValue(_ name: String, _ state: inout State) -> FieldValue {
        if name != "LastModifiedDate", state.random.chance(0.3) { return .null }
        switch name {
        case "IsClosed": return .boolean(state.random.chance(0.5))
        case "LastModifiedDate": return .dateTime(milliseconds: state.time)
        default: return .string("\(name) \(state.random.int(0..<50))")
        }
    }

    /// A committed change and its event. Published at once; who delivers it is the test.
    func commit(
        _ type: ChangeType, _ ids: [RecordID], _ changes: [String: FieldValue] = [:], asGap: Bool = false
    ) throws {
        try with { state in try commit(type, ids, changes, asGap: asGap, &state) }
    }

    private func commit(
        _ type: ChangeType, _ ids: [RecordID], _ changes: [String: FieldValue], asGap: Bool, _ state: inout State
    ) throws {
        state.counter += 1
        Self.passTime(&state)
        for id in ids {
            switch type {
            case .create:
                let all = Dictionary(uniqueKeysWithValues: CaseEvents.fieldNames.map { ($0, changes[$0] ?? .null) })
                state.records[id] = Record(fields: all, systemModstamp: 0)
            case .delete: state.records[id]?.isDeleted = true
            case .undelete: state.records[id]?.isDeleted = false
            default: state.records[id]?.fields.merge(changes) { $1 }
            }
            let stamp = Self.modstamp(&state)
            state.records[id]?.systemModstamp = stamp
        }
        var told = changes
        if type == .undelete, let id = ids.first { told = state.records[id]?.fields ?? [:] }
        told = told.filter { CaseEvents.fieldNames.contains($0.key) }
        let gaps: [ChangeType: ChangeType] = [
            .create: .gapCreate, .update: .gapUpdate, .delete: .gapDelete, .undelete: .gapUndelete,
        ]
        state.outbox.append(
            try cases.event(
                asGap ? gaps[type] ?? type : type, ids: ids.map(\.string), counter: state.counter,
                changes: asGap ? [:] : told.filter { $0.value != .null },
                nulled: asGap || type != .update ? [] : told.filter { $0.value == .null }.map(\.key).sorted(),
                commitTimestamp: state.time))
    }

    private static func passTime(_ state: inout State) {
        state.time += Int64(state.random.int(0..<3)) * 700
        if state.random.chance(state.pauseChance) { state.time += Int64(state.random.int(5_000..<40_000)) }
    }

    /// Of a change whose transaction is committed now.
    private static func modstamp(_ state: inout State) -> Int64 {
        let took = state.transactionMax == 0 ? 0 : Int64(state.random.int(0..<Int(state.transactionMax)))
        return (state.time - took) / 1_000 * 1_000
    }

    /// A transaction of which one event says nothing but that there were too many changes.
    func overflow(updating updated: [RecordID], deleting deleted: [RecordID] = [], making made: Int = 0) throws {
        try with { state in try overflow(updated, deleted, made, &state) }
    }

    private func overflow(_ updated: [RecordID], _ deleted: [RecordID], _ made: Int, _ state: inout State) throws {
        state.counter += 1
        Self.passTime(&state)
        for id in updated {
            state.records[id]?.fields["Description"] = .string("overflow \(state.counter)")
            let stamp = Self.modstamp(&state)
            state.records[id]?.systemModstamp = stamp
        }
        for id in deleted {
            state.records[id]?.isDeleted = true
            let stamp = Self.modstamp(&state)
            state.records[id]?.systemModstamp = stamp
        }
        for _ in 0..<made {
            state.made += 1
            let fields = Self.randomFields(&state)
            let stamp = Self.modstamp(&state)
            state.records[.test("500", state.made)] = Record(fields: fields, systemModstamp: stamp)
        }
        state.outbox.append(
            try cases.event(
                .gapOverflow, ids: [RecordID.empty.string], counter: state.counter, commitTimestamp: state.time))
    }

    /// Something happens: mostly updates.
    func changeAtRandom(withoutEvents: Bool = false) throws {
        try with { state in
            let live = state.records.filter { !$0.value.isDeleted }.keys.sorted { $0.string < $1.string }
            let dead = state.records.filter { $0.value.isDeleted }.keys.sorted { $0.string < $1.string }
            let asGap = state.random.chance(0.1)
            if state.random.chance(state.overflowChance) {
                let some = live.shuffled(using: &state.random)
                let count = min(some.count / 3, 4)
                try overflow(
                    Array(some.prefix(count)), Array(some.dropFirst(count).prefix(state.random.int(0..<2))),
                    state.random.int(0..<3), &state)
                return
            }
            switch state.random.int(0..<12) {
            case 0, 1:
                state.made += 1
                try commit(.create, [.test("500", state.made)], Self.randomFields(&state), asGap: asGap, &state)
            case 2 where live.count > 3:
                let ids = Array(live.shuffled(using: &state.random).prefix(state.random.int(1..<3)))
                try commit(.delete, ids, [:], asGap: asGap, &state)
            case 3 where !dead.isEmpty:
                try commit(.undelete, [state.random.pick(dead)], [:], asGap: asGap, &state)
            case 4 where withoutEvents && !dead.isEmpty:
                // The recycle bin is emptied.
                state.records[state.random.pick(dead)] = nil
            case 5 where withoutEvents && !live.isEmpty:
                // A picklist value is renamed, a formula changes: no event.
                let id = state.random.pick(live)
                state.records[id]?.fields["Priority"] = .string("renamed \(state.random.int(0..<99))")
            case _ where !live.isEmpty:
                let ids = Array(live.shuffled(using: &state.random).prefix(state.random.chance(0.2) ? 3 : 1))
                var changes: [String: FieldValue] = ["LastModifiedDate": .dateTime(milliseconds: state.time)]
                for name in CaseEvents.fieldNames where state.random.chance(0.3) {
                    changes[name] = Self.randomValue(name, &state)
                }
                try commit(.update, ids, changes, asGap: asGap, &state)
            default: break
            }
        }
    }

    /// Hands some of what was published to the twin, in order.
    func deliver(to twin: Twin, _ count: Int = .max) async throws {
        try await delivering.withTurn {
            let events = with { state in
                let taken = Array(state.outbox.prefix(count))
                state.outbox.removeFirst(taken.count)
                return taken
            }
            guard !events.isEmpty else { return }
            do {
                try await twin.ingest(ReceivedBatch(topic: CaseEvents.topic, events: events, latestReplayID: nil))
            } catch {
                // A task that was cancelled: they come again.
                with { $0.outbox.insert(contentsOf: events, at: 0) }
                throw error
            }
        }
    }

    /// What was published and not delivered is lost, and upstream says so.
    func lose(to twin: Twin) async throws {
        try await delivering.withTurn {
            let events = with { state in
                defer { state.outbox = [] }
                return state.outbox
            }
            do {
                try await twin.declareGap(topic: CaseEvents.topic, reason: "the replay id has expired")
            } catch {
                with { $0.outbox.insert(contentsOf: events, at: 0) }
                throw error
            }
        }
    }

    // MARK: Answers

    func object(_ name: String) async throws(SourceError) -> SourceObject {
        guard name == "Case" else { throw SourceError(.refused, "there is no \(name)") }
        let hidden = with { $0.hidden }
        let fields = CaseEvents.fieldNames.filter { !hidden.contains($0) }.map { name in
            SourceObject.Field(
                name, name == "IsClosed" ? .boolean : name == "LastModifiedDate" ? .dateTime : .text,
                isCalculated: with { $0.calculated.contains(name) })
        }
        let unheard = with { $0.unheard }.map { SourceObject.Field($0, .text) }
        return SourceObject(name: "Case", fields: fields + unheard + [.init("SystemModstamp", .dateTime)])
    }

    private func check(_ query: SourceQuery) throws(SourceError) {
        let hidden = with { $0.hidden }
        if let field = query.fields.first(where: hidden.contains) {
            throw SourceError(.refused, "No such column '\(field)'")
        }
    }

    func beginRead(_ query: SourceQuery) async throws(SourceError) -> String {
        try check(query)
        return with { state in
            state.readsBegun += 1
            let name = "read \(state.readsBegun)"
            state.reads[name] = state.records.keys.filter { query.ids?.contains($0) ?? true }.sorted()
                .shuffled(using: &state.random)
            return name
        }
    }

    func pages(ofRead read: String) async throws(SourceError) -> SourcePages {
        let pages: SourcePages? = with { state in
            guard let ids = state.reads[read] else { return nil }
            // An org tells of its pages, or is too old for that.
            let starts = Array(stride(from: 0, to: max(ids.count, 1), by: pageRows))
            let areAll = state.random.chance(0.7)
            let told = areAll ? starts : [0]
            return SourcePages(places: told.map { String($0) }, areAll: areAll, total: ids.count)
        }
        guard let pages else { throw SourceError(.readGone, "there is no \(read)") }
        return pages
    }

    func chunkBounds(_ object: String, rows: Int) async throws(SourceError) -> SourceChunks {
        with { state in
            let ids = state.records.filter { !$0.value.isDeleted }.keys.sorted()
            guard ids.count > rows, let first = ids.first, let last = ids.last else {
                return SourceChunks(bounds: [], total: ids.count)
            }
            let count = (ids.count + rows - 1) / rows
            return SourceChunks(bounds: IDChunks.bounds(from: first, to: last, count: count), total: ids.count)
        }
    }

    func page(
        ofRead read: String, at place: String, _ query: SourceQuery, _ take: ([SourceRow]) async throws -> Void
    ) async throws -> String? {
        let page: (rows: [SourceRow], next: String?)? = with { state in
            guard let ids = state.reads[read] else { return nil }
            let start = Int(place) ?? 0
            let end = min(start + pageRows, ids.count)
            let rows = ids[start..<end].compactMap { Self.row($0, query, state) }
            if query.since != nil { state.rowsRead += rows.count }
            return (rows, end < ids.count ? String(end) : nil)
        }
        guard let page else { throw SourceError(.readGone, "there is no \(read)") }
        try await happen()
        for start in stride(from: 0, to: page.rows.count, by: 3) {
            try await take(Array(page.rows[start..<min(start + 3, page.rows.count)]))
        }
        return page.next
    }

    func endRead(_ read: String) async {
        with { state in
            state.ended.insert(read)
            state.reads[read] = nil
        }
    }

    func rows(_ query: SourceQuery, ids: [RecordID]) async throws(SourceError) -> [SourceRow] {
        try check(query)
        precondition(ids.count <= SourceQuery.idsMax)
        let rows = with { state in
            state.rowsByID += ids.count
            state.calls += 1
            return ids.compactMap { Self.row($0, query, state) }
        }
        try await happen()
        return rows
    }

    /// What happens while an answer is on its way.
    func happen() async throws(SourceError) {
        do {
            if let body = meanwhile.withLock({ $0 }) { try await body(self) }
        } catch {
            throw SourceError(.notNow, "\(error)")
        }
    }

    static func row(_ id: RecordID, _ query: SourceQuery, _ state: State) -> SourceRow? {
        guard let record = state.records[id], query.includesDeleted || !record.isDeleted,
            query.since.map({ record.systemModstamp >= $0 }) ?? true
        else { return nil }
        var fields: [String: FieldValue] = [:]
        for name in query.fields { fields[name] = record.fields[name] ?? .null }
        if query.fields.contains("SystemModstamp") {
            fields["SystemModstamp"] = .dateTime(milliseconds: record.systemModstamp)
        }
        return SourceRow(
            id: id, isDeleted: record.isDeleted, systemModstamp: record.systemModstamp, fields: RecordFields(fields))
    }
}
