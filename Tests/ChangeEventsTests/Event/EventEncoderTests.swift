import ChangeEvents
import NIOCore
import TestSupport
import Testing

/// The short way of writing an event writes what the long one does.
struct EventEncoderTests {
    /// A list has no short way; without it every field of the schema has.
    private static let plainAccount = OwnSchemas.account.replacing(
        SchemaText.field("Preferences", #"{"type":"array","items":"string"}"#, "") + ",\n", with: "")

    private static let header = ChangeEventHeader(
        entityName: "Account", recordIDs: ["001xx000003DGb2AAG"], changeType: .create, changeOrigin: "o",
        transactionKey: "k", sequenceNumber: 1, commitTimestamp: 2, commitNumber: 3, commitUser: "u")

    private static let values: [RecordFields] = [
        [:],
        ["Name": .string("One text"), "LastName": .string("not shown")],
        ["FirstName": .string("A"), "LastName": .string("Läufer 🚗"), "Name": .null],
        ["BillingLatitude": .double(48.5), "BillingCity": .null, "Phone": .string("")],
        [
            "AnnualRevenue": .double(-0.0), "NumberOfEmployees": .integer(.init(Int32.min)),
            "IsActive__c": .boolean(false),
        ],
        [
            "CreatedDate": .dateTime(milliseconds: 1_527_768_000_123), "Opens__c": .time(milliseconds: 1),
            "SLAExpirationDate__c": .date(milliseconds: -86_400_000), "LastModifiedDate": .integer(7),
        ],
        // Numbers that fit although they are of another kind.
        ["NumberOfEmployees": .double(4), "AnnualRevenue": .integer(5)],
        ["Foreign__c": .string("no field of the schema")],
    ]

    @Test(arguments: [OwnSchemas.account, plainAccount])
    func bothWaysWriteTheSameBytes(json: String) throws {
        let schema = try EventSchema(json: json)
        let shapes = [
            RecordShape(schema.fields.flatMap(\.flatNames)),
            RecordShape(schema.fields.flatMap(\.flatNames).reversed() + ["Foreign__c"]), RecordShape(["Phone"]),
        ]
        for shape in shapes {
            let encoder = EventEncoder(schema: schema, shape: shape)
            for fields in Self.values {
                let short = try encoder.encode(header: Self.header, fields: fields.shaped(as: shape))
                #expect(short == (try schema.encode(header: Self.header, values: fields.dictionary)), "\(fields)")
                // Records of another shape are brought into this one.
                #expect(try encoder.encode(header: Self.header, fields: fields) == short)
            }
        }
    }

    @Test func theSchemaWithoutAListHasOneFieldLess() throws {
        let counts = try [OwnSchemas.account, Self.plainAccount].map { try EventSchema(json: $0).fields.count }
        #expect(counts[1] == counts[0] - 1)
    }

    @Test func whatDoesNotFitIsNamed() throws {
        let schema = try EventSchema(json: Self.plainAccount)
        let encoder = EventEncoder(schema: schema, shape: RecordShape(schema.fields.flatMap(\.flatNames)))
        for (name, value) in [
            ("Phone", FieldValue.integer(1)), ("NumberOfEmployees", .integer(1 << 40)),
            ("IsActive__c", .string("true")),
        ] {
            let error = #expect(throws: AvroError.self) {
                try encoder.encode(header: Self.header, fields: [name: value])
            }
            #expect(error?.path == name && error?.code == .unencodableValue)
        }
        var bad = Self.header
        bad.changedFields = ["0x8000000000"]
        #expect(throws: AvroError.self) { try encoder.encode(header: bad, fields: [:]) }
    }
}
