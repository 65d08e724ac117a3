import ChangeEvents
import Testing

@testable import Doors

@Suite struct ODataWriterTests {
    private func writer(_ names: [String]) -> ODataWriter {
        let type = ODataTranslationTests.type
        return ODataWriter(
            root: "http://h/", type: type, select: names.compactMap { type.property($0) }, isMinimal: true)
    }

    @Test func aRowHasTheBytesOfItsNames() {
        #expect(
            writer(["Name"]).rowBytes
                == #"{"@odata.id":"http://h/Thing('000000000000000000')","Name":null}"#.utf8.count)
        #expect(writer(["Id", "City"]).rowBytes == #"{"Id":"000000000000000000","City":null}"#.utf8.count)
    }

    @Test(arguments: [
        (0, "0"), (5, "5"), (-0.5, "-0.5"), (1_234_567.25, "1234567.25"), (1e15, "1000000000000000"),
        (1e16, "10000000000000000"), (-2.5e20, "-250000000000000000000"), (1.25e-5, "0.0000125"), (-1e-7, "-0.0000001"),
        (123_456_789_012_345_680, "123456789012345680"),
    ] as [(Double, String)])
    func aDecimalHasNoExponent(_ number: Double, _ text: String) {
        #expect(ODataWriter.json(.double(number), .decimal(precision: 18, scale: 2)) == .number(text))
        #expect(Double(text) == number)
    }

    @Test func whatIsEmptyIsNullOrFalse() {
        #expect(ODataWriter.json(.null, .text(lengthMax: 80)) == .null)
        #expect(ODataWriter.json(.string(""), .text(lengthMax: 80)) == .null)
        #expect(ODataWriter.json(.null, .boolean) == .boolean(false))
        #expect(ODataWriter.json(.double(.nan), .double) == .null)
    }
}
