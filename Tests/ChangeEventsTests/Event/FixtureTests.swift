import ChangeEvents
import Foundation
import NIOCore
import TestSupport
import Testing

/// Every captured schema and event of the reference.
@Suite(.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence)))
struct FixtureTests {
    @Test func schemaIdsAreThoseInTheIndex() throws {
        let index = try #require(Fixtures.folder).appendingPathComponent("schemas/index.json")
        let entries = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: index)) as? [[String: Any]])
        let schemas = try Fixtures.schemas()
        #expect(entries.count == schemas.count && entries.count >= 9)
        for entry in entries {
            let file = try #require(entry["file"] as? String)
            let schema = try #require(schemas.first { "schemas/" + $0.file == file })
            let compiled = try EventSchema(json: schema.json)
            #expect(compiled.id.string == entry["schema_id"] as? String)
            #expect(compiled.recordName == entry["record"] as? String)
            #expect(compiled.fields.count == entry["fields"] as? Int)
            #expect(try AvroSchema(json: schema.json).canonicalForm.utf8.count == entry["canonical_form_bytes"] as? Int)
            #expect(compiled.isChangeEvent == compiled.recordName.hasSuffix("ChangeEvent"))
        }
    }

    @Test func canonicalFormIsTheOneBesideTheSchema() throws {
        let expected = try Fixtures.text("schemas/CM_Test_Event_Two__e.canonical.json")
        let schema = try #require(try Fixtures.schemas().first { $0.file.hasPrefix("CM_Test_Event_Two__e") })
        #expect(try AvroSchema(json: schema.json).canonicalForm == expected.trimmingCharacters(in: .newlines))
    }

    @Test func everyEventDecodesToTheListedValues() throws {
        var decoded = 0
        for event in try Fixtures.events() {
            guard let schema = try Fixtures.schema(event.schemaID) else { continue }
            decoded += 1
            let expected = try #require(event.content["decoded_non_null"] as? [String: Any])
            var buffer = ByteBuffer()
            try schema.writeRawJSON(event.payload, into: &buffer)
            let raw = try object(ofJSON: String(buffer: buffer)).filter { !($0.value is NSNull) }
            #expect(NSDictionary(dictionary: raw) == NSDictionary(dictionary: expected), "\(event.testDescription)")

            let change = try schema.changeEvent(of: event.payload)
            #expect(change.changedFields == event.content["changed_field_names"] as? [String])
            #expect(change.header == (try ChangeEventHeader(prefixOf: event.payload)))
            #expect(change.header == (try schema.header(of: event.payload)))
        }
        #expect(decoded == 8)
    }

    @Test func everyEventIsEncodedToTheSameBytes() throws {
        var encoded = 0
        for event in try Fixtures.events() {
            guard let named = try Fixtures.schemas().first(where: { $0.idInName == event.schemaID }) else { continue }
            let avro = try AvroSchema(json: named.json)
            #expect(try avro.encode(avro.decode(event.payload)) == event.payload)
            let schema = try EventSchema(json: named.json)
            let change = try schema.changeEvent(of: event.payload)
            #expect(try schema.encode(header: change.header, values: change.values) == event.payload)
            encoded += 1
        }
        // All whose schema was captured with them.
        #expect(encoded == 8)
    }

    @Test func headersOfEventsWithoutASchemaAreRead() throws {
        var read = 0
        for event in try Fixtures.events() {
            guard let expected = event.content["decoded_header_only"] as? [String: Any] else { continue }
            read += 1
            let header = try ChangeEventHeader(prefixOf: event.payload)
            #expect(header.recordIDs == expected["recordIds"] as? [String])
            #expect(header.recordIDs.count == 20)
            #expect(header.changeType.rawValue == expected["changeType"] as? String)
            #expect(header.commitNumber == expected["commitNumber"] as? Int64)
            #expect(header.commitUser == expected["commitUser"] as? String)
            #expect(header.changedFields == expected["changedFields"] as? [String])
        }
        #expect(read == 2)
    }

    @Test func everyBitmapCaseGivesItsNamesAndBack() throws {
        let content = try object(ofJSON: try Fixtures.text("events/bitmaps.json"))
        let orders = try #require(content["orders"] as? [String: [String]])
        var checked = 0
        for entry in try #require(content["cases"] as? [[String: Any]]) {
            guard let names = entry["names"] as? [String], let bitmap = entry["bitmap"] as? [String] else { continue }
            let schema: EventSchema
            if let order = entry["order"] as? String {
                let nested = (entry["nested"] as? [String: String] ?? [:]).mapValues { orders[$0] ?? [] }
                schema = try Self.schema(fields: try #require(orders[order]), nested: nested)
            } else {
                let id = try #require(entry["schema"] as? String)
                schema = try #require(try Fixtures.schema(id == "any" ? "i8wgJwwM-AVcDbFkbRl5Nw" : id))
            }
            checked += 1
            #expect(try schema.names(ofBitmap: bitmap) == names)
            #expect(try schema.bitmap(ofNames: names.shuffled()) == bitmap)
        }
        #expect(checked == 10)
    }

    /// A change event schema with fields of these names.
    private static func schema(fields: [String], nested: [String: [String]]) throws -> EventSchema {
        let rest = fields.enumerated().dropFirst().map { index, name in
            guard let components = nested["\(index)"] else { return SchemaText.field(name, "\"string\"", "Data:Text") }
            let parts = components.map { SchemaText.field($0, "\"string\"", "") }.joined(separator: ",")
            return SchemaText.field(
                name, #"{"type":"record","name":"R\#(index)","fields":[\#(parts)]}"#, "Data:Address")
        }
        return try EventSchema(
            json:
                #"{"type":"record","name":"XChangeEvent","fields":[\#(([SchemaText.header] + rest).joined(separator: ","))]}"#
        )
    }

    @Test func updatesAreShownAsCometDShowsThem() throws {
        let schema = try #require(try Fixtures.schema("i8wgJwwM-AVcDbFkbRl5Nw"))
        let events = try Fixtures.events().filter { $0.schemaID == "i8wgJwwM-AVcDbFkbRl5Nw" }
        #expect(events.count == 3)
        #expect(
            try schema.json(of: events[0].payload).text == """
                {"ChangeEventHeader":{"entityName":"Account","recordIds":["001Dp00000JJkkHIAT"],"changeType":"UPDATE",\
                "changeOrigin":"com/salesforce/api/soap/66.0;client=SfdcInternalAPI/",\
                "transactionKey":"00003adb-6942-447e-6033-9e8fe741230f","sequenceNumber":1,\
                "commitTimestamp":1771300995000,"commitNumber":12279648331300,"commitUser":"005Dp000000PpjsIAC",\
                "changedFields":["LastModifiedDate","ShippingAddress.Street"]},\
                "ShippingAddress":{"Street":"101 California St"},"LastModifiedDate":"2026-02-17T04:03:15.000Z"}
                """)
        #expect(
            try schema.json(of: events[1].payload).text.hasSuffix(
                #""changedFields":["ShippingAddress.Latitude","ShippingAddress.Longitude"]},"ShippingAddress":{"Latitude":37.793113,"Longitude":-122.398524}}"#
            ))
        #expect(
            try schema.json(of: events[2].payload).text.hasSuffix(
                #""changedFields":["LastModifiedDate","Amount_Owed__c"]},"LastModifiedDate":"2026-02-17T01:29:32.000Z","Amount_Owed__c":3233.0}"#
            ))
        #expect(
            try schema.changeEvent(of: events[0].payload).values == [
                "ShippingStreet": .string("101 California St"),
                "LastModifiedDate": .dateTime(milliseconds: 1_771_300_995_000),
            ])
    }

    @Test func createsHoldOnlyWhatIsNotEmpty() throws {
        let event = try #require(try Fixtures.events().first { $0.schemaID == "4egfTTaxua4Y39nYlBXfNg" })
        let schema = try #require(try Fixtures.schema(event.schemaID))
        let json = try schema.json(of: event.payload).object
        #expect(json["Name"] as? String == "Bulk Acc1")
        #expect(json["BillingAddress"] as? [String: String] == ["Country": "United States", "CountryCode": "US"])
        #expect(json["Some_Check_Box__c"] as? Bool == true)
        #expect(json["Fax"] == nil && json["PersonMailingAddress"] == nil)
        #expect(json.count == 15)
        let change = try schema.changeEvent(of: event.payload)
        #expect(change.values["BillingCountryCode"] == .string("US"))
        #expect(change.values["BillingStreet"] == .null)
        #expect(change.values["PersonMailingCity"] == .null)
        #expect(change.values["Some_Geolocation__Latitude__s"] == .null)
        #expect(change.values["Name"] == .string("Bulk Acc1"))
        #expect(change.values["LastName"] == .null)
        #expect(change.enrichedFields.isEmpty)
    }

    @Test func recordIdsOfTheFixturesHaveTheirChecksum() throws {
        var seen: Set<String> = []
        for event in try Fixtures.events() {
            let header = try ChangeEventHeader(prefixOf: event.payload)
            for id in header.recordIDs + [header.commitUser] {
                #expect(RecordID(id)?.string == id)
                #expect(RecordID(id.prefix(15))?.string == id)
                seen.insert(id)
            }
            if let hex = event.content["replay_id_hex"] as? String {
                let bytes = try #require(ByteBuffer(hex: hex)).readableBytesView
                let replayID = ReplayID(bytes: bytes)
                let counter = try #require(replayID.counter)
                #expect(ReplayID(counter: counter) == replayID && ReplayID(replayID.description) == replayID)
            }
        }
        #expect(seen.count > 20)
    }
}
