import ChangeEvents
import TestSupport
import Testing

struct BitmapTests {
    let account: EventSchema

    init() throws { account = try EventSchema(json: OwnSchemas.account) }

    @Test func simpleFieldsComeBeforeComponents() throws {
        #expect(try account.names(ofBitmap: []) == [])
        #expect(
            try account.names(ofBitmap: ["0x4004", "3-0x03"])
                == ["Phone", "LastModifiedDate", "BillingAddress.Street", "BillingAddress.City"])
        #expect(
            try account.bitmap(ofNames: ["BillingAddress.City", "LastModifiedDate", "Phone", "BillingAddress.Street"])
                == ["0x4004", "3-0x03"])
    }

    @Test func trap1TheTopLevelElementMayBeAbsent() throws {
        #expect(try account.names(ofBitmap: ["4-0x0C"]) == ["ShippingAddress.Latitude", "ShippingAddress.Longitude"])
        #expect(try account.bitmap(ofNames: ["ShippingAddress.Longitude", "ShippingAddress.Latitude"]) == ["4-0x0C"])
        #expect(try account.bitmap(ofNames: [String]()) == [])
    }

    @Test func severalCompoundsStandInSchemaOrder() throws {
        let names = ["Name.LastName", "BillingAddress.City", "Site_Location__c.Latitude"]
        #expect(try account.bitmap(ofNames: names.reversed()) == ["1-0x04", "3-0x02", "11-0x01"])
        #expect(try account.names(ofBitmap: ["11-0x01", "3-0x02", "1-0x04"]) == names)
    }

    @Test func flatNamesAreTakenToo() throws {
        #expect(
            try account.bitmap(ofNames: ["BillingStreet", "FirstName", "Site_Location__Longitude__s"])
                == ["1-0x02", "3-0x01", "11-0x02"])
        #expect(try account.bitmap(ofNames: ["Name"]) == ["0x02"])
    }

    @Test(arguments: [0, 1, 7, 8, 62, 63, 64, 65, 127, 128, 511, 512, 1000])
    func trap1BitmapsHaveAnyLength(index: Int) throws {
        let fields = (1...1000).map { SchemaText.field("F\($0)", "\"string\"", "") }.joined(separator: ",")
        let schema = try EventSchema(json: #"{"type":"record","name":"X","fields":[\#(SchemaText.header),\#(fields)]}"#)
        let name = index == 0 ? "ChangeEventHeader" : "F\(index)"
        let bitmap = try schema.bitmap(ofNames: [name])
        #expect(bitmap.count == 1 && bitmap[0].utf8.count == 2 + 2 * (index / 8 + 1))
        #expect(try schema.names(ofBitmap: bitmap) == [name])
        #expect(try schema.names(ofBitmap: ["0x0000" + bitmap[0].dropFirst(2).lowercased()]) == [name])
    }

    @Test func everySetOfNamesSurvives() throws {
        let seed = freshSeed()
        var random = SeededRandom(seed: seed)
        let names = account.fields.flatMap { field in [field.name] + field.components.map { "\(field.name).\($0)" } }
        for _ in 0..<500 {
            let chosen = names.filter { _ in Bool.random(using: &random) }
            let bitmap = try account.bitmap(ofNames: chosen.shuffled(using: &random))
            #expect(Set(try account.names(ofBitmap: bitmap)) == Set(chosen), "seed \(seed)")
            #expect(try account.bitmap(ofNames: try account.names(ofBitmap: bitmap)) == bitmap, "seed \(seed)")
        }
    }

    @Test(arguments: [
        "0x8000", "0x010000000000000000000000", "3-0x10", "2-0x01", "0-0x01", "15-0x01", "99999999999999999999-0x01",
        "999999-0x01",
    ])
    func bitsBeyondTheSchemaAreAnError(element: String) {
        let error = #expect(throws: AvroError.self) { try account.names(ofBitmap: ["0x02", element]) }
        #expect(error?.code == .malformedBitmap && error?.path == "bitmap[1]")
    }

    @Test(arguments: [
        "", "0", "0x", "x", "02", "0xG0", "3-", "3-0x", "3-01", "3", "-0x01", "3--0x01", " 0x02", "0x02 ", "0x-1", "é",
    ])
    func otherNotationsAreAnError(element: String) {
        let error = #expect(throws: AvroError.self) { try account.names(ofBitmap: [element]) }
        #expect(error?.code == .malformedBitmap)
    }

    @Test func unknownNamesAreAnError() {
        let error = #expect(throws: AvroError.self) { try account.bitmap(ofNames: ["Phone", "Nope__c"]) }
        #expect(error?.path == "Nope__c")
    }
}
