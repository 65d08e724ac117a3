import ChangeEvents
import Foundation
import NIOCore
import TestSupport
import Testing

/// Bytes that no honest sender makes. Each must give an error with its place, in bounded time, and never a trap.
struct HostilePayloadTests {
    private func failure(_ json: String, _ hex: String) throws -> AvroError? {
        let payload = try #require(ByteBuffer(hex: hex))
        let schema = try AvroSchema(json: json)
        let error = #expect(throws: AvroError.self, "\(json) \(hex)") { try schema.decode(payload) }
        guard case .record = schema.types[schema.root] else { return error }
        // The compiled way finds the same fault at the same place.
        let event = try EventSchema(json: json)
        var buffer = ByteBuffer(string: "kept")
        let written = #expect(throws: AvroError.self) { try event.writeRawJSON(payload, into: &buffer) }
        let shown = #expect(throws: AvroError.self) { try event.writeJSON(payload, mask: .all, into: &buffer) }
        #expect(buffer == ByteBuffer(string: "kept"))
        #expect(written?.offset == error?.offset && written?.path == error?.path && written?.message == error?.message)
        #expect(shown?.path == error?.path)
        return error
    }

    private func record(_ type: String) -> String {
        #"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":\#(type)}]}"#
    }

    @Test(arguments: [
        ("\"string\"", "0202", 1), ("\"string\"", "02", 1), ("\"string\"", "0201", 1),
        ("\"string\"", "02feffffffffffffffff01", 1),
        ("\"string\"", "028080808080808080804061", 1), ("\"bytes\"", "0203", 1), ("\"string\"", "0202ff", 1),
        ("\"string\"", "0204c328", 1),
        ("\"string\"", "0206eda080", 1), ("\"boolean\"", "0202", 1), ("\"double\"", "0200000000000000", 1),
        ("\"float\"", "02000000", 1),
        ("\"int\"", "02feffffffff01", 1), ("\"int\"", "028000", 1), ("\"long\"", "02ffffffffffffffffff02", 1),
        ("\"long\"", "0280808080808080808080808001", 1), ("\"long\"", "0280", 2), (#"["null","int"]"#, "0204", 1),
        (#"["null","int"]"#, "0201", 1),
        (#"["null","int","string"]"#, "0206", 1), (#"{"type":"enum","name":"E","symbols":["A"]}"#, "0202", 1),
        (#"{"type":"enum","name":"E","symbols":["A"]}"#, "0201", 1),
        (#"{"type":"fixed","name":"F","size":4}"#, "02000000", 1),
        (#"{"type":"fixed","name":"F","size":2000000000}"#, "02000000", 1),
    ])
    func badValuesGiveTheirPlaceAndPath(type: String, hex: String, offset: Int) throws {
        let error = try failure(record(type), hex)
        #expect(error?.offset == offset && error?.path == "b" && error?.code == .malformedPayload)
    }

    @Test func bytesBehindTheValueAreAnError() throws {
        let error = try failure(record("\"int\""), "020400")
        #expect(error?.offset == 2 && error?.path == nil)
    }

    @Test(arguments: [
        "02feffffffffffffffff01", "02808080808080808001", "02ffffffffffffffffff01", "02ffffffffffffffffff0101",
        "020a0200", "02010206", "020102feffffffffffffffff01",
    ])
    func countsThatCannotBeAreAnError(hex: String) throws {
        for type in [
            #"{"type":"array","items":"string"}"#, #"{"type":"map","values":"long"}"#,
            #"{"type":"array","items":{"type":"array","items":"double"}}"#,
        ] {
            let error = try failure(record(type), hex)
            #expect(error?.path?.hasPrefix("b") == true && error?.offset != nil)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func itemsWithoutBytesAreBounded() throws {
        let empty = #"{"type":"record","name":"E","fields":[]}"#
        for items in ["\"null\"", empty, #"{"type":"fixed","name":"F","size":0}"#] {
            let error = try failure(record(#"{"type":"array","items":\#(items)}"#), "02feffffffffffffffff01")
            #expect(error?.code == .limitExceeded && error?.path?.hasPrefix("b[") == true)
        }
        let schema = try AvroSchema(json: #"{"type":"array","items":"null"}"#)
        #expect(
            try schema.decode(try #require(ByteBuffer(hex: "d00f00"))) == .array(.init(repeating: .null, count: 1000)))
    }

    @Test(.timeLimit(.minutes(5)))
    func recursionIsBounded() throws {
        let list = #"{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}"#
        #expect(try failure(list, String(repeating: "02", count: 1_000_000) + "00")?.code == .limitExceeded)
        let endless = #"{"type":"record","name":"R","fields":[{"name":"self","type":"R"}]}"#
        #expect(try failure(endless, "")?.code == .limitExceeded)
        let nested = #"{"type":"record","name":"R","fields":[{"name":"items","type":{"type":"array","items":"R"}}]}"#
        #expect(try failure(nested, String(repeating: "02", count: 100_000))?.code == .limitExceeded)
        // 2^40 records without a byte of payload.
        var doubling = "\"null\""
        for level in 0..<40 {
            doubling =
                #"{"type":"record","name":"D\#(level)","fields":[{"name":"a","type":\#(doubling)},{"name":"b","type":"\#(level == 0 ? "null" : "D\(level - 1)")"}]}"#
        }
        #expect(try failure(doubling, "")?.code == .limitExceeded)
    }

    #if os(Linux)
        /// What a payload claims costs no memory: the process grows by far less than what is claimed.
        @Test func memoryIsBoundedByThePayload() throws {
            let text = record("\"string\""), bytes = record("\"bytes\"")
            let arrays = record(#"{"type":"array","items":"string"}"#),
                maps = record(#"{"type":"map","values":"long"}"#)
            let numbers = record(#"{"type":"array","items":{"type":"array","items":"double"}}"#)
            let nothing = record(#"{"type":"array","items":"null"}"#)
            let fixed = record(#"{"type":"fixed","name":"F","size":2000000000}"#)
            let list = #"{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}"#
            // 2^62, as a length, a count, and a count whose block says its size.
            let huge = "808080808080808080" + "01"
            let cases = [
                (text, "02" + huge), (bytes, "02" + huge), (arrays, "02" + huge), (maps, "02" + huge),
                (numbers, "02" + huge),
                (nothing, "02" + huge), (fixed, "02" + huge), (arrays, "02ffffffffffffffff7f" + huge),
                (numbers, "02" + String(repeating: "feffffff0f", count: 1000)),
                (list, String(repeating: "02", count: 1_000_000) + "00"),
            ]
            for (schema, hex) in cases { _ = try failure(schema, hex) }
            let enough = 32 << 20
            var (before, grown) = (0, Int.max)
            // Once more where something else in the process has taken memory meanwhile.
            for _ in 0..<3 where grown >= enough {
                before = try Self.peakBytes(reset: true)
                for (schema, hex) in cases { #expect(try failure(schema, hex) != nil, "\(schema)") }
                grown = try Self.peakBytes(reset: false) - before
            }
            #expect(grown < enough, "\(grown) bytes")
            // The measure sees what it should.
            let block = [UInt8](repeating: 1, count: 64 << 20)
            #expect(try Self.peakBytes(reset: false) - before > block.count / 2)
        }

        /// The most memory that the process has had resident; `reset` begins to count anew from what it has now.
        private static func peakBytes(reset: Bool) throws -> Int {
            if reset { try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8) }
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
            return try #require(
                line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }) * 1024
        }
    #endif

    @Test func theHeaderNamesItsFields() throws {
        let schema = try EventSchema(json: OwnSchemas.account)
        let header = ChangeEventHeader(
            entityName: "Account", recordIDs: ["A", "B"], changeType: .update, changeOrigin: "", transactionKey: "",
            sequenceNumber: 1,
            commitTimestamp: 1, commitNumber: 1, commitUser: "", changedFields: ["0x04"])
        let payload = try schema.encode(header: header, values: ["Phone": .string("1")])
        var bytes = Array(payload.readableBytesView)
        // entityName (8), the count of ids (1), "A" (2), "B": its letter
        bytes[12] = 0xFF
        #expect(throws: AvroError.self) { try schema.header(of: ByteBuffer(bytes: bytes)) }
        do {
            _ = try schema.changeEvent(of: ByteBuffer(bytes: bytes))
        } catch {
            #expect(error.path == "ChangeEventHeader.recordIds[1]" && error.offset == 11)
            #expect("\(error)" == "a string is not UTF-8 at ChangeEventHeader.recordIds[1] (byte 11)")
        }
        #expect(throws: AvroError.self) { try ChangeEventHeader(prefixOf: ByteBuffer(bytes: bytes)) }

        bytes = Array(payload.readableBytesView)
        let bitmap = try #require(bytes.indices.dropLast(4).first { Array(bytes[$0..<$0 + 4]) == Array("0x04".utf8) })
        bytes[bitmap + 2] = UInt8(ascii: "Z")
        var buffer = ByteBuffer()
        let error = #expect(throws: AvroError.self) {
            try schema.writeJSON(ByteBuffer(bytes: bytes), mask: .all, into: &buffer)
        }
        #expect(
            error?.code == .malformedBitmap && error?.path == "ChangeEventHeader.changedFields[0]"
                && error?.offset == bitmap - 1)
    }

    @Test func everyTruncationIsAnError() throws {
        let schema = try EventSchema(json: OwnSchemas.account)
        let payload = try Self.valid(schema)
        for length in 0..<payload.readableBytes {
            let cut = try #require(payload.getSlice(at: 0, length: length))
            var buffer = ByteBuffer()
            let error = #expect(throws: AvroError.self) { try schema.writeJSON(cut, mask: .all, into: &buffer) }
            #expect(error?.path != nil && error.flatMap(\.offset).map { $0 <= length } == true)
            #expect(buffer.readableBytes == 0)
            #expect(throws: AvroError.self) { try schema.changeEvent(of: cut) }
        }
    }

    private static func valid(_ schema: EventSchema) throws -> ByteBuffer {
        let header = ChangeEventHeader(
            entityName: "Account", recordIDs: ["001xx000003DGb2AAG", "001xx000003DGb3AAG"], changeType: .update,
            changeOrigin: "com/x",
            transactionKey: "00003adb-6942-447e-6033-9e8fe741230f", sequenceNumber: 1,
            commitTimestamp: 1_771_300_995_000,
            commitNumber: 12_279_648_331_300, commitUser: "005xx000001X8UzAAK",
            nulledFields: try schema.bitmap(ofNames: ["AnnualRevenue"]),
            diffFields: try schema.bitmap(ofNames: ["Description"]),
            changedFields: try schema.bitmap(ofNames: [
                "Phone", "AnnualRevenue", "BillingStreet", "Description", "Preferences",
            ]))
        return try schema.encode(
            header: header,
            values: [
                "Phone": .string("+49"), "BillingStreet": .string("Straße"), "Description": .string("--- "),
                "Preferences": .list(["a"]),
                "NumberOfEmployees": .integer(5), "IsActive__c": .boolean(true), "LastName": .string("Ohm"),
                "CreatedDate": .integer(1),
            ])
    }

    /// Whatever the bytes are: the three readers agree on whether they are an event, what is written is JSON, and what
    /// was read can be written again.
    @Test(.timeLimit(.minutes(5)))
    func mutatedPayloadsNeverTrap() throws {
        let seed = freshSeed()
        print("mutatedPayloadsNeverTrap: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let schema = try EventSchema(json: OwnSchemas.account)
        let avro = try AvroSchema(json: OwnSchemas.account)
        let original = Array(try Self.valid(schema).readableBytesView)
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) { Self.mutate(&bytes, &random) }
            let payload = ByteBuffer(bytes: bytes)
            var buffer = ByteBuffer()
            do throws(AvroError) {
                try schema.writeJSON(payload, mask: .all, into: &buffer)
                accepted += 1
            } catch {
                #expect(buffer.readableBytes == 0 && error.offset != nil)
                #expect(throws: AvroError.self, "round \(round) of seed \(seed)") {
                    try schema.changeEvent(of: payload)
                }
                continue
            }
            #expect(try object(ofJSON: String(buffer: buffer)).count >= 1, "round \(round) of seed \(seed)")
            let change = try schema.changeEvent(of: payload)
            #expect(try schema.header(of: payload) == change.header)
            let value = try avro.decode(payload)
            let again = try avro.decode(try avro.encode(value))
            // As texts too, because a number that is none equals nothing.
            #expect(again == value || "\(again)" == "\(value)", "round \(round) of seed \(seed)")
        }
        #expect(accepted > 100, "mutations inside texts leave an event")
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 4: bytes.insert(contentsOf: [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], at: place)
        default: bytes.removeSubrange(place...)
        }
    }
}
