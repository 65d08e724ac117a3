internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// One request below `/services/data/`, taken apart.
struct RESTRequest {
    /// `GET`, or what `_HttpMethod` says it is.
    var method: String
    var target: RESTTarget
    var headers: HTTPFields

    /// Nil when the target cannot be decoded.
    init?(_ request: Request) {
        guard let target = RESTTarget(path: request.uri.path, query: request.uri.query ?? "") else { return nil }
        self.target = target
        headers = request.headers
        method = request.method.rawValue
        // For clients that cannot send PATCH; only a POST can stand for another method.
        if method == "POST", let override = target.query.first(where: { $0.name == "_HttpMethod" })?.value {
            method = override.uppercased()
        }
    }

    var wantsPrettyPrint: Bool {
        guard let value = Self.prettyPrint.flatMap({ headers[$0] }) else { return false }
        return value == "1" || value.lowercased() == "true"
    }

    private static let prettyPrint = HTTPField.Name("X-PrettyPrint")
    private static let callOptions = HTTPField.Name("Sforce-Call-Options")

    /// The token of `Authorization: Bearer …` or, as older clients write it, `OAuth …`.
    var accessToken: String? { Self.accessToken(in: headers) }

    static func accessToken(in headers: HTTPFields) -> String? {
        guard let value = headers[.authorization], let space = value.firstIndex(of: " ") else { return nil }
        let scheme = value[..<space].lowercased()
        guard scheme == "bearer" || scheme == "oauth" else { return nil }
        let token = value[space...].drop { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }

    /// `client=` of `Sforce-Call-Options: client=MyApp, defaultNamespace=x`.
    var clientName: String? { Self.clientName(in: headers) }

    static func clientName(in headers: HTTPFields) -> String? {
        guard let value = callOptions.flatMap({ headers[$0] }) else { return nil }
        for option in value.split(separator: ",") {
            let parts = option.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "client" else { continue }
            let name = String(parts[1].drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            return String(name.prefix(CallContext.clientNameMax))
        }
        return nil
    }

    /// True for `application/json`, with no character set or with UTF-8.
    static func isJSON(_ contentType: String?) -> Bool {
        // As nearly every client says it.
        if contentType == "application/json" { return true }
        guard let value = contentType?.lowercased() else { return false }
        let parts = value.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\"" } }
        guard parts.first == "application/json" else { return false }
        return parts.dropFirst().allSatisfy {
            !$0.hasPrefix("charset=") || $0 == "charset=utf-8" || $0 == "charset=utf8"
        }
    }

    /// Whether a client that says this takes JSON. Nothing said is anything taken.
    static func acceptsJSON(_ accept: String?) -> Bool {
        guard let accept, !accept.isEmpty else { return true }
        return accept.lowercased().split(separator: ",").contains { range in
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " } }
            guard let type = parts.first, ["application/json", "application/*", "*/*", "*"].contains(type) else {
                return false
            }
            return !parts.dropFirst().contains { part in
                part.hasPrefix("q=") && Double(part.dropFirst(2)) == 0
            }
        }
    }
}

/// What stands behind `/services/data/` in a target: of a request, or of a part of a composite one.
struct RESTTarget: Sendable {
    /// `v66.0`, then the resource; decoded. Empty for `/services/data` itself.
    var elements: [String]
    var query: [(name: String, value: String)]

    /// Nil for an escape that is none, or that is not UTF-8.
    init?(path: some StringProtocol, query: some StringProtocol) {
        var elements: [String] = []
        for element in String(path).utf8.split(separator: UInt8(ascii: "/")).dropFirst(2) {
            guard let decoded = FormDecoding.decode(Substring(element), plusIsSpace: false) else { return nil }
            elements.append(decoded)
        }
        guard let parameters = FormDecoding.parameters(query) else { return nil }
        self.elements = elements
        self.query = parameters
    }

    /// The target of a part: `/services/data/v66.0/sobjects`, and where `allowsShort` also `v66.0/sobjects`. Nil for
    /// anything else.
    init?(part url: String, allowsShort: Bool) {
        let pieces = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path = String(pieces[0])
        let start = "/services/data/"
        if !path.hasPrefix(start) {
            guard allowsShort else { return nil }
            path = start + path.drop { $0 == "/" }
        }
        self.init(path: path, query: pieces.count == 2 ? String(pieces[1]) : "")
    }
}
