internal import Foundation

struct TokenHeader: Codable {
    var alg: String
    var typ: String?
    var kid: String?
    var crit: [String]?
}

/// An entry of the `allow` claim as it is written.
struct TokenAllowance: Codable, Hashable {
    var channel: String
    var `where`: String?
    var fields: [String]?
}

/// The claims of a push token as they are written.
struct TokenClaims: Codable {
    /// RFC 7519 section 4.1.3: one string, or several.
    struct Audience: Codable {
        var values: [String]

        init(_ value: String) { values = [value] }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(String.self) {
                values = [value]
            } else {
                values = try container.decode([String].self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if values.count == 1 { try container.encode(values[0]) } else { try container.encode(values) }
        }
    }

    var iss: String
    var aud: Audience
    var sub: String
    var jti: String?
    var exp: Double
    var nbf: Double?
    var iat: Double?
    var allow: [TokenAllowance]
    /// Topics.
    var publish: [String]?

    /// Names the claim at fault, without its value.
    static func explain(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the token's claims are not a JSON object" }
        func name(_ path: [any CodingKey]) -> String {
            path.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined().drop { $0 == "." }
                .description
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "the token has no \(name(context.codingPath + [key]))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "the token's \(name(context.codingPath)) has the wrong type"
        case .dataCorrupted:
            return "the token's claims are not a JSON object"
        @unknown default:
            return "the token's claims cannot be read"
        }
    }
}
