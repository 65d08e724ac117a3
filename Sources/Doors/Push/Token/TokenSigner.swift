internal import Foundation

/// Signs push tokens for development (`millrace token`), the demo and tests. In production the application's own backend
/// signs them, or Apex does.
public struct TokenSigner: Sendable {
    /// One entry of `allow`, unchecked: a wrong one is refused by the verifier, as it would be from any other signer.
    public struct Allowance: Hashable, Sendable {
        public var channel: String
        public var condition: String?
        public var fields: [String]?

        public init(channel: String, where condition: String? = nil, fields: [String]? = nil) {
            self.channel = channel
            self.condition = condition
            self.fields = fields
        }
    }

    private let algorithm: TokenAlgorithm
    private let key: SigningKey
    private let issuer: String
    private let audience: String

    /// - Parameter key: the secret (HS256, at least 32 bytes) or the private key in PEM form (RS256, ES256).
    public init(algorithm: TokenAlgorithm, key: String, issuer: String, audience: String) throws(TokenError) {
        self.algorithm = algorithm
        self.key = try SigningKey(algorithm: algorithm, key: key)
        self.issuer = issuer
        self.audience = audience
    }

    /// - Parameters:
    ///   - id: `jti`, by which the one token can be revoked.
    ///   - publish: topics of platform events that the bearer may publish.
    ///   - issuedAt: seconds since 1970.
    ///   - lifetime: until the token expires.
    public func sign(
        subject: String, id: String? = nil, allow: [Allowance], publish: [String] = [], issuedAt: Int64,
        lifetime: Duration
    ) throws(TokenError) -> String {
        let claims = TokenClaims(
            iss: issuer, aud: .init(audience), sub: subject, jti: id,
            exp: Double(issuedAt + lifetime.components.seconds),
            nbf: nil,
            iat: Double(issuedAt),
            allow: allow.map { TokenAllowance(channel: $0.channel, where: $0.condition, fields: $0.fields) },
            publish: publish.isEmpty ? nil : publish)
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let header = try encoder.encode(TokenHeader(alg: algorithm.rawValue, typ: "JWT", kid: nil, crit: nil))
            let signed = Base64URL.encode(header) + "." + Base64URL.encode(try encoder.encode(claims))
            return signed + "." + Base64URL.encode(try key.signature(of: Data(signed.utf8)))
        } catch {
            throw TokenError(code: .key, message: "the token could not be signed: \(error)")
        }
    }
}
