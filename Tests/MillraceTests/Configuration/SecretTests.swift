import Testing

@testable import millrace

struct SecretTests {
    @Test(arguments: [
        ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a"), ("a", "a"), (" a ", " a "), ("a\nb\n", "a\nb"), ("\n", ""),
        ("", ""),
    ])
    func onlyLineBreaksAtTheEndAreNotPartOfIt(text: String, secret: String) {
        #expect(Secret(heldIn: text).reveal() == secret)
        #expect(Secret(heldIn: text).isEmpty == secret.isEmpty)
    }

    @Test func itIsNotPrinted() {
        #expect("\([Secret("hidden")])" == "[(secret)]")
    }
}
