import ChangeEvents
import Store
import TestSupport
import Testing

extension ObjectTable {
    static let testCase = ObjectTable(
        entity: "Case", columns: [.init("Status", .text, isIndexed: true), .init("Number", .integer)])
    static let testTask = ObjectTable(entity: "Task", columns: [.init("Number", .integer), .init("Status", .text)])
    /// A column of every type.
    static let typed = ObjectTable(
        entity: "Thing__c",
        columns: [
            .init("IsDeleted", .boolean), .init("Text", .text), .init("Owner", .identifier, isIndexed: true),
            .init("Flag", .boolean), .init("Whole", .integer, isIndexed: true), .init("Broken", .double),
            .init("Day", .date), .init("Instant", .dateTime, isIndexed: true), .init("Clock", .time),
        ])
}

private func thing(_ number: Int, _ fields: [String: FieldValue], isComplete: Bool = true) -> StoredRecord {
    StoredRecord(
        image: RecordImage(entity: "Thing__c", id: .test("a00", number), fields: fields, isComplete: isComplete),
        isDeleted: false, commitTimestamp: Int64(number), needsRefetch: false)
}

private let empty: [String: FieldValue] = [
    "IsDeleted": .boolean(false), "Text": .null, "Owner": .null, "Flag": .null, "Whole": .null, "Broken": .null,
    "Day": .null, "Instant": .null, "Clock": .null,
]

extension StoreCheck {
    /// What holds for records in one table holds for those in tables of their own.
    static let objectTableChecks: [StoreCheck] =
        recordChecks.map { check in
            StoreCheck(name: "\(check.name), in a table of the object") { store in
                try await store.write { writer in
                    try writer.define(.testCase)
                    try writer.define(.testTask)
                }
                try await check.run(store)
            }
        } + valueChecks + definingChecks

    private static let valueChecks: [StoreCheck] = [
        StoreCheck(name: "live records are counted by the hour and named in order") { store in
            let hour: Int64 = 3_600_000
            // Two in one hour at its ends, one before 1970, one without; one is deleted.
            let stamps: [Int64?] = [10 * hour, 11 * hour - 1, 11 * hour, -1, nil, 10 * hour + 5]
            try await store.write { writer in
                try writer.define(.typed)
                for (number, stamp) in stamps.enumerated().reversed() {
                    let instant = stamp.map { FieldValue.dateTime(milliseconds: $0) } ?? .null
                    var record = thing(number, empty.merging(["Instant": instant]) { $1 })
                    record.isDeleted = number == 5
                    if record.isDeleted { record.image.fields["IsDeleted"] = .boolean(true) }
                    try writer.insert(record)
                }
            }
            func ids(_ stretch: LiveStretch) async throws -> [RecordID] {
                try await store.read { try $0.liveIDs(entity: "Thing__c", in: stretch) }
            }
            func records(_ numbers: Int...) -> [RecordID] { numbers.map { .test("a00", $0) } }
            let counts = try await store.read { try $0.liveCounts(entity: "Thing__c", hoursOf: "Instant") }
            #expect(counts == [10: 2, 11: 1, -1: 1, nil: 1])
            #expect(try await ids(.all) == records(0, 1, 2, 3, 4))
            #expect(try await ids(.empty(field: "Instant")) == records(4))
            #expect(try await ids(.times(field: "Instant", [10 * hour..<11 * hour])) == records(0, 1))
            #expect(try await ids(.times(field: "Instant", [-hour..<0, 11 * hour..<12 * hour])) == records(2, 3))
            #expect(try await ids(.times(field: "Instant", [])) == [])
            // Neither an object without a table, nor a column of another type.
            #expect(try await store.read { try $0.liveCounts(entity: "Thing__c", hoursOf: "Whole") } == [:])
            #expect(try await store.read { try $0.liveCounts(entity: "Case", hoursOf: "Instant") } == [:])
            #expect(try await store.read { try $0.liveIDs(entity: "Case", in: .all) } == [])
        },
        StoreCheck(name: "a record is inserted once, and its standing is told without it") { store in
            try await store.write { writer in
                try writer.define(.typed)
                try writer.insert(thing(1, empty))
                var gone = thing(2, empty.merging(["IsDeleted": .boolean(true)]) { $1 })
                gone.isDeleted = true
                try writer.insert(gone)
            }
            let standings = try await store.read { reader in
                try (1...3).map { try reader.isDeleted(entity: "Thing__c", id: .test("a00", $0)) }
            }
            #expect(standings == [false, true, nil])
            await #expect(throws: StoreError.self) {
                try await store.write { try $0.insert(thing(1, empty)) }
            }
            #expect(try await store.read { try $0.record(entity: "Thing__c", id: .test("a00", 1)) } == thing(1, empty))
        },
        StoreCheck(name: "many records are loaded at once, exactly, and one that is there already fails them all") {
            store in
            let values: [[String: FieldValue]] = [
                ["Text": .string("e\u{301} é 漢字 🚲"), "Whole": .integer(.min), "Broken": .double(-123_456.789)],
                ["Text": .string("\u{0}"), "Flag": .boolean(true), "Owner": .string("005000000000001AAA")],
                ["Day": .date(milliseconds: 1_732_233_600_000), "Clock": .time(milliseconds: 86_399_999)],
                ["Instant": .dateTime(milliseconds: 1_732_233_600_001), "Broken": .double(0)],
            ]
            let records = (0..<2_500).map { thing($0, empty.merging(values[$0 % values.count]) { $1 }) }
            try await store.write { writer in
                try writer.define(.typed)
                _ = try writer.append(.test(1))
                try writer.load(records)
                try writer.load([])
                _ = try writer.append(.test(2))
            }
            #expect(try await store.read { try $0.records(entity: "Thing__c", after: nil, limit: .max) } == records)
            await #expect(throws: StoreError.self) {
                try await store.write { writer in
                    _ = try writer.append(.test(3))
                    try writer.load([thing(9_000, empty), thing(7, empty)])
                }
            }
            #expect(try await store.everything().count == 2)
            #expect(try await store.read { try $0.record(entity: "Thing__c", id: .test("a00", 9_000)) } == nil)
            let without = (1...3).map { StoredRecord.test($0) }
            try await store.write { try $0.load(without) }
            #expect(try await store.read { try $0.records(entity: "Case", after: nil, limit: 9) } == without)
        },
        StoreCheck(name: "records of one object may have their fields in any order") { store in
            let names = ["Whole", "Text", "IsDeleted", "Broken", "Owner", "Flag", "Clock", "Instant", "Day"]
            let records = (0..<6).map { number in
                var record = thing(number, [:])
                let shape = RecordShape(number % 2 == 0 ? names : names.reversed())
                record.image.fields = RecordFields(empty.merging(["Whole": .integer(Int64(number))]) { $1 })
                    .shaped(as: shape)
                return record
            }
            try await store.write { writer in
                try writer.define(.typed)
                for record in records { try writer.put(record) }
                for record in records.reversed() { try writer.put(record) }
            }
            #expect(try await store.read { try $0.records(entity: "Thing__c", after: nil, limit: 10) } == records)
        },
        StoreCheck(name: "a table gives every value back as it was") { store in
            let values: [[String: FieldValue]] = [
                ["Text": .string(""), "Whole": .integer(.min), "Broken": .double(.greatestFiniteMagnitude)],
                [
                    "Text": .string("e\u{301} é \u{0} 漢字 🚲"), "Whole": .integer(.max),
                    "Broken": .double(.leastNonzeroMagnitude),
                ],
                ["Broken": .double(0.1 + 0.2), "Flag": .boolean(true), "Owner": .string("005000000000001AAA")],
                ["Broken": .double(1e300), "Flag": .boolean(false), "Day": .date(milliseconds: -86_400_000)],
                ["Broken": .double(3), "Instant": .dateTime(milliseconds: -1), "Clock": .time(milliseconds: 1)],
                ["Broken": .double(-.infinity), "Whole": .integer(9_007_199_254_740_993)],
                // What the columns cannot hold stands beside them.
                ["Broken": .double(-0.0)], ["Broken": .integer(3)], ["Text": .list(["a", "b"])],
                ["Whole": .double(2.5)], ["Unknown__c": .string("kept")], ["IsDeleted": .boolean(true)],
            ]
            let records = values.enumerated().map { number, values in
                thing(number, empty.merging(values) { _, new in new })
            }
            try await store.write { writer in
                try writer.define(.typed)
                for record in records { try writer.put(record) }
            }
            #expect(try await store.read { try $0.records(entity: "Thing__c", after: nil, limit: 100) } == records)
            let nan = thing(99, empty.merging(["Broken": .double(.nan)]) { _, new in new })
            let found = try await store.write { writer in
                try writer.put(nan)
                return try writer.record(entity: "Thing__c", id: nan.image.id)
            }
            guard case .double(let number)? = found?.image.fields["Broken"] else {
                Issue.record("no number came back")
                return
            }
            #expect(number.isNaN)
        },
        StoreCheck(name: "a table keeps what is not known of a partial record apart from what is empty") { store in
            let partial = thing(1, ["Text": .string("x"), "Flag": .null], isComplete: false)
            try await store.write { writer in
                try writer.define(.typed)
                try writer.put(partial)
            }
            #expect(try await store.read { try $0.record(entity: "Thing__c", id: partial.image.id) } == partial)
            let complete = thing(1, empty.merging(["Text": .string("y")]) { _, new in new })
            try await store.write { try $0.put(complete) }
            #expect(try await store.read { try $0.record(entity: "Thing__c", id: complete.image.id) } == complete)
        },
        StoreCheck(name: "updates change indexed columns in every combination") { store in
            try await store.write { try $0.define(.typed) }
            for mask in 0..<8 {
                var fields = empty
                if mask & 1 != 0 { fields["Owner"] = .string("o\(mask)") }
                if mask & 2 != 0 { fields["Whole"] = .integer(Int64(mask)) }
                if mask & 4 != 0 { fields["Instant"] = .dateTime(milliseconds: Int64(mask)) }
                fields["Text"] = .string("\(mask)")
                let record = thing(1, fields)
                try await store.write { try $0.put(record) }
                #expect(try await store.read { try $0.record(entity: "Thing__c", id: record.image.id) } == record)
                let found = try await store.read {
                    try $0.records(entity: "Thing__c", where: "Whole", is: .integer(Int64(mask)), limit: 5)
                }
                #expect(found == (mask & 2 != 0 ? [record] : []))
            }
        },
        StoreCheck(name: "records are found by a field: texts without case, ids with it") { store in
            try await store.write { writer in
                try writer.define(.typed)
                for (number, text) in ["Straße", "STRASSE", "straße", "Äpfel", "äpfel"].enumerated() {
                    let fields: [String: FieldValue] = ["Text": .string(text), "Owner": .string(text)]
                    try writer.put(thing(number, empty.merging(fields) { _, new in new }))
                }
            }
            @Sendable func count(_ field: String, _ value: String, _ limit: Int = 10) async throws -> Int {
                try await store.read {
                    try $0.records(entity: "Thing__c", where: field, is: .string(value), limit: limit).count
                }
            }
            #expect(try await count("Text", "STRAßE") == 2)
            #expect(try await count("Text", "ÄPFEL") == 2)
            #expect(try await count("Text", "äpfel", 1) == 1)
            #expect(try await count("Owner", "äpfel") == 1)
            #expect(try await count("Text", "pfel") == 0)
            #expect(try await count("Nothing", "äpfel") == 0)
        },
        StoreCheck(name: "records without a table are found by a field as well") { store in
            try await store.write { writer in
                for number in 1...3 { try writer.put(.test(number, status: number == 2 ? "CLOSED" : "New")) }
            }
            let found = try await store.read {
                try $0.records(entity: "Case", where: "Status", is: .string("closed"), limit: 9)
            }
            #expect(found == [.test(2, status: "CLOSED")])
        },
    ]

    private static let definingChecks: [StoreCheck] = [
        StoreCheck(name: "records move into the table that their object is given") { store in
            let records = (1...1_200).map { StoredRecord.test($0) }
            try await store.write { writer in
                for record in records { try writer.put(record) }
            }
            try await store.write { try $0.define(.testCase) }
            #expect(try await store.read { try $0.records(entity: "Case", after: nil, limit: 2_000) } == records)
            let found = try await store.read {
                try $0.records(entity: "Case", where: "Status", is: .string("new"), limit: 5_000).count
            }
            #expect(found == 1_200)
        },
        StoreCheck(name: "a table gains, loses and changes columns") { store in
            try await store.write { writer in
                try writer.define(.testCase)
                try writer.put(.test(1))
            }
            var table = ObjectTable.testCase
            table.columns.append(.init("Extra__c", .double, isIndexed: true))
            let wider = table
            try await store.write { try $0.define(wider) }
            #expect(try await store.read { try $0.objectTable("Case") } == wider)
            var expected = StoredRecord.test(1)
            expected.image.fields["Extra__c"] = .null
            let nulled = expected
            #expect(try await store.read { try $0.record(entity: "Case", id: nulled.image.id) } == nulled)
            expected.image.fields["Extra__c"] = .double(1.5)
            let filled = expected
            try await store.write { try $0.put(filled) }

            table.columns.removeFirst()
            table.columns[0].isIndexed = true
            let narrower = table
            try await store.write { try $0.define(narrower) }
            expected.image.fields["Status"] = nil
            let without = expected
            #expect(try await store.read { try $0.record(entity: "Case", id: without.image.id) } == without)

            table.columns[0].type = .text
            let retyped = table
            try await store.write { try $0.define(retyped) }
            #expect(try await store.read { try $0.record(entity: "Case", id: without.image.id) } == without)
        },
        StoreCheck(name: "what a failed transaction defined is not there") { store in
            await #expect(throws: Deliberate.self) {
                try await store.write { writer in
                    try writer.define(.testCase)
                    try writer.put(.test(1))
                    throw Deliberate()
                }
            }
            #expect(try await store.read { try $0.objectTable("Case") } == nil)
            #expect(try await store.read { try $0.record(entity: "Case", id: .test("500", 1)) } == nil)
            try await store.write { try $0.put(.test(1)) }
            #expect(try await store.read { try $0.record(entity: "Case", id: .test("500", 1)) } == .test(1))
        },
        StoreCheck(name: "an object that is gone leaves no records") { store in
            try await store.write { writer in
                try writer.define(.testCase)
                try writer.put(.test(1))
            }
            try await store.write { try $0.undefine(entity: "Case") }
            #expect(try await store.read { try $0.records(entity: "Case", after: nil, limit: 1) } == [])
            #expect(try await store.read { try $0.objectTable("Case") } == nil)
            try await store.write { writer in
                try writer.define(.testCase)
                try writer.put(.test(2))
            }
            #expect(try await store.read { try $0.records(entity: "Case", after: nil, limit: 9) } == [.test(2)])
        },
        StoreCheck(name: "names that are no names never reach the database") { store in
            let names = ["a\"; DROP TABLE log; --", "1st", "", "Ünicode", "Id", "SFID", "Status"]
            for name in names {
                let table = ObjectTable(
                    entity: "Case", columns: [.init("Status", .text), .init(name, .text)])
                await #expect(throws: StoreError.self) { try await store.write { try $0.define(table) } }
            }
            let table = ObjectTable(entity: "Case\" --", columns: [])
            await #expect(throws: StoreError.self) { try await store.write { try $0.define(table) } }
            let made = try await store.read { try $0.objectTable("Case") }
            #expect(made == nil)
        },
    ]
}
