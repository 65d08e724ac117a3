internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// One request below `/services/data/`, taken apart.
struct RESTRequest {
    /// `GET`, or what `_HttpMethod` says it is.
    var method: String
    /// What follows `/services/data/`, decoded.
    var elements: [String]
    var query: [(name: String, value: String)]
    var headers: HTTPFields

    /// Nil when the target cannot be decoded.
    init?(_ request: Request) {
        var elements: [String] = []
        for element in request.uri.path.split(separator: "/").dropFirst(2) {
            guard let decoded = FormDecoding.decode(element, plusIsSpace: false) else { return nil }
            elements.append(decoded)
        }
        guard let query = FormDecoding.parameters(request.uri.query ?? "") else { return nil }
        self.elements = elements
        self.query = query
        headers = request.headers
        method = request.method.rawValue
        // For clients that cannot send PATCH; only a POST can stand for another method.
        if method == "POST", let override = parameter("_HttpMethod") { method = override.uppercased() }
    }

    func parameter(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    var wantsPrettyPrint: Bool {
        guard let value = HTTPField.Name("X-PrettyPrint").flatMap({ headers[$0] }) else { return false }
        return value == "1" || value.lowercased() == "true"
    }

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
    var clientName: String? {
        guard let value = HTTPField.Name("Sforce-Call-Options").flatMap({ headers[$0] }) else { return nil }
        for option in value.split(separator: ",") {
            let parts = option.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "client" else { continue }
            return String(parts[1].drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        return nil
    }

    /// True for `application/json`, with no character set or with UTF-8.
    var hasJSONBody: Bool {
        guard let value = headers[.contentType]?.lowercased() else { return false }
        let parts = value.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\"" } }
        guard parts.first == "application/json" else { return false }
        return parts.dropFirst().allSatisfy {
            !$0.hasPrefix("charset=") || $0 == "charset=utf-8" || $0 == "charset=utf8"
        }
    }
}
