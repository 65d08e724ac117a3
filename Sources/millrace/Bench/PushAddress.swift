import Foundation

/// Where a gateway's WebSocket door is: `ws://127.0.0.1:8080/push`, `wss://events.example.com/push`.
struct PushAddress: Hashable, Sendable {
    struct Mistake: Error, Hashable {
        var message: String
    }

    /// Without brackets.
    var host: String
    var port: UInt16
    var isTLS: Bool
    /// Path and query, as the request line has them. Without a path in the text: `/push`.
    var target: String

    /// Throws `Mistake` with a sentence that says what an address looks like.
    init(_ text: String) throws(Mistake) {
        func mistake(_ reason: String) -> Mistake {
            Mistake(message: "\(text) \(reason); an address looks like ws://127.0.0.1:8080/push.")
        }
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            let host = parts.host, !host.isEmpty
        else { throw mistake("is no address") }
        switch scheme {
        case "ws": isTLS = false
        case "wss": isTLS = true
        default: throw mistake("begins with \(scheme)://, not with ws:// or wss://")
        }
        guard parts.user == nil, parts.password == nil else { throw mistake("holds a user: the token says who comes") }
        guard parts.fragment == nil else { throw mistake("has a fragment, which no request carries") }
        guard let port = UInt16(exactly: parts.port ?? (isTLS ? 443 : 80)), port > 0 else {
            throw mistake("has a port that is none")
        }
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        let path = parts.percentEncodedPath
        target = (path.isEmpty || path == "/" ? "/push" : path) + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
    }

    /// As the header `Host` has it.
    var authority: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return port == (isTLS ? 443 : 80) ? host : "\(host):\(port)"
    }
}
