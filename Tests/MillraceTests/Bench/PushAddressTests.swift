import Testing

@testable import millrace

struct PushAddressTests {
    @Test(arguments: [
        ("ws://127.0.0.1:8080/push", "127.0.0.1", 8080, false, "/push", "127.0.0.1:8080"),
        ("wss://events.example.com/push", "events.example.com", 443, true, "/push", "events.example.com"),
        ("ws://localhost", "localhost", 80, false, "/push", "localhost"),
        ("WSS://a.example:444/behind/a/proxy?x=1", "a.example", 444, true, "/behind/a/proxy?x=1", "a.example:444"),
        ("ws://[::1]:8080/", "::1", 8080, false, "/push", "[::1]:8080"),
    ])
    func anAddressIsReadWithItsDefaults(
        text: String, host: String, port: UInt16, isTLS: Bool, target: String, authority: String
    ) throws {
        let address = try PushAddress(text)
        #expect(address.host == host && address.port == port && address.isTLS == isTLS)
        #expect(address.target == target && address.authority == authority)
    }

    @Test(arguments: [
        ("", "is no address"), ("events.example.com", "is no address"), ("ws://", "is no address"),
        ("http://127.0.0.1:8080/push", "http://"), ("ws://ada@127.0.0.1/push", "holds a user"),
        ("ws://127.0.0.1/push#x", "fragment"), ("ws://127.0.0.1:0/push", "port"), ("ws://127.0.0.1:65536/push", "port"),
    ])
    func whatIsNoAddressIsRefusedWithItsReason(text: String, reason: String) {
        let mistake = #expect(throws: PushAddress.Mistake.self) { try PushAddress(text) }
        #expect(mistake?.message.contains(reason) == true)
    }
}
