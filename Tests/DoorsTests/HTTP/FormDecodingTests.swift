import Testing

@testable import Doors

@Suite struct FormDecodingTests {
    @Test func decodesPairs() throws {
        let parameters = try #require(FormDecoding.parameters("a=1&b=x+y%2Bz&empty=&bare&%C3%A4=%E2%82%AC&a=2"))
        #expect(parameters.map(\.name) == ["a", "b", "empty", "bare", "ä", "a"])
        #expect(parameters.map(\.value) == ["1", "x y+z", "", "", "€", "2"])
    }

    @Test func valueMayHoldTheSeparator() throws {
        let parameters = try #require(FormDecoding.parameters("assertion=abc=="))
        #expect(parameters.first?.value == "abc==")
    }

    @Test(arguments: ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%C3"])
    func brokenEscapesAreRefused(text: String) {
        #expect(FormDecoding.parameters(text) == nil)
    }

    @Test func plusIsASpaceOnlyInForms() {
        #expect(FormDecoding.decode("a+b", plusIsSpace: false) == "a+b")
        #expect(FormDecoding.decode("a+b", plusIsSpace: true) == "a b")
    }
}
