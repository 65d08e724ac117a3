internal import NIOCore
internal import Synchronization

/// How many connections each subject or each address has, over all loops. Touched when a connection begins and ends, never per
/// event.
final class ConnectionRegister: Sendable {
    private let connections = Mutex<[String: Int]>([:])

    /// False when there is the number of connections already.
    func enter(_ name: String, max: Int) -> Bool {
        connections.withLock { connections in
            let count = connections[name] ?? 0
            guard count < max else { return false }
            connections[name] = count + 1
            return true
        }
    }

    func leave(_ name: String) {
        connections.withLock { connections in
            guard let count = connections[name] else { return }
            connections[name] = count > 1 ? count - 1 : nil
        }
    }
}

extension SocketAddress {
    /// What connections are counted by: the address, of IPv6 the network of 64 bits, which is what one customer has.
    var peerName: String? {
        switch self {
        case .v4: return ipAddress
        case .v6(let address):
            // `sin6_addr`, by its place: which C module the member belongs to depends on what is compiled together.
            let bytes = withUnsafeBytes(of: address.address) { Array($0[8..<24]) }
            // An IPv4 peer of a socket that takes both.
            if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
                return bytes[12...].map { String($0) }.joined(separator: ".")
            }
            return bytes[..<8].map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
        case .unixDomainSocket: return nil
        }
    }
}
