import Foundation
import Synchronization
import TestSupport

/// Stands between a client and the server, passes bytes on, and cuts connections as it is told. A thread per direction.
final class CuttingProxy: Sendable {
    /// What happens to the connection whose client sends a message with a word in it.
    enum Cut: Sendable {
        /// The message does not reach the server; both sides see the end.
        case before
        /// The message reaches the server, and both sides see the end at once: what comes of it, the server decides.
        case during
        /// The server's answer, which has the word in it too, reaches nobody; both sides see the end.
        case after
        /// The same, and the server does not learn that the client is gone.
        case halfOpen
    }

    private struct State {
        var cut: (word: [UInt8], how: Cut)?
        var cuts = 0
        var isOver = false
        var connections: [Int32] = []
    }

    let port: Int
    private let target: Int
    private let listener: Int32
    private let state = Mutex(State())

    init(to target: Int) throws {
        self.target = target
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw DeadlinePassed(description: "the proxy cannot listen") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self else { return }
                self.serve(client)
            }
        }.start()
    }

    /// No connection works any more, and none is taken.
    func end() {
        let open = state.withLock { state in
            state.isOver = true
            defer { state.connections = [] }
            return state.connections
        }
        for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// The next message of a client with this word in it.
    func cut(at word: String, _ how: Cut) { state.withLock { $0.cut = (Array(word.utf8), how) } }

    var cuts: Int { state.withLock { $0.cuts } }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }

    private func serve(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(target)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected, !state.withLock({ $0.isOver }) else {
            close(client)
            close(server)
            return
        }
        state.withLock { $0.connections += [client, server] }
        let link = Link()
        Thread { self.passRequests(from: client, to: server, link) }.start()
        Thread { self.passAnswers(from: server, to: client, link) }.start()
    }

    /// Two directions of one connection.
    private final class Link: Sendable {
        /// Which answer is to be lost, and how.
        let awaited = Mutex<(word: [UInt8], how: Cut)?>(nil)
    }

    private func passRequests(from client: Int32, to server: Int32, _ link: Link) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            let cut = takeCut(buffer[..<count])
            switch cut?.how {
            case .before:
                shutdown(client, Int32(SHUT_RDWR))
                shutdown(server, Int32(SHUT_RDWR))
                return
            case .during:
                shutdown(client, Int32(SHUT_RDWR))
                send(buffer[..<count], to: server)
                shutdown(server, Int32(SHUT_WR))
                return
            case .after, .halfOpen:
                link.awaited.withLock { $0 = cut }
                send(buffer[..<count], to: server)
            case nil: send(buffer[..<count], to: server)
            }
        }
        // Of a connection that is half open, the server learns nothing.
        if case .halfOpen? = link.awaited.withLock({ $0 })?.how { return }
        shutdown(server, Int32(SHUT_RDWR))
    }

    private func passAnswers(from server: Int32, to client: Int32, _ link: Link) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(server, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            if let awaited = link.awaited.withLock({ $0 }), Data(buffer[..<count]).range(of: Data(awaited.word)) != nil
            {
                shutdown(client, Int32(SHUT_RDWR))
                if case .after = awaited.how { shutdown(server, Int32(SHUT_RDWR)) }
                return
            }
            send(buffer[..<count], to: client)
        }
        shutdown(client, Int32(SHUT_RDWR))
    }

    private func takeCut(_ bytes: ArraySlice<UInt8>) -> (word: [UInt8], how: Cut)? {
        state.withLock { state in
            guard let cut = state.cut, Data(bytes).range(of: Data(cut.word)) != nil else { return nil }
            state.cut = nil
            state.cuts += 1
            return cut
        }
    }

    private func send(_ bytes: ArraySlice<UInt8>, to target: Int32) {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Foundation.send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }
}
