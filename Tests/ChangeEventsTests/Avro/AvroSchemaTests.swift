import ChangeEvents
import TestSupport
import Testing

struct AvroSchemaTests {
    private func canonical(_ json: String) throws -> String { try AvroSchema(json: json).canonicalForm }

    @Test func canonicalFormsDropWhatDoesNotMatter() throws {
        #expect(try canonical(#" "string" "#) == #""string""#)
        #expect(try canonical(#"{"type":"long","logicalType":"timestamp-millis"}"#) == #""long""#)
        #expect(
            try canonical(#"{"type":{"type":"array","items":{"type":"int"}}}"#) == #"{"type":"array","items":"int"}"#)
        #expect(
            try canonical(#"{"values":"bytes","type":"map","x":{"y":[1,2.5e3,true,false,null]}}"#)
                == #"{"type":"map","values":"bytes"}"#)
        #expect(
            try canonical(#"["null",{"size":16,"type":"fixed","name":"F","namespace":"a.b"}]"#)
                == #"["null",{"name":"a.b.F","type":"fixed","size":16}]"#)
        #expect(
            try canonical(#"{"type":"enum","symbols":["A","B"],"name":"E","doc":"d","aliases":["X"],"default":"B"}"#)
                == #"{"name":"E","type":"enum","symbols":["A","B"]}"#)
        #expect(
            try canonical(
                #"{"fields":[{"default":1,"type":"int","name":"a","doc":"é","order":"ignore","aliases":["b"]}],"name":"n.R","type":"record"}"#
            )
                == #"{"name":"n.R","type":"record","fields":[{"name":"a","type":"int"}]}"#)
    }

    @Test func namespacesAreInherited() throws {
        let json = #"""
            {"type":"record","name":"R","namespace":"a","fields":[
             {"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}},
             {"name":"n","type":{"type":"enum","name":"N","namespace":"","symbols":["X"]}},
             {"name":"s","type":{"type":"record","name":"b.S","fields":[{"name":"t","type":["null","S","a.E"]}]}},
             {"name":"again","type":["E","b.S","N"]},{"name":"r","type":["null","R"]}]}
            """#
        #expect(
            try canonical(json)
                == #"""
                {"name":"a.R","type":"record","fields":[{"name":"e","type":{"name":"a.E","type":"enum","symbols":["X"]}},
                {"name":"n","type":{"name":"N","type":"enum","symbols":["X"]}},
                {"name":"s","type":{"name":"b.S","type":"record","fields":[{"name":"t","type":["null","b.S","a.E"]}]}},
                {"name":"again","type":["a.E","b.S","N"]},{"name":"r","type":["null","a.R"]}]}
                """#.replacing("\n", with: ""))
    }

    @Test func theIdDependsOnTheCanonicalFormAlone() throws {
        let id = try AvroSchema(json: OwnSchemas.account).id.string
        #expect(id.utf8.count == 22)
        #expect(try AvroSchema(json: OwnSchemas.account.replacing("Data:Phone", with: "Data:Fax")).id.string == id)
        #expect(try AvroSchema(json: OwnSchemas.account.replacing("\"Phone\"", with: "\"Fone\"")).id.string != id)
        // The MD5 of "string" with its quotes, worked out with another program.
        #expect(try AvroSchema(json: "\"string\"").id.string == "CV1xzxJVa51eMwrVdbPfXQ")
    }

    @Test func defaultsAreValuesOfTheFieldsType() throws {
        let json = #"""
            {"type":"record","name":"R","fields":[
             {"name":"n","type":["null","R"],"default":null},{"name":"l","type":"long","default":9007199254740993},
             {"name":"b","type":"bytes","default":"\u00ff\u0000"},{"name":"m","type":{"type":"map","values":"double"},"default":{"k":1}},
             {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]},"default":"B"},
             {"name":"i","type":{"type":"record","name":"I","fields":[{"name":"x","type":"int","default":7},{"name":"y","type":"string"}]},
              "default":{"y":"why"}},
             {"name":"a","type":{"type":"array","items":"boolean"},"default":[true]},{"name":"f","type":{"type":"fixed","name":"F","size":2},"default":"ab"},
             {"name":"u","type":["string","null"],"default":"s"},{"name":"none","type":"int"}]}
            """#
        let schema = try AvroSchema(json: json)
        guard case .record(let record) = schema.types[schema.root] else { return #expect(Bool(false), "a record") }
        #expect(
            record.fields.map(\.defaultValue) == [
                .union(branch: 0, .null), .long(9_007_199_254_740_993), .bytes([0xFF, 0]),
                .map([.init(key: "k", value: .double(1))]),
                .enumeration(1), .record([.int(7), .string("why")]), .array([.boolean(true)]), .fixed([0x61, 0x62]),
                .union(branch: 0, .string("s")), nil,
            ])
    }

    @Test func aliasesAndDocsAreKept() throws {
        let schema = try AvroSchema(
            json:
                #"{"type":"record","name":"R","namespace":"n","aliases":["Old","x.Y"],"doc":"d","fields":[{"name":"f","type":"int","aliases":["g"],"doc":"e"}]}"#
        )
        guard case .record(let record) = schema.types[schema.root] else { return #expect(Bool(false), "a record") }
        #expect(record.aliases == ["n.Old", "x.Y"] && record.doc == "d")
        #expect(record.fields[0].aliases == ["g"] && record.fields[0].doc == "e")
    }

    @Test(arguments: [
        "", " ", "{", "nul", "null", "1", "\"unknown\"", "[]", "{}", #"{"type":1}"#, #"["int","int"]"#,
        #"["null",["int"]]"#,
        #"{"type":"record","name":"R"}"#, #"{"type":"record","fields":[]}"#,
        #"{"type":"record","name":"1R","fields":[]}"#,
        #"{"type":"record","name":"a..R","fields":[]}"#, #"{"type":"record","name":"R","fields":[{"name":"a"}]}"#,
        #"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
        #"{"type":"record","name":"R","fields":[{"name":"a","type":"Later"},{"name":"b","type":{"type":"enum","name":"Later","symbols":[]}}]}"#,
        #"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"enum","name":"R","symbols":["A"]}}]}"#,
        #"{"type":"enum","name":"E","symbols":["A","A"]}"#, #"{"type":"enum","name":"E","symbols":["A b"]}"#,
        #"{"type":"enum","name":"E"}"#,
        #"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#, #"{"type":"enum","name":"int","symbols":["A"]}"#,
        #"{"type":"fixed","name":"F"}"#, #"{"type":"fixed","name":"F","size":-1}"#,
        #"{"type":"fixed","name":"F","size":99999999999}"#,
        #"{"type":"fixed","name":"F","size":1.5}"#, #"{"type":"array"}"#, #"{"type":"map"}"#,
        #"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#,
        #"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":3000000000}]}"#,
        #"{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}"#,
        #"{"type":"int","type":"int"}"#, #"{"type":"int"} x"#, #"{"type":"int",}"#, #"{"type":"in\u00"}"#,
        #"{"type":"\ud800"}"#, #"{"type":"\ud800\u0041"}"#,
        "{\"type\":\"in\u{1}\"}", #"{"type":"\x"}"#, #"{"type":"fixed","name":"F","size":01}"#,
        #"{"type":"fixed","name":"F","size":1.}"#,
        #"{"type":"record","name":"R","aliases":"x","fields":[]}"#,
    ])
    func whatIsNoSchemaIsRefused(json: String) {
        let error = #expect(throws: AvroError.self) { try AvroSchema(json: json) }
        #expect(error?.code == .malformedSchema)
    }

    @Test func deepAndLargeSchemasAreRefused() {
        let deepArrays =
            String(repeating: #"{"type":"array","items":"#, count: 100) + "\"int\"" + String(repeating: "}", count: 100)
        let deepJSON = String(repeating: "[", count: 100_000)
        let large = "\"" + String(repeating: "x", count: 3 << 20) + "\""
        for json in [deepArrays, deepJSON, large] {
            let error = #expect(throws: AvroError.self) { try AvroSchema(json: json) }
            #expect(error?.code == .limitExceeded)
        }
    }

    /// Each level of such a default was tried as both records, at every level again: thirty of them took minutes.
    @Test func defaultsThatTakeTooLongAreRefused() throws {
        func schema(depth: Int, leaf: String) -> String {
            let value = String(repeating: #"{"f":"#, count: depth) + leaf + String(repeating: "}", count: depth)
            return #"""
                {"type":"record","name":"A","fields":[{"name":"f","type":["int","A",
                {"type":"record","name":"B","fields":[{"name":"f","type":["int","A","B"]}]}],"default":\#(value)}]}
                """#
        }
        let error = #expect(throws: AvroError.self) { try AvroSchema(json: schema(depth: 60, leaf: "true")) }
        #expect(error?.code == .limitExceeded)
        // One that fits is found at once.
        _ = try AvroSchema(json: schema(depth: 60, leaf: "1"))
    }

    @Test func mutatedSchemasNeverTrap() throws {
        let seed = freshSeed()
        print("mutatedSchemasNeverTrap: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let original = Array(OwnSchemas.account.utf8)
        var accepted = 0
        for _ in 0..<1500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0x20...0x7E, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(Array("{}[]\",:0".utf8).randomElement(using: &random) ?? 0x7B, at: place)
                }
            }
            do throws(AvroError) {
                _ = try EventSchema(json: String(decoding: bytes, as: UTF8.self))
                accepted += 1
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
        #expect(accepted > 0, "some mutations touch only names and docs")
    }
}
