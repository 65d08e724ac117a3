import CPushLoop
import Foundation

/// Finds the address that a host's name stands for and that something listens at. Blocks the calling thread, for
/// `timeout` at most for each address: it is asked once, before anything else happens.
enum PushTarget {
    struct Failure: Error, Hashable {
        var message: String
    }

    private static let addressesMax: CInt = 8
    /// INET6_ADDRSTRLEN, and a zone.
    private static let textBytes = 128

    /// In numbers. `localhost` is two addresses, and a gateway may listen at one of them only.
    static func find(_ address: PushAddress, timeout: Duration) throws(Failure) -> String {
        var refusal: CInt = 0
        var candidate: CInt = 0
        while candidate < addressesMax {
            var text = [CChar](repeating: 0, count: textBytes)
            let status = pushloop_resolve(address.host, candidate, &text, textBytes)
            if status != 0, candidate == 0 {
                throw Failure(message: "\(address.host) has no address: \(String(cString: gai_strerror(status)))")
            }
            guard status == 0 else { break }
            let numbers = text.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            let result = connect(numbers, address.port, timeout: timeout)
            if result == 0 { return numbers }
            refusal = result
            candidate += 1
        }
        throw Failure(message: "nothing listens at \(address.authority): \(String(cString: strerror(refusal)))")
    }

    /// Connects, and ends the connection at once; 0 or an errno.
    private static func connect(_ host: String, _ port: UInt16, timeout: Duration) -> CInt {
        let descriptor = pushloop_connect(host, port, nil)
        guard descriptor >= 0 else { return -descriptor }
        defer { _ = pushloop_close(descriptor) }
        let poller = pushloop_poller_create()
        guard poller >= 0 else { return -poller }
        defer { _ = pushloop_close(poller) }
        let added = pushloop_poller_add(poller, descriptor, PUSHLOOP_WRITABLE, 0)
        guard added >= 0 else { return -added }
        var event = pushloop_event()
        let milliseconds = CInt(clamping: timeout.microseconds / 1_000)
        let count = pushloop_poller_wait(poller, &event, 1, milliseconds)
        guard count > 0 else { return count == 0 ? ETIMEDOUT : -count }
        return -pushloop_connect_result(descriptor)
    }
}
