import ChangeEvents
import NIOCore
import Testing

/// The generic codec against bytes worked out by hand from Avro's specification.
struct AvroValueTests {
    private func check(_ json: String, _ value: AvroValue, _ hex: String) throws {
        let schema = try AvroSchema(json: json)
        #expect(try schema.encode(value).hex == hex, "\(json)")
        #expect(try schema.decode(try #require(ByteBuffer(hex: hex))) == value, "\(json)")
    }

    @Test func everyTypeIsEncodedAsSpecified() throws {
        try check("\"null\"", .null, "")
        try check("\"boolean\"", .boolean(true), "01")
        try check("\"int\"", .int(-64), "7f")
        try check("\"int\"", .int(64), "8001")
        try check("\"int\"", .int(.min), "ffffffff0f")
        try check("\"long\"", .long(.max), "feffffffffffffffff01")
        try check("\"long\"", .long(.min), "ffffffffffffffffff01")
        try check("\"float\"", .float(1.5), "0000c03f")
        try check("\"double\"", .double(-2), "00000000000000c0")
        try check("\"bytes\"", .bytes([0, 255]), "0400ff")
        try check("\"string\"", .string("fooé"), "0a666f6fc3a9")
        try check(#"{"type":"fixed","name":"F","size":2}"#, .fixed([1, 2]), "0102")
        try check(#"{"type":"enum","name":"E","symbols":["A","B"]}"#, .enumeration(1), "02")
        try check(#"{"type":"array","items":"long"}"#, .array([.long(3), .long(27)]), "04063600")
        try check(#"{"type":"array","items":"long"}"#, .array([]), "00")
        try check(#"{"type":"map","values":"int"}"#, .map([.init(key: "a", value: .int(1))]), "0202610200")
        try check(#"["null","string"]"#, .union(branch: 1, .string("a")), "020261")
        try check(
            #"{"type":"record","name":"R","fields":[{"name":"v","type":"long"},{"name":"next","type":["null","R"]}]}"#,
            .record([.long(1), .union(branch: 1, .record([.long(2), .union(branch: 0, .null)]))]), "02020400")
    }

    @Test func blocksWithASizeAreReadToo() throws {
        let schema = try AvroSchema(json: #"{"type":"array","items":"long"}"#)
        let value = AvroValue.array([.long(3), .long(27), .long(1)])
        #expect(try schema.decode(try #require(ByteBuffer(hex: "03040636020200"))) == value)
        let error = #expect(throws: AvroError.self) {
            try schema.decode(try #require(ByteBuffer(hex: "03060636020200")))
        }
        #expect(error?.offset == 4)
    }

    @Test func valuesOfAnotherTypeAreRefused() throws {
        let schema = try AvroSchema(
            json:
                #"{"type":"record","name":"R","fields":[{"name":"a","type":["null",{"type":"fixed","name":"F","size":2}]}]}"#
        )
        for value: AvroValue in [
            .null, .record([]), .record([.null]), .record([.union(branch: 2, .null)]),
            .record([.union(branch: 1, .fixed([1]))]),
            .record([.union(branch: -1, .null)]),
        ] {
            let error = #expect(throws: AvroError.self) { try schema.encode(value) }
            #expect(error?.code == .unencodableValue)
        }
    }
}
