import ChangeEvents
import Foundation
import NIOCore
import Testing

/// Change events on a schema of our own.
struct EventSchemaTests {
    let account: EventSchema

    init() throws { account = try EventSchema(json: OwnSchemas.account) }

    private func header(
        _ type: ChangeType, changed: [String] = [], nulled: [String] = [], diff: [String] = []
    ) throws -> ChangeEventHeader {
        ChangeEventHeader(
            entityName: "Account", recordIDs: ["001xx000003DGb2AAG"], changeType: type,
            changeOrigin: "com/x;client=\"a\"",
            transactionKey: "0002-k", sequenceNumber: 7, commitTimestamp: 1_500_000_000_000,
            commitNumber: 9_007_199_254_740_993_123, commitUser: "005xx000001X8UzAAK",
            nulledFields: try account.bitmap(ofNames: nulled), diffFields: try account.bitmap(ofNames: diff),
            changedFields: try account.bitmap(ofNames: changed))
    }

    private static let full: [String: FieldValue] = [
        "Name": .string("Electric Motors"), "Phone": .string("+1 \"5\"\n"),
        "BillingStreet": .string("Läuferstraße 1 🚗"),
        "BillingLatitude": .double(48.5), "AnnualRevenue": .double(1e21), "NumberOfEmployees": .integer(-12),
        "Description": .string(""), "CreatedDate": .dateTime(milliseconds: 1_527_768_000_123),
        "SLAExpirationDate__c": .date(milliseconds: 1_653_955_200_000), "Opens__c": .time(milliseconds: 30_600_000),
        "Site_Location__Latitude__s": .double(-0.25), "IsActive__c": .boolean(true), "Preferences": .list(["a", "b"]),
        "LastModifiedDate": .dateTime(milliseconds: 0),
    ]

    @Test func fieldsKnowTheirFlatNames() throws {
        #expect(account.recordName == "AccountChangeEvent" && account.isChangeEvent)
        #expect(account.fields[1].flatNames == ["Salutation", "FirstName", "LastName", "Name"])
        #expect(account.fields[3].flatNames == ["BillingStreet", "BillingCity", "BillingLatitude", "BillingLongitude"])
        #expect(account.fields[9].kind == "Data:DateOnly" && account.fields[9].flatNames == ["SLAExpirationDate__c"])
        #expect(account.fields[11].flatNames == ["Site_Location__Latitude__s", "Site_Location__Longitude__s"])
        let lead = try EventSchema(json: OwnSchemas.lead)
        #expect(lead.fields[1].flatNames == ["FirstName", "LastName"])
        #expect(lead.fields[2].flatNames == ["Street", "City"])
        #expect(lead.fields[3].flatNames == ["PersonMailingStreet", "PersonMailingCity"])
        #expect(lead.fields[4].flatNames == ["Depot__Street__s", "Depot__City__s"])
    }

    @Test func createCarriesEveryFieldAndShowsTheFilledOnes() throws {
        let payload = try account.encode(header: try header(.create), values: Self.full)
        let change = try account.changeEvent(of: payload)
        for (name, value) in Self.full { #expect(change.values[name] == value, "\(name)") }
        #expect(change.values["BillingCity"] == .null && change.values["ShippingStreet"] == .null)
        #expect(change.values.count == 24 && change.enrichedFields.isEmpty)
        let json = try account.json(of: payload)
        #expect(
            json.text.hasSuffix(
                """
                "changedFields":[]},"Name":"Electric Motors","Phone":"+1 \\"5\\"\\n",\
                "BillingAddress":{"Street":"Läuferstraße 1 🚗","Latitude":48.5},"AnnualRevenue":1e+21,"NumberOfEmployees":-12,\
                "Description":"","CreatedDate":"2018-05-31T12:00:00.123Z","SLAExpirationDate__c":"2022-05-31",\
                "Opens__c":"08:30:00.000Z","Site_Location__c":{"Latitude":-0.25},"IsActive__c":true,"Preferences":["a","b"],\
                "LastModifiedDate":"1970-01-01T00:00:00.000Z"}
                """))
        #expect(json.text.contains("\"commitNumber\":9007199254740993123,"))
        #expect(
            json.text.hasPrefix(
                #"{"ChangeEventHeader":{"entityName":"Account","recordIds":["001xx000003DGb2AAG"],"changeType":"CREATE","changeOrigin":"com/x;client=\"a\"","transactionKey":"0002-k","sequenceNumber":7,"#
            ))
        #expect(!json.text.contains("nulledFields") && !json.text.contains("diffFields"))
    }

    @Test func updateShowsChangedNulledAndEnrichedFields() throws {
        let header = try header(
            .update,
            changed: ["Phone", "AnnualRevenue", "LastModifiedDate", "BillingAddress.City", "BillingAddress.Street"],
            nulled: ["AnnualRevenue", "BillingAddress.City"])
        let payload = try account.encode(
            header: header,
            values: [
                "Phone": .string("1"), "BillingStreet": .string("S"), "LastModifiedDate": .dateTime(milliseconds: 1000),
                "NumberOfEmployees": .integer(3),
            ])
        let change = try account.changeEvent(of: payload)
        #expect(
            change.changedFields == [
                "Phone", "AnnualRevenue", "LastModifiedDate", "BillingAddress.Street", "BillingAddress.City",
            ])
        #expect(change.nulledFields == ["AnnualRevenue", "BillingAddress.City"])
        #expect(
            change.values == [
                "Phone": .string("1"), "AnnualRevenue": .null, "LastModifiedDate": .dateTime(milliseconds: 1000),
                "BillingStreet": .string("S"), "BillingCity": .null, "NumberOfEmployees": .integer(3),
            ])
        #expect(change.enrichedFields == ["NumberOfEmployees"])
        #expect(
            try account.json(of: payload).text.hasSuffix(
                """
                "changedFields":["Phone","AnnualRevenue","LastModifiedDate","BillingAddress.Street","BillingAddress.City"]},\
                "Phone":"1","BillingAddress":{"Street":"S","City":null},"AnnualRevenue":null,"NumberOfEmployees":3,\
                "LastModifiedDate":"1970-01-01T00:00:01.000Z"}
                """))
    }

    @Test func aWhollyNulledCompoundIsAnObjectOfNulls() throws {
        let names = ["ShippingAddress.Street", "ShippingAddress.City"]
        let payload = try account.encode(header: try header(.update, changed: names, nulled: names), values: [:])
        #expect(
            try account.json(of: payload).object["ShippingAddress"] as? [String: NSNull] == [
                "Street": NSNull(), "City": NSNull(),
            ])
        #expect(try account.changeEvent(of: payload).values == ["ShippingStreet": .null, "ShippingCity": .null])
    }

    @Test func theBitOfAWholeCompoundMeansAllItsComponents() throws {
        let payload = try account.encode(
            header: try header(.update, changed: ["ShippingAddress"]), values: ["ShippingCity": .string("Ulm")])
        let change = try account.changeEvent(of: payload)
        #expect(change.changedFields == ["ShippingAddress"])
        #expect(
            change.values == [
                "ShippingStreet": .null, "ShippingCity": .string("Ulm"), "ShippingLatitude": .null,
                "ShippingLongitude": .null,
            ])
        let masked = try account.json(of: payload, mask: .init(flatNames: ["ShippingCity", "ShippingStreet"])).text
        #expect(
            masked.hasSuffix(
                #""changedFields":["ShippingAddress.Street","ShippingAddress.City"]},"ShippingAddress":{"Street":null,"City":"Ulm"}}"#
            ))
    }

    @Test func aNameIsAStringOrAPerson() throws {
        let business = try account.encode(
            header: try header(.update, changed: ["Name"]), values: ["Name": .string("B")])
        #expect(try account.changeEvent(of: business).values == ["Name": .string("B")])
        #expect(try account.json(of: business).object["Name"] as? String == "B")
        let person = try account.encode(
            header: try header(.update, changed: ["Name.FirstName", "Name.LastName"], nulled: ["Name.FirstName"]),
            values: ["LastName": .string("Ohm")])
        #expect(try account.changeEvent(of: person).values == ["FirstName": .null, "LastName": .string("Ohm")])
        #expect(try account.json(of: person).text.hasSuffix(#""Name":{"FirstName":null,"LastName":"Ohm"}}"#))
        let masked = try account.json(of: business, mask: .init(flatNames: ["LastName"])).text
        #expect(masked.hasSuffix(#""changedFields":[]}}"#))
    }

    @Test(arguments: [ChangeType.delete, .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow])
    func deletesAndGapsCarryOnlyEnrichedFields(type: ChangeType) throws {
        let empty = try account.encode(header: try header(type), values: [:])
        #expect(try account.changeEvent(of: empty).values.isEmpty)
        #expect(try account.json(of: empty).object.count == 1)
        let enriched = try account.encode(header: try header(type), values: ["Phone": .string("1")])
        #expect(try account.changeEvent(of: enriched).values == ["Phone": .string("1")])
        #expect(try account.changeEvent(of: enriched).enrichedFields == ["Phone"])
        #expect(try account.json(of: enriched).object["Phone"] as? String == "1")
    }

    @Test func aDiffIsShownAsSuch() throws {
        let header = try header(.update, changed: ["Description", "Phone"], diff: ["Description"])
        let payload = try account.encode(
            header: header, values: ["Description": .string("--- \n+++ x"), "Phone": .string("2")])
        #expect(try account.json(of: payload).text.hasSuffix(#""Phone":"2","Description":{"diff":"--- \n+++ x"}}"#))
        let change = try account.changeEvent(of: payload)
        #expect(change.diffFields == ["Description"] && change.values["Description"] == .string("--- \n+++ x"))
    }

    @Test func aMaskHidesFieldsComponentsAndTheirNames() throws {
        let header = try header(
            .update, changed: ["Phone", "BillingAddress.Street", "BillingAddress.City", "AnnualRevenue"])
        let payload = try account.encode(
            header: header,
            values: [
                "Phone": .string("1"), "BillingStreet": .string("S"), "BillingCity": .string("C"),
                "AnnualRevenue": .double(1),
            ])
        let mask = EventSchema.Mask(flatNames: ["BillingCity", "AnnualRevenue"])
        let expected =
            #""changedFields":["AnnualRevenue","BillingAddress.City"]},"BillingAddress":{"City":"C"},"AnnualRevenue":1.0}"#
        #expect(try account.json(of: payload, mask: mask).text.hasSuffix(expected))
        // The second use goes by what the mask remembers.
        #expect(try account.json(of: payload, mask: mask).text.hasSuffix(expected))
        let whole = try account.json(of: payload, mask: .init(flatNames: ["BillingAddress"])).text
        #expect(
            whole.hasSuffix(
                #""changedFields":["BillingAddress.Street","BillingAddress.City"]},"BillingAddress":{"Street":"S","City":"C"}}"#
            ))
        #expect(try account.json(of: payload, mask: .init(flatNames: [])).text.hasSuffix(#""changedFields":[]}}"#))
        #expect(EventSchema.Mask(flatNames: ["A"]) == EventSchema.Mask(flatNames: ["A"]))
        #expect(EventSchema.Mask(flatNames: nil) == .all)
        var changing = mask
        changing.flatNames = ["Phone"]
        #expect(
            try account.json(of: payload, mask: changing).text.hasSuffix(#""changedFields":["Phone"]},"Phone":"1"}"#))
    }

    @Test func recordIdsCanBeReplaced() throws {
        let payload = try account.encode(header: try header(.create), values: [:])
        let json = try account.json(of: payload, recordIDs: ["001A", "quoted\""]).object
        #expect((json["ChangeEventHeader"] as? [String: Any])?["recordIds"] as? [String] == ["001A", "quoted\""])
    }

    @Test func platformEventsShowEveryField() throws {
        let schema = try EventSchema(json: OwnSchemas.platformEvent)
        #expect(!schema.isChangeEvent)
        let payload = try schema.encode(values: [
            "CreatedDate": .dateTime(milliseconds: 1_491_762_700_517), "CreatedById": .string("005"),
            "Ink_Percentage__c": .double(0.2),
        ])
        #expect(
            try schema.json(of: payload).text
                == #"{"CreatedDate":"2017-04-09T18:31:40.517Z","CreatedById":"005","Printer_Model__c":null,"Ink_Percentage__c":0.2}"#
        )
        #expect(
            try schema.json(of: payload, mask: .init(flatNames: ["Ink_Percentage__c"])).text
                == #"{"Ink_Percentage__c":0.2}"#)
        #expect(try schema.json(of: payload, mask: .init(flatNames: [])).text == "{}")
        #expect(try schema.values(of: payload)["Printer_Model__c"] == .null)
        #expect(throws: AvroError.self) { try schema.header(of: payload) }
        let missing = #expect(throws: AvroError.self) { try schema.encode(values: ["CreatedDate": .integer(1)]) }
        #expect(missing?.path == "CreatedById" && missing?.code == .unencodableValue)
    }

    @Test func numbersWithoutAFiniteValueAreNull() throws {
        let payload = try account.encode(
            header: try header(.create),
            values: ["AnnualRevenue": .double(.nan), "BillingLatitude": .double(-.infinity)])
        let json = try account.json(of: payload).object
        #expect(json["AnnualRevenue"] is NSNull)
        #expect((json["BillingAddress"] as? [String: Any])?["Latitude"] is NSNull)
    }

    @Test func valuesThatDoNotFitAreNamed() throws {
        let wrong: [(String, FieldValue)] = [
            ("Phone", .integer(1)), ("NumberOfEmployees", .integer(1 << 40)), ("NumberOfEmployees", .double(1.5)),
            ("AnnualRevenue", .string("1")), ("IsActive__c", .string("true")), ("Preferences", .string("a")),
        ]
        for (name, value) in wrong {
            let error = #expect(throws: AvroError.self) {
                try account.encode(header: try header(.create), values: [name: value])
            }
            #expect(error?.path == name && error?.code == .unencodableValue)
        }
        let nested = #expect(throws: AvroError.self) {
            try account.encode(header: try header(.create), values: ["BillingCity": .boolean(true)])
        }
        #expect(nested?.path == "BillingAddress.City")
        var bad = try header(.update)
        bad.changedFields = ["0x8000"]
        #expect(throws: AvroError.self) { try account.encode(header: bad, values: [:]) }
    }

    @Test func numbersFitWhereTheyAreWhole() throws {
        let values: [String: FieldValue] = [
            "NumberOfEmployees": .double(4), "AnnualRevenue": .integer(5), "SLAExpirationDate__c": .integer(0),
        ]
        let change = try account.changeEvent(of: try account.encode(header: try header(.create), values: values))
        #expect(change.values["NumberOfEmployees"] == .integer(4))
        #expect(change.values["AnnualRevenue"] == .double(5))
        #expect(change.values["SLAExpirationDate__c"] == .date(milliseconds: 0))
    }

    @Test func aHeaderMayHaveMoreFieldsButNotFewer() throws {
        let more = OwnSchemas.account.replacingOccurrences(
            of: #"{"name":"changedFields","#,
            with: #"{"name":"replyTo","type":["null","string"],"default":null},{"name":"changedFields","#)
        let schema = try EventSchema(json: more)
        let payload = try schema.encode(
            header: try header(.update, changed: ["Phone"]), values: ["Phone": .string("1")])
        #expect(try schema.header(of: payload) == (try header(.update, changed: ["Phone"])))
        #expect(try schema.json(of: payload).text.contains(#""replyTo":null,"changedFields":["Phone"]"#))
        let fewer = OwnSchemas.account.replacingOccurrences(of: #"{"name":"commitNumber","type":"long"},"#, with: "")
        #expect(throws: AvroError.self) { try EventSchema(json: fewer) }
        let other = OwnSchemas.account.replacingOccurrences(
            of: #""commitNumber","type":"long""#, with: #""commitNumber","type":"string""#)
        let error = #expect(throws: AvroError.self) { try EventSchema(json: other) }
        #expect(error?.path == "ChangeEventHeader.commitNumber")
    }

    @Test func eventsFromManyThreadsAtOnceAreTheSame() async throws {
        let payload = try account.encode(header: try header(.create), values: Self.full)
        let mask = EventSchema.Mask(flatNames: ["Phone", "BillingStreet"])
        let expected = try account.json(of: payload, mask: mask).text
        let account = account
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try (0..<200).allSatisfy { _ in try account.json(of: payload, mask: mask).text == expected }
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
    }
}
