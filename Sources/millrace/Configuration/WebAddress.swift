import Foundation

/// Checks of addresses in configuration.
enum WebAddress {
    /// What is wrong with a URL, continuing a sentence that begins with the key; nil for a good one.
    static func complaint(about text: String) -> String? {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(), let host = parts.host,
            !host.isEmpty
        else { return "must be a URL such as https://login.salesforce.com" }
        if parts.user != nil || parts.password != nil { return "must not hold a user or password" }
        if parts.query != nil || parts.fragment != nil { return "must not have a query or fragment" }
        if let port = parts.port, !(1...65_535).contains(port) { return "has a port that is none" }
        switch scheme {
        case "https": return nil
        case "http":
            return isThisMachine(host) ? nil : "must begin with https:// (http:// is only for this machine)"
        default: return "must begin with https://"
        }
    }

    /// What is wrong with an origin as browsers send it: scheme, host, port where it is not the standard one, nothing
    /// else.
    static func complaint(aboutOrigin text: String) -> String? {
        if text == "*" { return "must name each origin: * would let every page in" }
        guard let parts = URLComponents(string: text), let scheme = parts.scheme, let host = parts.host, !host.isEmpty,
            parts.user == nil, parts.query == nil, parts.fragment == nil
        else { return "is not an origin: the form is https://app.example.com" }
        guard scheme == "https" || scheme == "http" else { return "is not an origin: it must begin with https://" }
        guard parts.path.isEmpty else { return "is not an origin: nothing may stand behind the host, not even a slash" }
        guard text == text.lowercased() else { return "is not an origin as browsers send it: write it in lower case" }
        if let port = parts.port, port == (scheme == "https" ? 443 : 80) {
            return "is not an origin as browsers send it: leave out the standard port"
        }
        return nil
    }

    /// `host:port`, `[::1]:port`.
    static func hostAndPort(_ text: String) -> Configuration.Address? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-:_".contains($0)) })
        else {
            return nil
        }
        return Configuration.Address(host: String(host), port: port)
    }

    static func isThisMachine(_ host: String) -> Bool {
        ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host.lowercased())
    }
}
