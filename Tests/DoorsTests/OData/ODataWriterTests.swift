import ChangeEvents
import Testing

@testable import Doors

@Suite struct ODataWriterTests {
    private func writer(_ names: [String] = ["Id"], _ format: String = "") -> ODataWriter {
        let type = ODataTranslationTests.type
        return ODataWriter(
            root: "http://h/", type: type, select: names.compactMap { type.property($0) },
            format: ODataFormat(format))
    }

    @Test func aRowHasTheBytesOfItsNames() {
        #expect(
            writer(["Name"]).rowBytes
                == #"{"@odata.id":"http://h/Thing('000000000000000000')","Name":null}"#.utf8.count)
        #expect(writer(["Id", "City"]).rowBytes == #"{"Id":"000000000000000000","City":null}"#.utf8.count)
    }

    @Test(
        arguments: [
            (0, "0"), (5, "5"), (-0.5, "-0.5"), (1_234_567.25, "1234567.25"), (1e15, "1000000000000000"),
            (1e16, "10000000000000000"), (-2.5e20, "-250000000000000000000"), (1.25e-5, "0.0000125"),
            (-1e-7, "-0.0000001"),
            (123_456_789_012_345_680, "123456789012345680"),
        ] as [(Double, String)])
    func aDecimalHasNoExponent(_ number: Double, _ text: String) {
        let type = ODataType.decimal(precision: 18, scale: 2)
        #expect(writer().json(.double(number), type) == .number(text))
        #expect(writer(["Id"], "application/json;IEEE754Compatible=true").json(.double(number), type) == .string(text))
        #expect(Double(text) == number)
    }

    @Test(arguments: [
        ("", true, false), ("*/*", true, false), ("json", true, false), ("json;odata.metadata=none", false, false),
        ("application/json;odata.metadata=full;odata.streaming=true", true, false),
        ("application/json; odata.metadata=minimal; IEEE754Compatible=true", true, true),
        ("application/json;ieee754compatible=false", true, false),
        ("application/xml;odata.metadata=none, application/json, application/json;IEEE754Compatible=true", true, false),
    ])
    func theFirstJSONThatIsAcceptedSaysHow(_ types: String, _ isMinimal: Bool, _ hasDecimalsAsTexts: Bool) {
        let format = ODataFormat(types)
        #expect(format.isMinimal == isMinimal && format.hasDecimalsAsTexts == hasDecimalsAsTexts)
        #expect(ODataFormat(format.mediaType) == format)
    }

    @Test func countsAndDecimalsAreTextsWhereTheClientsNumbersAreDoubles() {
        let writer = writer(["Id", "Price", "Size"], "application/json;IEEE754Compatible=true;odata.metadata=none")
        let page = writer.page([[.string("a"), .double(1.5), .integer(7)]], count: 3, nextLink: nil)
        #expect(page.jsonText == #"{"@odata.count":"3","value":[{"Id":"a","Price":"1.5","Size":7}]}"#)
    }

    @Test func whatIsEmptyIsNullOrFalse() {
        #expect(writer().json(.null, .text(lengthMax: 80)) == .null)
        #expect(writer().json(.string(""), .text(lengthMax: 80)) == .null)
        #expect(writer().json(.null, .boolean) == .boolean(false))
        #expect(writer().json(.double(.nan), .double) == .null)
    }
}
